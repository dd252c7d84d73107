#!/usr/bin/env bash
# What some tests need and pip can't bring: PHP, a browser, an older PostgreSQL, strace. On Debian as root it is
# installed when it is missing; anywhere else the tests concerned skip and say what they lack.
set -euo pipefail

missing=()
command -v php >/dev/null || missing+=(php-cli)
php -m 2>/dev/null | grep -qi "^curl$" || missing+=(php-curl)
command -v chromium >/dev/null || missing+=(chromium)
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
command -v strace >/dev/null || missing+=(strace)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed: ${missing[*]}. The tests that need them will be skipped."
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
# We want PostgreSQL's programs, not a server that Debian starts on port 5432.
if [ ! -e /etc/postgresql-common ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
apt-get update -qq || echo "apt-get update failed: going on with the lists that are here."
for package in "${missing[@]}"; do
    echo "Installing $package for the tests ..."
    log=$(mktemp)
    apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$package" >"$log" 2>&1 </dev/null ||
        { tail -3 "$log"; echo "$package could not be installed: the tests that need it will be skipped."; }
    rm -f "$log"
done
