# Makes the project's virtual environment and puts it on PATH; sourced by run_local.sh and run_tests.sh.
# Installs only what is not installed yet: a stamp in the environment names what was asked for.

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in ${REELSCORE_PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11, 3.12 or 3.13 is needed and none was found; set REELSCORE_PYTHON to one"
}

# environment EXTRAS: an editable install with these extras, for example "cpu" or "cpu,test"
environment() {
    local extras=$1 root=$2 venv python stamp wanted
    venv="${REELSCORE_VENV:-$root/.venv}"
    if [ ! -x "$venv/bin/python" ]; then
        python=$(find_python) || exit 1
        echo "making a virtual environment in $venv ($("$python" --version))" >&2
        "$python" -m venv "$venv" 2>/dev/null || "$python" -m virtualenv -q "$venv" 2>/dev/null \
            || { rm -rf "$venv"; die "$python cannot make a virtual environment; install its venv module (Debian: python3-venv)"; }
    fi
    stamp="$venv/.reelscore-$extras"
    wanted=$(cat "$root/setup.py" "$root/constraints.txt" | cksum)
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
        echo "installing packages, several gigabytes the first time (torch brings its CUDA libraries along)" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" \
            -e "$root[$extras]" || die "the installation failed; its messages are above"
        case ",$extras," in
            *,gpu,*)
                # faiss-cpu and faiss-gpu are one module: whichever is installed last wins, so only one may stay
                "$venv/bin/python" -m pip uninstall --quiet --yes faiss-cpu faiss-gpu
                "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" \
                    --no-deps faiss-gpu || die "the installation of faiss-gpu failed; its messages are above" ;;
        esac
        echo "$wanted" >"$stamp"
    fi
    export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
}

# what suits the machine: the GPU's packages where there is one, else the fast exact backend for processors
machine_extras() {
    if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1; then echo gpu; else echo cpu; fi
}
