//! Rows in stored states: the largest that a policy asks for is read as it was written, a position lies in its ring,
//! and what is no row is refused with what a row looks like.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, BreakerState, Trigger, Window};
use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy, ThresholdWindowState};
use evenkeel_core::{Quantile, RestoreError};
use serde_json::{Value, json};

fn window(values: u32) -> ThresholdWindow {
    let policy = ThresholdWindowPolicy::new(values, Quantile::P99, 50).expect("a policy");
    let mut window = ThresholdWindow::new(policy);
    (0..u64::from(values) + 3).for_each(|value| window.record(0, value % 60));
    window
}

#[cfg(feature = "alloc")]
#[test]
fn the_largest_window_is_read_as_it_was_written() {
    let window = window(evenkeel_core::estimator::MAX_VALUES);
    let text = serde_json::to_string(&window.state()).expect("plain data");
    let state: ThresholdWindowState = serde_json::from_str(&text).expect("a row of any window");
    assert_eq!(
        ThresholdWindow::restore(*window.policy(), state),
        Ok(window)
    );
}

/// One place further and the next value would go nowhere.
#[test]
fn the_next_value_goes_to_a_place_in_the_ring() {
    let window = window(64);
    let mut state = serde_json::to_value(window.state()).expect("plain data");
    for (head, taken) in [(0, true), (63, true), (64, false), (65, false)] {
        state["head"] = json!(head);
        let state: ThresholdWindowState = serde_json::from_value(state.clone()).expect("readable");
        let restored = ThresholdWindow::restore(*window.policy(), state);
        match restored {
            Ok(_) => assert!(taken, "{head}"),
            Err(error) => {
                assert!(!taken, "{head}");
                assert!(matches!(error, RestoreError::Corrupt { .. }), "{error}");
            }
        }
    }
}

fn breaker() -> Value {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let builder = BreakerPolicy::builder(open, Duration::from_secs(5));
    let policy = builder
        .window(Window::Count { calls: 10 })
        .trigger(Trigger::Failures { failures: 5 })
        .build()
        .expect("a policy");
    serde_json::to_value(Breaker::new(policy).state()).expect("plain data")
}

#[test]
fn what_is_no_row_is_refused_with_what_a_row_is() {
    let ring = "a length, a head and 4 counts";
    let row = "the length of a row, its words, and runs of zeros as 0 and how many";
    for (path, value, expected) in [
        ("/stage/closed/results/ring", json!(7), ring),
        ("/stage/closed/results/ring", json!([0, 0, 0]), ring),
        (
            "/stage/closed/results/ring",
            json!([0, 0, 0, 0, 0, 0, 0]),
            ring,
        ),
        ("/words", json!(7), row),
        ("/words", json!([]), row),
    ] {
        let mut state = breaker();
        *state.pointer_mut(path).expect(path) = value.clone();
        let error = serde_json::from_value::<BreakerState>(state).expect_err("no row");
        assert!(
            error.to_string().contains(&format!("expected {expected}")),
            "{path} {value}: {error}"
        );
    }
}
