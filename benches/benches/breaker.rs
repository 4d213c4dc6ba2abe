//! The cases of `breaker` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::breaker::cases());
    criterion.final_summary();
}
