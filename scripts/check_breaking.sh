#!/usr/bin/env bash
# Holds the shared words to their promise: nothing that was published may change its meaning on the wire or in code.
# Compares with PROTO_BASELINE if set (any commit), else with the last release, else with main as published, else with
# the commit before. Where there is nothing older to compare with (a first commit, a shallow clone) it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

has_proto() { # a commit other than the present one that holds .proto files
    local commit
    commit=$(git rev-parse --quiet --verify "$1^{commit}" 2>/dev/null) || return 1
    [ "$commit" != "$(git rev-parse HEAD)" ] && git cat-file -e "$commit:proto/holdfast" 2>/dev/null
}

baseline() {
    local candidate
    for candidate in ${PROTO_BASELINE:-$(git describe --tags --abbrev=0 2>/dev/null || true) origin/main main HEAD~1}; do
        if has_proto "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

against=$(baseline 2>/dev/null || true)
if [ -z "$against" ]; then
    echo "breaking: nothing older to compare the .proto files with"
    exit 0
fi
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$against" proto | tar -x -C "$old" --exclude=gen
.venv/bin/buf breaking proto --against "$old/proto"
