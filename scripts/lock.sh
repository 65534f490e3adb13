#!/usr/bin/env bash
# Remakes requirements.lock from every member's pyproject.toml: exact versions with hashes for every system and Python
# we support, and no addresses. Versions already locked stay unless a requirement forbids them; --upgrade moves them.
# With --check nothing is written: exit 1 when the lock is not what the requirements give.
set -euo pipefail
cd "$(dirname "$0")/.."

settings=(pyproject.toml proto/pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml connectors/pyproject.toml cli/pyproject.toml)
options=(--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet)
options+=(--no-emit-package grpc-stubs) # asked for by other stubs; lies in the very folder of types-grpcio, which we use
for member in "${settings[@]}"; do
    options+=(--no-emit-package "$(sed -n 's/^name = "\(.*\)"$/\1/p' "$member" | head -n 1)")
done

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
cp requirements.lock "$fresh"
compile() {
    scripts/uv.sh pip compile "${settings[@]}" --group dev --group bench "${options[@]}" --output-file "$fresh" "$@" >/dev/null
}

if [ "${1:-}" = --check ]; then
    compile
    if ! diff -u requirements.lock "$fresh" >&2; then
        echo "lock: requirements.lock is not what the requirements give; run: make lock" >&2
        exit 1
    fi
else
    compile "$@"
    cat "$fresh" >requirements.lock
fi
