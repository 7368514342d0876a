#!/bin/sh
# The virtual machine's base: the root file system of root.sh with a kernel, as an image. Nothing of ours is in it, so
# it is made once, and again when one of the two changes.
#
#   image.sh DIRECTORY     makes DIRECTORY/root.ext4, DIRECTORY/vmlinuz and DIRECTORY/initrd
set -eu
to=$(realpath -m "$1")
cd "$(dirname "$0")"

rm -rf "$to"
mkdir -p "$to/root"
trap 'rm -rf "$to/root" "$to/root.tar"' EXIT
# Perl is what some tests run in cells.
./root.sh bookworm "$to/root.tar" linux-image-cloud-amd64,initramfs-tools,kmod,udev,perl
tar --extract --file "$to/root.tar" --directory "$to/root" --numeric-owner

cp "$to"/root/boot/vmlinuz-* "$to/vmlinuz"
cp "$to"/root/boot/initrd.img-* "$to/initrd"
# One unit is all that it has of the tests: it takes over what is on the second disk, and runs that.
install -m 0644 units/system-test.service "$to/root/etc/systemd/system/"
mkdir -p "$to/root/etc/systemd/system/multi-user.target.wants"
ln -s ../system-test.service "$to/root/etc/systemd/system/multi-user.target.wants/"
rm -rf "$to"/root/boot/* "$to"/root/usr/share/doc/*
mke2fs -q -t ext4 -d "$to/root" -E lazy_itable_init=1,lazy_journal_init=1 "$to/root.ext4.new" 2G >/dev/null
mv "$to/root.ext4.new" "$to/root.ext4"
