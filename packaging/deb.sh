#!/bin/sh
# `make deb`: packs what `make build` made as a Debian package, without network and without privilege.
#
#   deb.sh BUILD_DIRECTORY DIRECTORY [SUFFIX]    puts cloister_VERSION_ARCHITECTURE.deb into DIRECTORY; SUFFIX makes a
#                                                version of its own (0.1.0-1SUFFIX), higher than without
set -eu
build=$1
to=$(realpath -m "$2")
suffix=${3:-}
top=$(realpath "$(dirname "$0")/..")

version=$("$build/release/cloisterd" --version | sed 's/.* //')
packed=$(sed -n '1s/.*(\(.*\)-.*).*/\1/p' "$top/packaging/debian/changelog")
if [ "$version" != "$packed" ]; then
    echo "deb: the programs are version $version, packaging/debian/changelog says $packed" >&2
    exit 1
fi

work=$build/deb/source
# With whatever somebody who was interrupted has left half done.
rm -rf "$work" "$build"/deb/cloister_*
mkdir -p "$work" "$to"
cp -r "$top/packaging/debian" "$work/debian"
if [ -n "$suffix" ]; then sed -i "1s/)/$suffix)/" "$work/debian/changelog"; fi

(
    cd "$work"
    # Debugging symbols of Swift's own library are of no use to anybody here.
    CLOISTER_TREE=$top DEB_BUILD_OPTIONS="noautodbgsym nocheck" \
        dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >"$build/deb/log" 2>&1
) || {
    tail -n 40 "$build/deb/log" >&2
    exit 1
}
rm -f "$to"/cloister_*.deb
mv "$build"/deb/cloister_*.deb "$to/"
ls "$to"/cloister_*.deb
