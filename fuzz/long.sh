#!/usr/bin/env bash
# Fuzzes each target for so many seconds (ten minutes unless told), one after the other, and writes the table of
# docs/quality.md anew. What is found stays in fuzz/found; fuzz/keep.sh picks from there what is checked in.
#
#   bash fuzz/long.sh [SECONDS [TARGET..]]
set -euo pipefail
cd "$(dirname "$0")/.."
secs=${1:-600}
shift || true
target_dir=${CARGO_TARGET_DIR:-fuzz/target}
triple=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | grep -v '^evenkeel-fuzz$')

(cd fuzz && cargo +nightly fuzz build --sanitizer none)
table=$(mktemp)
for name in "$@"; do
    mkdir -p "fuzz/found/$name" "fuzz/artifacts/$name"
    log=fuzz/found/$name.log
    ok=yes
    "$target_dir/$triple/release/$name" "fuzz/found/$name" "fuzz/corpus/$name" -max_total_time="$secs" -max_len=4096 \
        -timeout=20 -rss_limit_mb=4096 -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 >"$log" 2>&1 || ok=no
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    corpus=$(grep -o 'corp: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    [ "$ok" = yes ] || echo "$name: broken, see $log and fuzz/artifacts/$name" >&2
    echo "| \`$name\` | $secs | ${runs:-?} | ${edges:-?} | ${corpus:-?} | $(ls "fuzz/corpus/$name" | wc -l) | $ok |" | tee -a "$table"
done

# The rows of the targets that ran take the place of theirs in the page's last table.
awk -v new="$table" '
    BEGIN { while ((getline line < new) > 0) { split(line, cell, "`"); row[cell[2]] = line } }
    /^The latest runs/ { is_table = 1 }
    is_table && /^\| `/ { split($0, cell, "`"); if (cell[2] in row) { print row[cell[2]]; delete row[cell[2]]; next } }
    { print }
    END { for (name in row) print "not in docs/quality.md: " name > "/dev/stderr" }' docs/quality.md >docs/quality.md.new
mv docs/quality.md.new docs/quality.md
rm -f "$table"
