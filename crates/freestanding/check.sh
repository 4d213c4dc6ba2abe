#!/usr/bin/env bash
# Proves that the machines need no std, no alloc, and in a release build have no path to a panic; docs/quality.md tells
# more. Needs Linux on x86-64, and the binutils that every C toolchain brings.
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-../../target}/freestanding
program=$target/release/evenkeel-freestanding
answers=../../docs/golden/answers.txt

if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "freestanding: not checked, this is no Linux on x86-64"
    exit 0
fi

fail() {
    echo "freestanding: $*" >&2
    exit 1
}

build() {
    env -u RUSTFLAGS cargo build --quiet --locked --release --target-dir "$target" "$@"
}

# Builds that must fail, and of which the compiler or linker must say this.
control() {
    local says=$1
    shift
    if build "$@" 2>"$target/control.txt"; then
        fail "built with $*, so the check sees nothing"
    fi
    grep -q "$says" "$target/control.txt" || {
        cat "$target/control.txt" >&2
        fail "failed with $*, but not by \"$says\""
    }
    echo "  control $*: refused, as it must be"
}

# Nothing of std, nothing undefined, nothing dynamic; and it runs.
check() {
    local undefined machines
    undefined=$(nm --undefined-only "$program")
    [ -z "$undefined" ] || fail "undefined: $undefined"
    ! nm --demangle "$program" | grep -E ' (<?&?)std::' || fail "symbols of std"
    ! readelf --dynamic "$program" | grep NEEDED || fail "needs a library"
    "$program" >"$target/answers.txt"
    machines=$(grep -cxFf "$answers" "$target/answers.txt" || true)
    [ "$machines" = "$(wc -l <"$target/answers.txt")" ] || {
        diff "$answers" "$target/answers.txt" >&2 || true
        fail "other answers than docs/golden/answers.txt"
    }
    [ "$machines" = "$1" ] || fail "$machines machines, not $1"
    echo "  $machines machines answer as docs/golden/answers.txt says"
}

# Whose code can panic: of each call of a panic's function, the innermost frame outside of core. Calls of the functions
# by which alloc says that there is no memory are left out.
who_panics() {
    objdump -d --no-show-raw-insn --demangle "$program" |
        awk '/(call|j[a-z]+) .*<.*(panic|expect_failed|unwrap_failed|slice_index_fail|assert_failed)/ { sub(":", "", $1); print $1 }' |
        addr2line --addresses --inlines --functions --demangle --exe "$program" |
        awk '
            /^0x/ { print name; name = ""; frame = 0; next }
            ++frame % 2 { caller = $0; next }
            name == "" && ($0 !~ /\/library\/core\// || caller ~ /slice::sort/) { name = caller }
            END { print name }' |
        sed 's/::<[^:]*>//g; s/<[^<>]*>//g; /^$/d' | sort -u
}

mkdir -p "$target"
echo "freestanding, without alloc, without panics:"
build --features no-panic
check 11
echo "freestanding, with alloc:"
build --features alloc
check 17
who_panics >"$target/panics.txt"
grep -v '^#' panics.txt | diff - "$target/panics.txt" >&2 || fail "other callers of panics than panics.txt has"
echo "  $(wc -l <"$target/panics.txt") callers of panics, all of them in panics.txt"

control "E0152\|duplicate lang item" --features control-std
control "no global memory allocator" --features control-alloc
control "a_panic_path_survived" --features no-panic,control-panic
