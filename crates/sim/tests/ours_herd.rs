//! reconnect-herd: what jitter and `stable_after` do, at 99 % confidence.

mod ours;

use evenkeel_sim::Report;
use ours::{is_below, metric, report};

/// A fifth of the default's links at a fifth of its rate and backlog.
fn herd(params: &str) -> Report {
    report(
        "reconnect-herd",
        &format!("clients=1000 accepts=50 backlog=26 {params}"),
    )
}

#[test]
fn links_that_wait_alike_come_back_last() {
    let in_step = herd("jitter=none");
    for jitter in ["equal", "full", "decorrelated"] {
        let spread = herd(&format!("jitter={jitter}"));
        assert!(
            is_below(metric(&spread, "up_s"), 0.25, metric(&in_step, "up_s")),
            "{jitter}"
        );
        assert!(
            is_below(metric(&spread, "refused"), 0.6, metric(&in_step, "refused")),
            "{jitter}"
        );
        // The listener takes 50 a second, of which those of the first 10 s are dropped.
        assert!(
            metric(&spread, "up_s").min >= 10.0 + 990.0 / 50.0 - 1.0,
            "{jitter}"
        );
    }
}

#[test]
fn a_greeting_that_proves_nothing_does_not_start_the_waits_anew() {
    let [eager, patient] = ["0s", "30s"].map(|span| herd(&format!("stable_after={span}")));
    assert!(is_below(
        metric(&patient, "refused"),
        0.9,
        metric(&eager, "refused")
    ));
    assert!(is_below(
        metric(&patient, "connects_a_link"),
        0.95,
        metric(&eager, "connects_a_link")
    ));
    // It costs no time.
    assert!(is_below(
        metric(&patient, "up_s"),
        1.1,
        metric(&eager, "up_s")
    ));
}

#[test]
fn a_server_that_never_keeps_a_link_ends_the_run_at_its_end() {
    let never = herd("drops=1h seconds=60");
    assert_eq!(
        (metric(&never, "up_s").min, metric(&never, "up_s").max),
        (60.0, 60.0)
    );
}
