#!/usr/bin/env bash
# Pins every package with its hashes, for every platform and Python from 3.11 on. No address lands in the files.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null; then
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    python3 -m pip install --quiet --quiet --disable-pip-version-check --target "$tools" uv
    PATH="$tools/bin:$PATH"
fi

pin() {
    uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
        --custom-compile-command "make lock" ${UPGRADE:+--upgrade} "$1.in" --output-file "$1.txt" "${@:2}"
}

pin requirements
pin requirements-database --no-deps
pin requirements-dev
pin requirements-node

if grep -n '://' requirements*.txt; then
    echo "An address has got into the files above: see what pip or uv is configured with." >&2
    exit 1
fi
