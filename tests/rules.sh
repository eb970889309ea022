#!/usr/bin/env bash
# Every rule R-n that the specification states is named where it is kept, and in a test; every hostile test
# H-n that the specification or docs/threats.md claims is cited by one (but where a line says `no test yet`).
#
#   tests/rules.sh [SPECIFICATION]
#
# Kept: protocol/src or node/src, outside of test code. Tested: tests/, protocol/tests, node/tests,
# cli/tests, files named tests.rs or below a folder tests/, and whatever follows `#[cfg(test)]` in a
# file. A rule is stated where a line begins with it: `- R-28 ...`; one that begins `- R-44 (later)` waits
# for a later version. (U-n and D-n: once built.)
set -euo pipefail
cd "$(dirname "$0")/.."

spec=${1:-docs/protocol.md}
[ -f "$spec" ] || { echo "rules: $spec does not exist"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -E '^[-*#| ]*R-[0-9]+' "$spec" | grep -vE '^[-*#| ]*R-[0-9]+[ *_]*\(later\)' |
    grep -oE '^[-*#| ]*R-[0-9]+' | grep -oE 'R-[0-9]+' |
    sort -u -t- -k2n >"$work/stated"
[ -s "$work/stated" ] || { echo "rules: $spec states no rule"; exit 1; }

# A name as a whole word, wherever it stands; `R-20 to R-24` and `R-30..R-34` name all between.
names() {
    grep -hoE 'R-[0-9]+(( to |\.\.=?|–)R-[0-9]+)?' |
        awk '{ n = split($0, part, /[^0-9]+/); from = part[2]; to = (n > 2) ? part[n] : from
               if (to - from > 20) to = from
               for (i = from; i <= to; i++) print "R-" i }' | sort -u
}

find protocol node cli tests -name target -prune -o -name '*.rs' -print >"$work/files"
while read -r file; do
    case $file in
    tests/* | */tests/* | */tests.rs) cat "$file" >>"$work/tests.txt" ;;
    protocol/src/* | node/src/*)
        # What follows `#[cfg(test)]` before a module with a body is test code, to the file's end.
        awk -v tests="$work/tests.txt" -v code="$work/code.txt" '
            held != "" { if ($0 ~ /^mod [a-z_]+ \{/) inside = 1
                         print held >> (inside ? tests : code); held = "" }
            /^#\[cfg\(test\)\]/ && !inside { held = $0; next }
            { print >> (inside ? tests : code) }' "$file"
        ;;
    cli/src/*) awk -v tests="$work/tests.txt" '/^#\[cfg\(test\)\]/ { t = 1 } t { print >> tests }' "$file" ;;
    esac
done <"$work/files"
touch "$work/tests.txt" "$work/code.txt"
names <"$work/code.txt" >"$work/code"
names <"$work/tests.txt" >"$work/tested"

unkept=$(sort "$work/stated" | comm -23 - "$work/code" | sort -t- -k2n | tr '\n' ' ')
untested=$(sort "$work/stated" | comm -23 - "$work/tested" | sort -t- -k2n | tr '\n' ' ')
[ -z "$unkept" ] || echo "rules: not named in protocol/src or node/src: $unkept"
[ -z "$untested" ] || echo "rules: not named in a test: $untested"
grep -hv 'no test yet' "$spec" docs/threats.md | grep -oE '\bH-[0-9]+' | sort -u >"$work/hostile"
grep -oE '\bH-[0-9]+' "$work/tests.txt" | sort -u >"$work/cited"
uncited=$(comm -23 "$work/hostile" "$work/cited" | sort -t- -k2n | tr '\n' ' ')
[ -z "$uncited" ] || echo "rules: claimed and cited by no test: $uncited"
[ -z "$unkept$untested$uncited" ] || exit 1
echo "rules: $(wc -l <"$work/stated") rules, each named in code and in a test"
echo "rules: $(wc -l <"$work/hostile") hostile tests, each cited by a test"
