#!/usr/bin/env bash
# Lint, types and tests, in the project's own environment. Arguments go to pytest: ./run_tests.sh -k store
#
# REELSCORE_MEDIA=DIR   a folder of real media with a MANIFEST.csv; tests that need it are skipped without
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/tools/environment.sh"
environment "$(machine_extras),test" "$root"
cd "$root"

ruff check .
ruff format --check --quiet . || { echo "run: ruff format ." >&2; exit 1; }
mypy
# one worker a core; a module's tests share its fixtures
python -m pytest -n "${REELSCORE_TEST_WORKERS:-2}" --dist loadfile -rs "$@"
