# What a person runs and what CI runs are mostly the same commands; `just ci` is CI. `just` alone lists them.

_default:
    @just --list --unsorted

# The tests, as README says it.
test:
    cargo test

# Everything that .ci/run checks.
ci:
    bash .ci/run

# Formatting and lints, warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The core and its journals' crate with each subset of their features.
features:
    cargo test -p evenkeel-core --no-default-features
    cargo test -p evenkeel-core --no-default-features --features serde
    cargo test -p evenkeel-core
    cargo test -p evenkeel-core --all-features
    cargo test -p evenkeel-replay --no-default-features
    cargo test -p evenkeel-replay --no-default-features --features alloc

# The machines without std, without alloc, without a path to a panic (Linux on x86-64).
freestanding:
    bash crates/freestanding/check.sh

# The golden traces and laws on s390x, aarch64, armv7 and i686 under qemu, the answers on wasm32 in node: docs/platforms.md.
cross *targets:
    .ci/cross {{targets}}

# The golden traces anew, after a change of answers that is meant (a breaking change: CHANGELOG says why).
bless:
    EVENKEEL_BLESS=1 cargo test -p evenkeel-replay --test golden --test golden_answers -- --show-output
    EVENKEEL_BLESS=1 cargo test -p evenkeel-replay --no-default-features --test golden_answers

# The machines' diagrams and docs/machines.md anew, after a change of their documentation.
diagrams:
    EVENKEEL_BLESS=1 cargo test -p evenkeel-core --test diagrams -- --show-output

# The laws over every machine, with a table of how often each was put to the test: `just laws 100 7` is 100 runs from seed 7.
laws runs="6" seed="1":
    EVENKEEL_LAWS_RUNS={{runs}} EVENKEEL_LAWS_SEED={{seed}} cargo test -p evenkeel-replay --test laws -- --show-output machines

# The documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# The book of docs/, into target/book; no link in it is dead.
book:
    mdbook --version || cargo install mdbook --locked
    .ci/book

# The sample report, as README makes it.
report:
    cargo run --release -p evenkeel-cli -- replay docs/traces/outage.csv --policy docs/policies/http-client.toml --per-key --report report.html

# A real server in trouble, recorded (docs/record.md): `just record --out night.jsonl --trace night.csv`.
record *args:
    cargo run --release -p evenkeel-cli --features record -- record {{args}}

# A real redis-server and a real PostgreSQL, killed, stopped and slowed under load: installs what is missing (Debian, Ubuntu).
real-servers:
    (command -v redis-server && ls /usr/lib/postgresql/*/bin/postgres) || (apt-get update && apt-get install --yes redis-server postgresql)
    EVENKEEL_REAL_SERVERS=1 cargo test -p evenkeel-tokio --test real_redis --test real_postgres -- --show-output

# The same task in ours and in the best of the peers: the table of docs/side-by-side.md (`--check` compares it with the page).
side-by-side *args:
    cargo run -p evenkeel-benches --example side_by_side -- {{args}}

# Criterion benches, peers in the same run.
bench:
    cargo bench -p evenkeel-benches

# How many times faster than the peers, in rounds. Takes a filter, --rounds N, and --check: an error where a goal is missed.
bench-ratios *args:
    cargo run --profile bench -p evenkeel-benches --bin ratios -- {{args}}

# What a call costs after idle time, after many calls, with many keys, with a long window: from small to large.
bench-flatness *args:
    cargo run --profile bench -p evenkeel-benches --bin flatness -- {{args}}

# Bytes and allocations against their bounds (`--check`: an error where one is over).
bench-bytes *args:
    cargo run --profile bench -p evenkeel-benches --bin bytes -- {{args}}

# Rows a second of `evenkeel replay` on a trace of a million rows (`--check`: an error under 3 million).
bench-replay *args:
    cargo build --release -p evenkeel-cli
    cargo run --profile bench -p evenkeel-benches --bin replay -- {{args}}

# Instructions of each operation of ours, by callgrind (needs valgrind). `--check` against benches/budgets.txt, `--bless` lowers those.
bench-instructions *args:
    cargo run --profile bench -p evenkeel-benches --bin instructions -- {{args}}

# Writes the tables of docs/performance.md anew (ten minutes or so, 3 GB): all, or the ratios that a filter names.
bench-page filter="":
    cargo build --profile bench -p evenkeel-benches --bins
    cargo run --profile bench -p evenkeel-benches --bin ratios -- --page docs/performance.md '{{filter}}'
    [ -n '{{filter}}' ] || just bench-flatness --page docs/performance.md
    [ -n '{{filter}}' ] || just bench-bytes --page docs/performance.md
    [ -n '{{filter}}' ] || just bench-instructions --page docs/performance.md
    [ -n '{{filter}}' ] || just bench-replay --page docs/performance.md

# The keyed tables at up to 10 million keys: bytes, times, the worst single calls, a flood (some minutes, 3 GB).
bench-tables:
    cargo run --profile bench -p evenkeel-benches --bin tables

# Recording to disk: a steady million calls a second, and as fast as it goes.
bench-recording:
    cargo run --profile bench -p evenkeel-benches --bin recording

# The simulator from a thousand clients to a million: time an event, bytes a client; and its queue beside a binary heap.
bench-simulator *args:
    cargo run --profile bench -p evenkeel-benches --bin simulator -- {{args}}

# The same model in SimPy and in evenkeel-sim, side by side (installs SimPy into an environment of its own).
bench-simpy *args:
    bash benches/simpy/compare.sh {{args}}

# The shared breaker under every schedule of small cases (loom).
loom:
    RUSTFLAGS="--cfg loom" cargo test -p evenkeel-std --release --test loom --target-dir target/loom

# Fuzzes one target for some seconds: `just fuzz breaker 60`; the names are those of fuzz/fuzz_targets. Needs a nightly toolchain.
fuzz target secs="60":
    cargo fuzz --version || cargo install cargo-fuzz --locked
    mkdir -p fuzz/found/{{target}}
    cd fuzz && cargo +nightly fuzz run --sanitizer none {{target}} found/{{target}} corpus/{{target}} -- -max_total_time={{secs}} -timeout=20

# Fuzzes every target for ten minutes each, as many at once as there are processors, and fills the table of docs/quality.md.
fuzz-long secs="600":
    cargo fuzz --version || cargo install cargo-fuzz --locked
    bash fuzz/long.sh {{secs}}

# Picks from what was found the inputs that are checked in, which `cargo test` replays.
fuzz-keep:
    bash fuzz/keep.sh

# Callers, faults and cancellations for an hour of virtual time and ten real minutes, then an audit (docs/quality.md). Takes 20 minutes.
soak:
    cargo run --release -p evenkeel-benches --features soak --bin soak -- --virtual 3600
    cargo run --release -p evenkeel-benches --features soak --bin soak -- --real 600

# The adapters under the address sanitizer, leaks too. Needs a nightly toolchain, Linux on x86-64.
asan:
    RUSTFLAGS=-Zsanitizer=address LSAN_OPTIONS=suppressions={{justfile_directory()}}/.ci/leaks.txt cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/asan -p evenkeel-std -p evenkeel-tokio -p evenkeel-tower --all-features --tests

# Licences, versions and sources of all dependencies: deny.toml.
deny:
    cargo deny --version || cargo install cargo-deny --locked
    cargo deny check licenses bans sources

# The lower bounds of Cargo.toml: everything compiles with the oldest dependencies that it allows (nightly, in a copy).
minimal-versions:
    .ci/minimal-versions

# Each crate with each set of its features, warnings denied.
powerset:
    cargo hack --version || cargo install cargo-hack --locked
    cargo hack clippy --workspace --exclude evenkeel-oracles --exclude evenkeel-benches --feature-powerset -- -D warnings

# The documentation of each crate with none, each and all of its features, warnings denied.
doc-features:
    cargo hack --version || cargo install cargo-hack --locked
    RUSTDOCFLAGS="-D warnings" cargo hack doc --no-deps --workspace --exclude evenkeel-oracles --exclude evenkeel-benches --each-feature

# The crates that promise Rust 1.85 build with it (unpacks Debian's).
msrv:
    .ci/msrv

# What users compile against is as it was at the last release, or at a revision: `just semver 1234abc`.
semver *revision:
    .ci/semver {{revision}}

# Each package that is published, built from the packages of the others with all features; uploads nothing (docs/release.md).
publish-check *args:
    .ci/publish-check {{args}}

# Spelling.
typos:
    command -v typos || pip install typos
    typos

# Lines and branches of core and replay that the tests run, and those that they do not (nightly; installs what is missing).
coverage:
    .ci/coverage

# Mutants of core that no test notices, but for those of .cargo/mutants.toml: `just mutants --file crates/core/src/ratio.rs`; all take a day.
mutants *args:
    cargo mutants --version || cargo install cargo-mutants --locked
    cargo mutants --package evenkeel-core {{args}}
