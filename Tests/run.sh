#!/bin/sh
# Every test: the Swift suites, cells driven by hand and the probe that tries to get out of them, the official
# Python SDK and fastmcp as clients of the real programs, and at the end every message that the daemon sent in any of
# them against its revision's JSON schema.
set -eu
build=$1
python=$2
schemas=$3
cd "$(dirname "$0")/.."

# What the tests record of the wire. Old recordings would be validated again.
CLOISTER_WIRE=$build/wire
CLOISTER_BIN=$build/debug
CLOISTER_SCHEMAS=$schemas
export CLOISTER_WIRE CLOISTER_BIN CLOISTER_SCHEMAS
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
if [ -d "$schemas" ]; then
    "$python" Tests/Interop/validate_wire.py --schemas "$schemas" "$CLOISTER_WIRE"
elif [ "${CLOISTER_MUST_RUN:-}" = 1 ]; then
    echo "the protocol's JSON schemas are not at $schemas" >&2
    exit 1
else
    echo "skipped: the protocol's JSON schemas are not at $schemas (set SCHEMAS to where they are)"
fi
