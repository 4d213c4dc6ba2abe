//! half-open-stampede: what jittered opens, probation and a ramp each do, at 99 % confidence.

mod ours;

use evenkeel_sim::{Report, Summary};
use ours::{is_below, is_within, metric, report};

/// A tenth of the default's clients: the same shape at a tenth of the cost.
fn stampede(params: &str) -> Report {
    report(
        "half-open-stampede",
        &format!("clients=50 seconds=80 {params}"),
    )
}

fn of(report: &Report) -> [Summary; 3] {
    ["peak_probes", "second_outages", "failed"].map(|name| metric(report, name))
}

#[test]
fn breakers_in_step_make_second_outages_and_jittered_ones_do_not() {
    let [probes, outages, failed] = of(&stampede(""));
    let [spread_probes, spread_outages, spread_failed] = of(&stampede("jitter=equal"));
    assert!(is_within(outages, 1.0, 5.0), "{outages:?}");
    assert_eq!(spread_outages.max, 0.0);
    assert!(is_below(spread_probes, 0.5, probes));
    assert!(is_below(spread_failed, 0.1, failed));
}

#[test]
fn after_a_short_outage_jitter_spreads_little_and_the_ramp_is_what_helps() {
    let [_, outages, failed] = of(&stampede("outage=5s"));
    let [_, spread_outages, _] = of(&stampede("outage=5s jitter=equal"));
    let [_, ramped_outages, ramped_failed] = of(&stampede("outage=5s ramp=30s"));
    assert!(outages.min >= 1.0 && spread_outages.min >= 1.0);
    assert_eq!(ramped_outages.max, 0.0);
    assert!(is_below(ramped_failed, 0.1, failed));
}

#[test]
fn probation_keeps_a_server_with_errors_from_being_taken_for_well() {
    let lucky = stampede("errors=60%");
    let tried = stampede("errors=60% probation=true");
    assert!(is_below(
        metric(&tried, "failed"),
        0.7,
        metric(&lucky, "failed")
    ));
    // Its price: more probes, and more calls refused.
    assert!(is_below(
        metric(&lucky, "peak_probes"),
        1.0,
        metric(&tried, "peak_probes")
    ));
    assert!(is_below(
        metric(&lucky, "refused"),
        1.0,
        metric(&tried, "refused")
    ));
}

#[test]
fn without_an_outage_nothing_happens() {
    let calm = stampede("outage=0s weak=0s");
    assert_eq!(metric(&calm, "second_outages").max, 0.0);
    assert!(metric(&calm, "failed").max < 0.01);
    assert_eq!(metric(&calm, "full_goodput_s").max, 0.0);
}
