#!/bin/sh
# What the formatter cannot see: scripts, man pages, and the rules about what belongs where.
set -eu
cd "$(dirname "$0")/.."

packaging/need.sh mandoc shellcheck
shellcheck -s bash packaging/completions/cloisterctl.bash
shellcheck packaging/*.sh Tests/*.sh Tests/Fuzz/*.sh Tests/Probe/*.sh Tests/System/image.sh Tests/System/begin \
    Tests/System/root.sh Tests/System/accept Tests/System/acceptance/life .ci/run \
    packaging/debian/cloister.p*
mandoc -T lint -W warning man/*.[1-9]

fail() {
    echo "check: $1" >&2
    exit 1
}

# Foundation stays out of everything but tests: it costs every start 4 ms and 15 MB.
if grep -rlE '^import Foundation' Sources examples; then fail 'Foundation is for tests alone'; fi
# The pure modules make no system call.
if grep -nE '^import (Glibc|CLinux|Linux|EventLoop)' Sources/JSON/*.swift Sources/MCP/*.swift Sources/Cells/*.swift \
    Sources/Applications/*.swift Sources/Diff/*.swift; then
    fail 'JSON, MCP, Cells, Applications and Diff are pure'
fi
# sd-bus has one owner.
if grep -rlE '^import CSystemd' Sources | grep -v '^Sources/Bus/'; then fail 'sd-bus belongs to Bus'; fi
# A main does nothing but start its program.
for main in Sources/*/main.swift; do
    [ "$(wc -l <"$main")" -lt 100 ] || fail "$main is not a main any more"
done
echo 'check: everything in order'
