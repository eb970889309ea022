#!/usr/bin/env bash
# Every test that docs/threats.md names is there.
#
#   tests/threats.sh
#
# A test is named in backticks: four words or more, with underscores. It is there where a function of this
# name follows an attribute that makes it a test, or a macro that does (tests/hostile/fuzzed.rs).
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -oE '`[a-z0-9]+(_[a-z0-9]+){3,}`' docs/threats.md | tr -d '`' | sort -u >"$work/named"
[ -s "$work/named" ] || { echo "threats: docs/threats.md names no test"; exit 1; }
find protocol node cli tests -name target -prune -o -name '*.rs' -print0 | xargs -0 awk '
    FNR == 1 { test = 0 }
    /^ *#\[(tokio::)?test/ { test = 1; next }
    test && match($0, /fn [a-z0-9_]+/) { print substr($0, RSTART + 3, RLENGTH - 3); test = 0 }
    /^    (no|nothing)_[a-z0-9_]+ "[a-z-]+"$/ { print $1 }' | sort -u >"$work/tests"
missing=$(comm -23 "$work/named" "$work/tests" | tr '\n' ' ')
[ -z "$missing" ] || { echo "threats: there is no test of this name: $missing"; exit 1; }
echo "threats: $(wc -l <"$work/named") tests are named, and there"
