#!/bin/sh
# A Debian root file system with systemd, as an administrator finds it: what the tests run on. Nothing of ours is in it,
# so it is made once, and again when this file changes.
#
#   root.sh RELEASE FILE [PACKAGES]    makes FILE, an archive of that Debian; with these packages too (A,B,…)
set -eu
release=$1
file=$2
# The last line is what our package depends on: the machine has no network, and apt is asked all the same.
packages="systemd,systemd-sysv,dbus,polkitd,pkexec,sudo,libpam-systemd,procps,python3,\
e2fsprogs,libstdc++6,libseccomp2,libyaml-0-2,libnettle8,libhogweed6,libsystemd0"

# shellcheck disable=SC2016 # $1 is the hook's: the root
hook='
    for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer \
        systemd-timesyncd.service console-getty.service serial-getty@ttyS0.service getty@tty1.service; do
        ln -sf /dev/null "$1/etc/systemd/system/$unit"
    done
    chroot "$1" useradd --create-home anna
    chroot "$1" useradd --create-home ben
    echo cloister-test >"$1/etc/hostname"
    : >"$1/etc/machine-id"
    rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*'

[ "$(id -u)" -eq 0 ] || { echo 'root: only root can make a root file system' >&2; exit 1; }
mmdebstrap --quiet --variant=minbase --include="$packages${3:+,$3}" --customize-hook="$hook" "$release" "$file.new.tar"
mv "$file.new.tar" "$file"
