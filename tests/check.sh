#!/usr/bin/env bash
# The whole gate in one command; CI calls only this. All sections run, so that one run says everything.
#
#   tests/check.sh               everything
#   tests/check.sh clippy wall   only these sections
#
# Goal: under 40 minutes on two cores with nothing built.
set -euo pipefail
cd "$(dirname "$0")/.."

sections=(format words links rules threats wall clippy deny release page demo test)

# Names the files; `cargo fmt --all` mends them.
format() { cargo fmt --all --check -- -l; }

# Words that no text for members or relay hosts holds (interfaces U-5, recovery D-1 and D-73). The texts
# of the program itself are looked at by cli's tests.
words() {
    local stems='addict|alcoholic|junkie|abuser|drunk|dirty|clean|relapse|habit|failed|failure|broke|broken'
    stems+='|lost|reset|streak|zero|should|must|excuse|willpower|at least|confidential|anonymous|treatment'
    stems+='|therap[a-z]*|clinical|proven|cure|prevents|guarantee[sd]?|fatal|abort|kill|die|invalid|illegal'
    stems+='|error|hurry|last chance|we miss you'
    # Commands are typed, not read: code does not count. Nor does an exclamation mark in a picture's link.
    local found=0 page
    for page in README.md docs/members.md docs/hosts.md; do
        awk '/^```/ { code = !code; next } !code { print NR ": " $0 }' "$page" | sed -E 's/`[^`]*`//g; s/!\[//g' |
            grep -inE "\\b($stems)\\b|!" | sed "s|^[0-9]*:|$page:|" && found=1
    done
    [ "$found" = 0 ] || { echo "words: these are kept out (U-5, D-73)"; return 1; }
}

# Every link to a file in this repository leads to one.
links() {
    local page target missing=0
    for page in *.md docs/*.md; do
        while read -r target; do
            [ -e "$(dirname "$page")/${target%%#*}" ] || { echo "links: $page names $target"; missing=1; }
        done < <(grep -oE '\]\([^)#][^)]*\)' "$page" | sed -E 's/^\]\(|\)$//g' | grep -vE '^[a-z]+:' || true)
    done
    return "$missing"
}

rules() { tests/rules.sh; }

threats() { tests/threats.sh; }

# Imports go one way, and the protocol reaches no clock, chance, file or socket.
wall() {
    local bad=0 tree
    tree=$(cargo tree --locked -p hearthlight-protocol -e normal --prefix none --format '{p}' | cut -d' ' -f1)
    if grep -xE 'tokio|mio|socket2|futures|async-.*|smol|libp2p.*|sled|redb|rusqlite|clap|axum|hyper' <<<"$tree" ||
        grep -xE 'getrandom|rand|rand_os|rand_chacha|fastrand|time|chrono|jiff|instant|web-time' <<<"$tree" ||
        grep -xE 'libc|rustix|nix|tempfile|dirs|tracing|log|once_cell|parking_lot' <<<"$tree"; then
        echo "wall: the protocol depends on these"; bad=1
    fi
    # What the simulator plants (docs/mutants.md) is in no program.
    if cargo tree --locked -p hearthlight-cli -e normal,features | grep 'hearthlight-protocol feature "sim"'; then
        echo "wall: the program is built with what the simulator plants"; bad=1
    fi
    # A comment may name what the code may not.
    if grep -rnE '\b(libp2p|sled)\b' cli/Cargo.toml cli/src --include='*.rs' --include=Cargo.toml |
        grep -vE ':[0-9]+: *//'; then
        echo "wall: cli names what only node may"; bad=1
    fi
    if grep -rnE '\b(libp2p|tokio|sled)\b' protocol/Cargo.toml protocol/src --include='*.rs' --include=Cargo.toml |
        grep -vE ':[0-9]+: *//|:[0-9]+:.*"[^"]*libp2p[^"]*"'; then
        echo "wall: protocol names what only node may"; bad=1
    fi
    # Tests may print (clippy's print_stdout looks at node again, without them).
    if grep -rnE '\b(e?print(ln)?|dbg)!' protocol/src node/src --include='*.rs' |
        grep -vE '/tests(/|\.rs:)|:[0-9]+: *//'; then
        echo "wall: node and protocol do not print"; bad=1
    fi
    return "$bad"
}

# Clocks, chance, files and hash maps in the protocol are found here: protocol/clippy.toml.
clippy() { cargo clippy --locked --workspace --all-targets -- -D warnings; }

# Not installed by the gate: building it takes longer than everything else here together.
deny() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --locked check bans licenses sources
    else
        echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"
    fi
}

release() { cargo build --locked --release; }

# The page in Debian's Chromium, over real nodes and a relay. How fast it is shows tests/page/budget.test.mjs by
# itself, on a computer that does nothing else.
page() {
    if [ ! -d tests/page/node_modules ] || ! command -v chromium node >/dev/null; then
        echo "skipped: no Chromium and Node.js with: npm ci --prefix tests/page"
        [ "${CI:-}" != true ]
        return
    fi
    export PAGE_PATIENCE=5 PAGE_MESSAGES=2000 HEARTHLIGHT_BIN=$PWD/target/release/hearthlight
    local file again=()
    for file in tests/page/*.test.mjs; do
        node --test "$file" || again+=("$file")
    done
    # A browser, three nodes and a relay on two cores are late now and then; what is amiss twice is a fault.
    for file in "${again[@]}"; do
        echo "page: once more: $file"
        node --test "$file" || return 1
    done
}

# What `cargo run --release` opens, in a home of its own: a link to a page that is there, until it is ended. And
# the first command of the README.
demo() {
    local home link product
    home=$(mktemp -d)
    mkfifo "$home/said"
    HEARTHLIGHT_HOME=$home/home timeout 300 cargo run --locked --release --quiet </dev/null >"$home/said" &
    product=$!
    read -r link <"$home/said"
    link=${link##* }
    echo "opened: ${link%%#*}"
    # As a browser goes there (U-112); bash speaks TCP by itself.
    local port=${link#http://127.0.0.1:} page
    port=${port%%/*}
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\nSec-Fetch-Site: none\r\n' "$port" >&3
    printf 'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n' >&3
    page=$(cat <&3)
    exec 3>&-
    kill -TERM "$product"
    wait "$product"
    rm -r "$home"
    [[ $page == *"<title>Notes</title>"* ]]
    timeout 300 cargo run --locked --release --quiet -- demo
}

test() { cargo test --locked --workspace --no-fail-fast; }

if [ $# = 1 ]; then
    case " ${sections[*]} " in
    *" $1 "*) "$1"; exit ;;
    *) echo "There is no section $1: ${sections[*]}"; exit 2 ;;
    esac
fi

[ $# = 0 ] || sections=("$@")
for tool in cargo cc script awk; do
    command -v "$tool" >/dev/null && continue
    echo "check: there is no $tool here"
    [ "${CI:-}" != true ] || exit 1
done
begun=$SECONDS
missed=()
times=
for section in "${sections[@]}"; do
    printf '\n== %s\n' "$section"
    started=$SECONDS
    result=ok
    # A process of its own: `set -e` holds in it.
    "$BASH" tests/check.sh "$section" || { result=MISSED; missed+=("$section"); }
    times+=$(printf '%-8s %5d s  %s' "$section" $((SECONDS - started)) "$result")$'\n'
done
printf '\n%s' "$times"
if [ ${#missed[@]} -gt 0 ]; then
    echo "check: not passed in $((SECONDS - begun)) s: ${missed[*]}"
    exit 1
fi
echo "check: passed in $((SECONDS - begun)) s"
