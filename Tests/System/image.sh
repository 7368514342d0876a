#!/bin/sh
# The machine's base: a Debian with systemd, a kernel, and what the tests are written in, as a file system image.
# Nothing of ours is in it, so it is made once, and again when this file changes.
#
#   image.sh DIRECTORY     makes DIRECTORY/root.ext4, DIRECTORY/vmlinuz and DIRECTORY/initrd
set -eu
to=$(realpath -m "$1")
cd "$(dirname "$0")"

# The last line is what our programs link, and what the tests run in cells. pytest comes with the layer: the same
# that runs the other tests.
packages="linux-image-cloud-amd64,initramfs-tools,kmod,udev,\
systemd,systemd-sysv,dbus,e2fsprogs,procps,\
python3,\
libstdc++6,libseccomp2,libyaml-0-2,libnettle8,libhogweed6,libsystemd0,perl"

[ "$(id -u)" -eq 0 ] || { echo 'image: only root can make a root file system' >&2; exit 1; }
rm -rf "$to"
mkdir -p "$to"
trap 'rm -rf "$to/root"' EXIT
mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$to/root"

cp "$to"/root/boot/vmlinuz-* "$to/vmlinuz"
cp "$to"/root/boot/initrd.img-* "$to/initrd"
# One unit is all that it has of the tests: it takes over what is on the second disk, and runs that.
install -m 0644 units/system-test.service "$to/root/etc/systemd/system/"
mkdir -p "$to/root/etc/systemd/system/multi-user.target.wants"
ln -s ../system-test.service "$to/root/etc/systemd/system/multi-user.target.wants/"
echo cloister-test >"$to/root/etc/hostname"
rm -rf "$to/root/boot" "$to"/root/var/cache/apt/* "$to"/root/var/lib/apt/lists/* "$to"/root/usr/share/doc/*
# Nothing is waited for that this machine does not have.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer \
    systemd-timesyncd.service serial-getty@ttyS0.service getty@tty1.service; do
    ln -sf /dev/null "$to/root/etc/systemd/system/$unit"
done
mke2fs -q -t ext4 -d "$to/root" -E lazy_itable_init=1,lazy_journal_init=1 "$to/root.ext4.new" 2G >/dev/null
mv "$to/root.ext4.new" "$to/root.ext4"
