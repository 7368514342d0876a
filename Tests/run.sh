#!/bin/sh
# Every test: the Swift suites, cells driven by hand and the probe that tries to get out of them, the official
# Python SDK and fastmcp as clients of the real programs, and at the end every message that the daemon sent in any of
# them against its revision's JSON schema.
set -eu
build=$1
python=$2
cd "$(dirname "$0")/.."

# What the tests record of the wire. Old recordings would be validated again.
CLOISTER_WIRE=$build/wire
CLOISTER_BIN=$build/debug
export CLOISTER_WIRE CLOISTER_BIN
rm -rf "$CLOISTER_WIRE"
mkdir -p "$CLOISTER_WIRE"

echo '== Unit and integration tests'
swift build --build-tests
swift test --skip-build

echo '== Cells: walls that fail, deaths, hostile programs, the probe'
(cd Tests/Cells && PYTHONDONTWRITEBYTECODE=1 "$python" -m pytest -q)

echo '== Official Python SDK and fastmcp'
(cd Tests/Interop && PYTHONDONTWRITEBYTECODE=1 "$python" -m pytest -q)

echo '== Messages against the schemas'
"$python" Tests/Interop/validate_wire.py "$CLOISTER_WIRE"
