//! The cases of `adapters` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::adapters::cases());
    criterion.final_summary();
}
