//! Cases as criterion benches.

use std::time::Duration;

use criterion::Criterion;
use evenkeel_benches::Case;
use evenkeel_benches::clock::timed;

/// Criterion as all benches use it: short, because `ratios` is the judge and this is for a closer look.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}

/// A group for each case, a bench for each side. Measured is CPU time of this thread, as `ratios` does.
pub(crate) fn bench(criterion: &mut Criterion, cases: Vec<Case>) {
    for case in cases {
        case.check();
        let mut group = criterion.benchmark_group(&case.name);
        for entrant in case.entrants() {
            // Prepared when first asked for: criterion skips what its filter leaves out.
            let mut run = None;
            group.bench_function(entrant.name, |bencher| {
                let run = run.get_or_insert_with(|| entrant.prepare());
                bencher.iter_custom(|n| timed(run, n));
            });
        }
        group.finish();
    }
}
