//! flapping-peer: what advisories save, at 99 % confidence.

mod ours;

use evenkeel_sim::Report;
use ours::{is_below, is_within, metric, report};

fn peers(params: &str) -> Report {
    report(
        "flapping-peer",
        &format!("peers=50 flapping=100% seconds=300 {params}"),
    )
}

#[test]
fn advisories_waste_fewer_attempts_and_notice_a_return_sooner() {
    let (alone, told) = (peers(""), peers("advisories=true"));
    assert!(is_below(
        metric(&told, "wasted"),
        0.5,
        metric(&alone, "wasted")
    ));
    assert!(is_below(
        metric(&told, "detection_s"),
        0.7,
        metric(&alone, "detection_s")
    ));
    assert!(is_below(
        metric(&told, "missed"),
        0.7,
        metric(&alone, "missed")
    ));
}

#[test]
fn with_exact_advice_one_attempt_a_fall_is_wasted_and_the_next_message_gets_through() {
    let exact = peers("advisories=true error=0");
    // At most one: a peer may be back before there is a message for it.
    assert!(is_within(metric(&exact, "wasted"), 0.9, 1.0));
    // The next message comes a second later, on average, whatever was before; a fall before it cuts that short.
    assert!(is_within(metric(&exact, "detection_s"), 0.9, 1.1));
    // The rule is at-least: a first wait of up to 500 ms can be longer than what is left.
    assert!(metric(&exact, "missed").max < 0.001);
}

#[test]
fn peers_that_do_not_flap_cost_nothing() {
    let calm = peers("flapping=0");
    for name in ["wasted", "detection_s", "missed"] {
        assert_eq!(metric(&calm, name).max, 0.0, "{name}");
    }
}
