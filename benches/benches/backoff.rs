//! The cases of `backoff` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::backoff::cases());
    criterion.final_summary();
}
