#!/usr/bin/env bash
# Runs the environment's uv with the machine's own settings for pip, which uv does not read by itself:
# where packages come from, and which certificates are trusted on the way.
set -euo pipefail
cd "$(dirname "$0")/.."

pip_setting() { # what this machine has set for pip under the name $1, if anything; the strongest setting comes last
    .venv/bin/python -m pip config list 2>/dev/null |
        sed -n -e "s/^global\.$1='\(.*\)'$/\1/p" -e "s/^install\.$1='\(.*\)'$/\1/p" -e "s/^:env:\.$1='\(.*\)'$/\1/p" |
        tail -n 1
}

index=$(pip_setting index-url)
certificates=$(pip_setting cert)
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"; fi
if [ -n "$certificates" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"; fi
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
exec .venv/bin/uv "$@"
