//! The cases of `percentile` under criterion.

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::bench(&mut criterion, evenkeel_benches::percentile::cases());
    criterion.final_summary();
}
