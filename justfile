# What a person runs and what CI runs are the same commands. `just` alone lists them.

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

# The core with each subset of its features, and the laws without alloc and std.
features:
    cargo test -p evenkeel-core --no-default-features
    cargo test -p evenkeel-core --no-default-features --features serde
    cargo test -p evenkeel-core
    cargo test -p evenkeel-core --all-features
    cargo test -p evenkeel-replay --no-default-features --lib --test laws
    cargo test -p evenkeel-replay --no-default-features --features alloc --lib --test laws --test vectors

# The golden traces anew, after a change of answers that is meant (a breaking change: CHANGELOG says why).
bless:
    EVENKEEL_BLESS=1 cargo test -p evenkeel-replay --test golden -- --show-output

# The laws over every machine, with a table of how often each was put to the test: `just laws 100 7` is 100 runs from seed 7.
laws runs="6" seed="1":
    EVENKEEL_LAWS_RUNS={{runs}} EVENKEEL_LAWS_SEED={{seed}} cargo test -p evenkeel-replay --test laws -- --show-output machines

# The documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# The sample report, as README makes it.
report:
    cargo run --release -p evenkeel-cli -- replay docs/traces/outage.csv --policy docs/policies/http-client.toml --per-key --report report.html

# A new recording of a real server going through an outage (one minute).
record-trace:
    cargo run --release -p evenkeel-cli --features record --example record_trace -- --out docs/traces/outage.csv

# Criterion benches, peers in the same run.
bench:
    cargo bench -p evenkeel-benches

# How many times faster than the peers, in rounds: the table of docs/performance.md. Takes a filter and --rounds N.
bench-ratios *args:
    cargo run --profile bench -p evenkeel-benches --bin ratios -- {{args}}

# Instructions of each operation of ours, by callgrind (needs valgrind).
bench-instructions *args:
    cargo run --profile bench -p evenkeel-benches --bin instructions -- {{args}}

# The keyed tables at up to 10 million keys: bytes, times, the worst single calls, a flood (some minutes, 3 GB).
bench-tables:
    cargo run --profile bench -p evenkeel-benches --bin tables

# Recording to disk: a steady million calls a second, and as fast as it goes.
bench-recording:
    cargo run --profile bench -p evenkeel-benches --bin recording

# A new recording of real clients' decisions while their service goes through an outage (half a minute).
record-journal:
    cargo run --release -p evenkeel-cli --features record --example record_journal -- --policy docs/policies/checkout.toml --out docs/journals/checkout.jsonl

# The shared breaker under every schedule of small cases (loom).
loom:
    RUSTFLAGS="--cfg loom" cargo test -p evenkeel-std --release --test loom --target-dir target/loom
