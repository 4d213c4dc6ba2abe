//! half-open-stampede: what jittered opens, probation and a ramp each do, at 99 % confidence.

mod ours;

use evenkeel_sim::{Report, Summary};
use ours::{Pairs, is_below, is_within, metric, report};

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

/// Outage by outage, with these parameters and with those.
fn pairs(these: &str, those: &str) -> Pairs {
    let [these, those] = [these, those].map(|params| format!("clients=50 seconds=80 {params}"));
    Pairs::of("half-open-stampede", &these, &those)
}

#[test]
fn whether_breakers_meet_a_weak_server_is_a_matter_of_the_outages_length() {
    let outages = |seconds, jitter| {
        let params = format!("outage={seconds}s outage_spread=0 jitter={jitter}");
        metric(&stampede(&params), "second_outages")
    };
    // Waits in step add up to 1, 3, 7, 15, 31 and 61 s. They probe right after an outage of 30 s; after one of 40 s when
    // the server is as it was.
    assert!(outages(30, "none").min >= 1.0 && outages(40, "none").max == 0.0);
    // Jittered ones turn it round.
    assert!(outages(30, "equal").max == 0.0 && outages(40, "equal").mean >= 0.5);
}

#[test]
fn over_outages_of_any_length_a_ramp_ends_second_outages_at_a_price() {
    let [_, outages, failed] = of(&stampede(""));
    let [_, ramped_outages, ramped_failed] = of(&stampede("ramp=30s"));
    assert!(is_within(outages, 0.3, 3.0), "{outages:?}");
    assert_eq!(ramped_outages.max, 0.0);
    assert!(is_below(ramped_failed, 0.1, failed));
    // Its price: in all more calls are lost, and it takes longer.
    let without = pairs("", "ramp=30s");
    assert!(without.is_less("lost", 0.9) && without.is_less("full_goodput_s", 0.9));
}

#[test]
fn over_outages_of_any_length_jitter_loses_fewer_calls() {
    let jitter = pairs("jitter=equal", "");
    assert!(jitter.is_less("refused", 1.0) && jitter.is_less("lost", 1.0));
    // With a ramp it spreads the probes, too.
    assert!(pairs("jitter=equal ramp=30s", "ramp=30s").is_less("peak_probes", 0.7));
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
    let tried = pairs("errors=60% probation=true", "errors=60%");
    assert!(tried.is_less("failed", 0.8));
    // Its price: more probes, and more calls refused and lost.
    let lucky = tried.swapped();
    for metric in ["peak_probes", "refused", "lost"] {
        assert!(lucky.is_less(metric, 1.0), "{metric}");
    }
}

#[test]
fn without_an_outage_nothing_happens() {
    let calm = stampede("outage=0s weak=0s");
    assert_eq!(metric(&calm, "second_outages").max, 0.0);
    assert!(metric(&calm, "failed").max < 0.01);
    assert_eq!(metric(&calm, "full_goodput_s").max, 0.0);
}
