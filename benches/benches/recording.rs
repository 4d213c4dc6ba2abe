//! The cases of `recording` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::recording::cases());
    criterion.final_summary();
}
