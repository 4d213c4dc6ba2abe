//! The cases of `budget` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::budget::cases());
    criterion.final_summary();
}
