#!/bin/bash
# Builds the fuzzers and runs each of them for SECONDS, from the corpus in git. What they find new is kept
# in .build/fuzz/found/<target>/, a crashing input in .build/fuzz/crashes/<target>/; git stays clean.
#
#   Tests/Fuzz/run.sh SECONDS [json|session|cells|audit|policy]
set -euo pipefail

seconds=${1:?usage: Tests/Fuzz/run.sh SECONDS [json|session|cells|audit|policy]}
targets=${2:-json session cells audit policy}
cd "$(dirname "$0")/../.."
build=.build/fuzz

# The Swift runtime's own backtraces hang under the address sanitizer.
export SWIFT_BACKTRACE=enable=no

status=0
for target in $targets; do
    CLOISTER_FUZZ=1 swift build -c release --build-path "$build" --product "fuzz-$target"
    found=$build/found/$target
    crashes=$build/crashes/$target
    mkdir -p "$found" "$crashes"
    # libFuzzer writes to the first directory and only reads the second.
    if ! "$build/release/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=1024 -verbosity=0 -print_funcs=0 -print_final_stats=1 \
        -dict="Tests/Fuzz/$target.dict" -artifact_prefix="$crashes/" \
        "$found" "Tests/Fuzz/corpus/$target" 2>&1 |
        sed '/Recommended dictionary/,/End of recommended/d'; then
        status=1
        echo "fuzz-$target failed; the input is kept in $crashes" >&2
    fi
done
exit $status
