//! The cases of `throttle` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::throttle::cases());
    criterion.final_summary();
}
