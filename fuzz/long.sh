#!/usr/bin/env bash
# Fuzzes each target for so many seconds (ten minutes unless told), as many side by side as there are processors, and writes
# the table of docs/quality.md anew. What is found stays in fuzz/found; fuzz/keep.sh picks from there what is checked in.
#
#   bash fuzz/long.sh [SECONDS [TARGET..]]
set -euo pipefail
cd "$(dirname "$0")/.."
secs=${1:-600}
shift || true
triple=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
programs=${CARGO_TARGET_DIR:-fuzz/target}/$triple/release
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | grep -v '^evenkeel-fuzz$')

# One target: what it found and its log in fuzz/found, its row of the table as the log's neighbour.
fuzz() {
    local name=$1 secs=$2 programs=$3
    local log=fuzz/found/$name.log ok=yes
    mkdir -p "fuzz/found/$name" "fuzz/artifacts/$name"
    "$programs/$name" "fuzz/found/$name" "fuzz/corpus/$name" -max_total_time="$secs" -max_len=4096 \
        -timeout=20 -rss_limit_mb=4096 -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 >"$log" 2>&1 || ok=no
    local runs edges inputs kept
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    inputs=$(grep -o 'corp: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    kept=$(find "fuzz/corpus/$name" -type f | wc -l)
    [ "$ok" = yes ] || echo "$name: broken, see $log and fuzz/artifacts/$name" >&2
    echo "| \`$name\` | $secs | ${runs:-?} | ${edges:-?} | ${inputs:-?} | $kept | $ok |" | tee "fuzz/found/$name.row"
}
export -f fuzz

(cd fuzz && cargo +nightly fuzz build --sanitizer none)
printf '%s\n' "$@" | xargs -P "${EVENKEEL_FUZZ_LANES:-$(nproc)}" -I{} bash -c 'fuzz {} '"$secs '$programs'"

# The rows of the targets that ran take the place of theirs in the page's last table.
rows=$(mktemp)
for name in "$@"; do cat "fuzz/found/$name.row"; done >"$rows"
awk -v new="$rows" '
    BEGIN { while ((getline line < new) > 0) { split(line, cell, "`"); row[cell[2]] = line } }
    /^The latest runs/ { is_table = 1 }
    is_table && /^\| `/ { split($0, cell, "`"); if (cell[2] in row) { print row[cell[2]]; delete row[cell[2]]; next } }
    { print }
    END { for (name in row) print "not in docs/quality.md: " name > "/dev/stderr" }' docs/quality.md >docs/quality.md.new
mv docs/quality.md.new docs/quality.md
rm -f "$rows"
