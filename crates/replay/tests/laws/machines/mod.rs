//! Every machine under the laws: a file and a line in [`machines!`] for each.

mod estimator;
mod retry_borrowing;
mod retry_moves;
mod retry_words;

use std::sync::Mutex;

use crate::harness::{Cell, Effort, Report, Subject, judge, table};

static REPORTS: Mutex<Vec<Report>> = Mutex::new(Vec::new());

/// Holds a machine to every law, each of which must have been put to the test. The last one prints the table.
fn keeps_every_law<S: Subject>(machines: usize) {
    let report = judge::<S>(Effort::from_env());
    let texts: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    let is_idle = |cell: &Cell| *cell == Cell::Ok(0);
    let idle = report.cells.iter().filter(|(_, cell)| is_idle(cell));
    let idle: Vec<String> = idle.map(|(law, _)| law.to_string()).collect();
    println!("{}", table(core::slice::from_ref(&report)));
    let mut reports = REPORTS.lock().expect("nobody panics while it is locked");
    reports.push(report);
    if reports.len() == machines {
        println!("{}", table(&reports));
    }
    drop(reports);
    assert!(texts.is_empty(), "\n{}\n", texts.join("\n\n"));
    assert!(idle.is_empty(), "never put to the test: {idle:?}");
}

macro_rules! machines {
    ($($(#[$when:meta])* $name:ident: $subject:ty,)*) => {
        $($(#[$when])* mod $name;)*

        const MACHINES: usize = 0 $(+ { let count = 0; $(#[$when])* let count = count + 1; count })*;

        $($(#[$when])*
        #[test]
        fn $name() {
            keeps_every_law::<$subject>(MACHINES);
        })*
    };
}

machines! {
    adaptive_throttle: evenkeel_core::throttle::AdaptiveThrottle,
    backoff: evenkeel_core::backoff::Backoff,
    #[cfg(feature = "alloc")]
    backoff_table: evenkeel_core::table::BackoffTable<u64, crate::harness::Salted>,
    breaker: evenkeel_core::breaker::Breaker,
    #[cfg(feature = "alloc")]
    breaker_table: evenkeel_core::table::BreakerTable<u64, crate::harness::Salted>,
    health_probe: evenkeel_core::health::HealthProbe,
    log_histogram: evenkeel_core::estimator::LogHistogram,
    #[cfg(feature = "alloc")]
    quantile_window: evenkeel_core::estimator::QuantileWindow,
    reconnect: evenkeel_core::reconnect::Reconnect,
    #[cfg(feature = "alloc")]
    recovery_budget: evenkeel_core::table::RecoveryBudget<u64, crate::harness::Salted>,
    restart: evenkeel_core::restart::Restart,
    retry: retry::Borrowing,
    retry_ratio: evenkeel_core::budget::RetryRatio,
    retry_tokens: evenkeel_core::budget::RetryTokens,
    #[cfg(feature = "alloc")]
    rolling_histogram: evenkeel_core::estimator::RollingHistogram,
    #[cfg(feature = "alloc")]
    sample_window: evenkeel_core::estimator::SampleWindow,
    threshold_window: evenkeel_core::estimator::ThresholdWindow,
}
