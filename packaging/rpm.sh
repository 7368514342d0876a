#!/bin/sh
# `make rpm`: packs what `make build` made as an RPM package, without network and without privilege.
#
#   rpm.sh BUILD_DIRECTORY    puts cloister-VERSION-1.ARCHITECTURE.rpm into BUILD_DIRECTORY/rpm
set -eu
build=$1
top=$(realpath "$(dirname "$0")/..")

version=$("$build/release/cloisterd" --version | sed 's/.* //')
work=$build/rpm
rm -rf "$work"
mkdir -p "$work"
# rpmbuild may run below make, whose flags are not for the make in the package.
MAKEFLAGS='' rpmbuild -bb --define "_topdir $work/build" --define "_rpmdir $work" --define "version $version" \
    --define "tree $top" --define "make make --no-print-directory -C $top" "$top/packaging/cloister.spec" \
    >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    exit 1
}
rm -rf "$work/build"
mv "$work"/*/cloister-*.rpm "$work/"
ls "$work"/cloister-*.rpm
