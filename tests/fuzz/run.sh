#!/usr/bin/env bash
# Each target of the fuzzer for so many seconds, one after another.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:?how many seconds for each target}
shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz_targets/*.rs)
(cd .. && cargo +nightly fuzz build "${targets[@]:0:$(($# == 1))}")
failed=0
for target in "${targets[@]}"; do
    mkdir -p "found/$target" "artifacts/$target"
    printf '== %s\n' "$target"
    (cd .. && nice -n 5 cargo +nightly fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 2>&1) |
        tee "found/$target.log" | grep -E 'cov:|stat::|panicked|SUMMARY' | tail -n 8 || failed=1
    ls "artifacts/$target" | grep -q . && failed=1
    printf 'inputs: %s\n' "$(find "found/$target" -type f | wc -l)"
done
exit "$failed"
