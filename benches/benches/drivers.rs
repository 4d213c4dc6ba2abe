//! The cases of `drivers` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::drivers::cases());
    criterion.final_summary();
}
