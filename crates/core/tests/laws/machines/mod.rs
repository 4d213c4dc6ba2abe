//! Every machine under the laws: a file and a line in [`machines!`] for each.

#[cfg(feature = "alloc")]
mod breaker_table_calls;
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
    ($($(#[$when:meta])* $name:ident: $subject:ident,)*) => {
        $($(#[$when])* mod $name;)*

        const MACHINES: usize = 0 $(+ { let count = 0; $(#[$when])* let count = count + 1; count })*;

        $($(#[$when])*
        #[test]
        fn $name() {
            keeps_every_law::<$name::$subject>(MACHINES);
        })*
    };
}

machines! {
    adaptive_throttle: Throttles,
    backoff: Backoffs,
    #[cfg(feature = "alloc")]
    backoff_table: BackoffTables,
    breaker: Breakers,
    #[cfg(feature = "alloc")]
    breaker_table: BreakerTables,
    health_probe: Probes,
    log_histogram: LogHistograms,
    #[cfg(feature = "alloc")]
    recovery_budget: Recoveries,
    reconnect: Reconnects,
    restart: Restarts,
    retry: Retries,
    retry_ratio: Ratios,
    retry_tokens: Tokens,
    threshold_window: ThresholdWindows,
    #[cfg(feature = "alloc")]
    quantile_window: QuantileWindows,
    #[cfg(feature = "alloc")]
    rolling_histogram: RollingHistograms,
    #[cfg(feature = "alloc")]
    sample_window: SampleWindows,
}
