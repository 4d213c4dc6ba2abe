//! The cases of `retry` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::retry::cases());
    criterion.final_summary();
}
