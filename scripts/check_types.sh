#!/usr/bin/env bash
# Runs mypy over every member, one at a time: their tests share file names, which mypy cannot hold apart in one run.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
check() { # files and folders that are there; all are checked even after a failure
    local target present=()
    for target in "$@"; do
        if [ -n "$(find "$target" -name '*.py' -print -quit 2>/dev/null)" ]; then present+=("$target"); fi
    done
    if [ ${#present[@]} -gt 0 ]; then .venv/bin/mypy "${present[@]}" || status=1; fi
}

for member in libs/*/ services/*/ connectors/ cli/; do
    check "${member}src" "${member}tests"
done
check conftest.py scripts tests/support
check tests/integration tests/faults tests/test_*.py
check bench
MYPYPATH=docs/examples check docs/examples
exit "$status"
