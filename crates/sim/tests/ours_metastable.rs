//! metastable: what brings the service back, and what does not, at 99 % confidence.

mod ours;

use evenkeel_sim::Report;
use ours::{RUNS, is_below, is_within, metric, report};

/// A quarter of the default's load on a quarter of its capacity: the same shape at a quarter of the cost.
fn metastable(params: &str) -> Report {
    let small = "clients=25 rate=100 capacity=125 room=125 seconds=100";
    report("metastable", &format!("{small} {params}"))
}

/// With 20 of 20 runs the true share is above 0.79 at 99 % (0.79^20 < 0.01).
fn recovered(report: &Report) -> f64 {
    metric(report, "recovered").mean * RUNS as f64
}

#[test]
fn retries_alone_keep_the_service_down_and_each_remedy_brings_it_back() {
    let retries = metastable("");
    assert_eq!(recovered(&retries), 0.0);
    assert!(is_within(metric(&retries, "amplification"), 2.5, 3.0));
    assert!(metric(&retries, "wasted").min > 0.5, "it works for nobody");

    for remedy in [
        "retry=false",
        "budget=true",
        "breaker=true",
        "throttle=true",
        "budget=true breaker=true",
    ] {
        let report = metastable(remedy);
        assert_eq!(recovered(&report), 20.0, "{remedy}");
        assert!(
            is_within(metric(&report, "amplification"), 0.0, 1.2),
            "{remedy}"
        );
        assert!(
            is_below(metric(&report, "lost"), 0.5, metric(&retries, "lost")),
            "{remedy}"
        );
    }
}

#[test]
fn a_queue_shorter_than_the_timeout_recovers_by_itself() {
    assert_eq!(recovered(&metastable("room=50")), 20.0);
}

#[test]
fn without_a_trigger_it_is_well_for_ever() {
    let calm = metastable("slow_down=1");
    assert_eq!(recovered(&calm), 20.0);
    assert!(metric(&calm, "lost").max < 0.05);
    assert!(metric(&calm, "amplification").max < 1.1);
}

#[test]
fn with_capacity_for_all_attempts_it_recovers() {
    // 100 calls a second of three attempts are less than 400: nothing sustains the failure.
    assert_eq!(recovered(&metastable("capacity=400 room=400")), 20.0);
}
