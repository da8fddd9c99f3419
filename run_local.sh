#!/usr/bin/env bash
# From videos to a dataset and an index on this machine.
#
#   ./run_local.sh                       a sample corpus that it makes itself
#   ./run_local.sh VIDEOS [OUTPUT]       your own: a folder, a pattern or a manifest
#   ./run_local.sh VIDEOS OUTPUT ...     further options go to `reelscore run` (see: reelscore run --help)
#
# Needs Python 3.11 or later and nothing else; installs into .venv beside this file, once.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "${1:-}" in
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

. "$root/tools/environment.sh"
environment "$(machine_extras)" "$root"

data="$root/reelscore-data"
if [ $# -eq 0 ] || [ -z "$1" ]; then
    videos="$data/sample/manifest.csv"
    reelscore sample "$data/sample" >&2
else
    videos=$1
fi
# without an OUTPUT, further runs over the same videos add to the same dataset
name=$(basename -- "$videos")
[ $# -eq 0 ] && name=sample
name=${name%.*}
output=${2:-"$data/dataset-$(printf %s "${name:-videos}" | tr -c 'A-Za-z0-9._-' _)"}
[ $# -gt 2 ] && rest=("${@:3}") || rest=()

reelscore run vmnet --input "$videos" --output "$output" ${rest[@]+"${rest[@]}"}
if [ -f "$output/indexes/video/index.json" ]; then
    echo
    reelscore search "$output" --index video -k 5
fi
printf '\nfor further commands: source %s/bin/activate\n' "$VIRTUAL_ENV" >&2
