#!/bin/sh
# Installs those of the named Debian packages that are missing. With all of them there it does nothing,
# and needs no network and no privilege.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# Somebody else may be installing something.
apt="apt-get -o DPkg::Lock::Timeout=300"
# An installation that fails may only have an old list of packages.
# shellcheck disable=SC2086 # a list of words
$sudo $apt install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    $sudo $apt update -qq
    $sudo $apt install -y -qq --no-install-recommends $missing
}
