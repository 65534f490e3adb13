#!/usr/bin/env bash
# Makes .venv: every dependency of requirements.lock, each proved by its hash, and our own packages, editable.
# Needs only a python3 of at least 3.11 with its venv module. Costs nothing when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

settings=(proto/pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml connectors/pyproject.toml cli/pyproject.toml)
members=("${settings[@]%/pyproject.toml}")

stamp() { # changes with the lock, the members' own settings and the place (a virtual environment cannot be moved)
    pwd
    cat requirements.lock scripts/setup.sh "${settings[@]}" | cksum
}

suitable() { # a python that is new enough and can make environments
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() { # a distribution's own is built by profile; one compiled with the defaults needs a third more of everything
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} /usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.14; do
        if suitable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "setup: no Python of at least 3.11 with its venv module is on the PATH." \
        "Install one (Debian: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3" >&2
    return 1
}

install_uv() { # the installer is itself in the lock, so it is proved by its hash too
    local wanted
    wanted=$(mktemp)
    awk '/^uv==/ {found = 1} found {print} found && !/\\$/ {exit}' requirements.lock >"$wanted"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$wanted"
    rm -f "$wanted"
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

install() { # uv is many times faster; pip works wherever the machine's own pip does
    scripts/uv.sh pip install --quiet --python .venv/bin/python "$@" || { echo "setup: uv could not install; trying pip" >&2; pip_install "$@"; }
}

if [ -f .venv/setup.stamp ] && [ "$(stamp)" = "$(cat .venv/setup.stamp)" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "setup: making .venv with $("$python" --version) ($python)"
    "$python" -m venv --clear .venv
fi
echo "setup: installing the locked dependencies"
install_uv
install --require-hashes --no-deps -r requirements.lock
echo "setup: installing our own packages"
install --no-deps --no-build-isolation "${members[@]/#/--editable=./}"
# Compiled once here, or in every process again wherever Python is told to leave no files behind (many images do).
.venv/bin/python -m compileall -q -j 0 .venv/lib "${members[@]}" || echo "setup: some modules could not be compiled; they still run" >&2
stamp >.venv/setup.stamp
echo "setup: done; the command is .venv/bin/holdfast"
