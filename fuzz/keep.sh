#!/usr/bin/env bash
# Picks, from what fuzzing has found, the inputs of each target that are checked in: the fewest that reach what all of
# them reach, and of those at most so many (8 unless told), spread evenly over their sizes. What has a name of its own
# stays.
#
#   bash fuzz/keep.sh [INPUTS [TARGET..]]
set -euo pipefail
cd "$(dirname "$0")"
inputs=${1:-8}
shift || true
target_dir=${CARGO_TARGET_DIR:-target}
triple=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | grep -v '^evenkeel-fuzz$')

cargo +nightly fuzz build --sanitizer none
for name in "$@"; do
    # One target for the states of all machines.
    want=$([ "$name" = restore ] && echo $((3 * inputs)) || echo "$inputs")
    fewest=$(mktemp -d)
    mkdir -p "found/$name" "corpus/$name"
    # A fuzzer names what it finds by its hash: what has another name stays, and what reaches no more is not picked.
    found=$(find "corpus/$name" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}')
    [ -z "$found" ] || mv $found "found/$name/"
    find "corpus/$name" -type f -exec cp {} "$fewest/" \;
    "$target_dir/$triple/release/$name" -set_cover_merge=1 -max_len=1024 -artifact_prefix="$fewest." \
        "$fewest" "found/$name" >"found/$name.merge.log" 2>&1
    picked=$(find "$fewest" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -printf '%s %f\n' |
        sort -n | cut -d' ' -f2 |
        awk -v want="$want" '{ name[NR] = $0 }
            END { for (at = 1; at <= NR; at++) if (int(at * want / NR) > int((at - 1) * want / NR)) print name[at] }')
    for file in $picked; do
        cp "$fewest/$file" "corpus/$name/"
    done
    rm -rf "$fewest"
    echo "$name: $(ls "corpus/$name" | wc -l) inputs, $(du -sb "corpus/$name" | cut -f1) bytes"
done
