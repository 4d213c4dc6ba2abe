//! The cases of `shared` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::shared::cases());
    criterion.final_summary();
}
