//! What a builder and a policy file are refused for, and how that is said: limits that have no place in a breaker, spans
//! that no clock can tell, keys of another kind of trigger, a window of nothing.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};

const LEASE: Duration = Duration::from_secs(5);

fn refusal(open: BackoffBuilder, lease: Duration) -> String {
    let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 5 });
    breaker.build().expect_err("not a policy").to_string()
}

#[test]
fn a_breaker_opens_as_often_as_it_must() {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let fix = "cannot be set here: a breaker opens as often as it must; leave this limit out";
    assert_eq!(
        refusal(open.max_retries(3), LEASE),
        format!("breaker.open.max_retries {fix}")
    );
    assert_eq!(
        refusal(open.max_total_wait(LEASE), LEASE),
        format!("breaker.open.max_total_wait {fix}")
    );
}

#[test]
fn a_span_that_no_clock_can_tell_is_refused() {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let error = refusal(open, Duration::MAX);
    assert!(
        error.starts_with("breaker.half_open.probe_timeout is ")
            && error.ends_with("it must be at most 4611686018427387904ns"),
        "{error}"
    );
}

/// Without alloc, what needs more than the inline size is refused by the name of what asked for it.
#[cfg(not(feature = "alloc"))]
#[test]
fn what_has_no_room_without_alloc_says_so() {
    use evenkeel_core::breaker::Window;

    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, LEASE)
        .window(Window::Count { calls: 60_000 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 10,
        });
    let error = breaker.build().expect_err("no room").to_string();
    assert!(error.starts_with("breaker.window "), "{error}");
    assert!(error.contains("alloc"), "{error}");
}

#[test]
fn a_rate_of_more_than_all_calls_is_refused() {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let more = Trigger::FailureRate {
        at_least: Ratio::percent(101),
        min_calls: 10,
    };
    let error = BreakerPolicy::builder(open, LEASE).trigger(more).build();
    let error = error.expect_err("more than all").to_string();
    assert!(error.contains("it must be at most 1"), "{error}");
}

#[cfg(feature = "serde")]
mod files {
    use evenkeel_core::breaker::BreakerPolicy;

    fn error(window: &str, trigger: &str) -> String {
        let file = format!(
            "window = {window}\nopen = {{ base = '1s' }}\nhalf_open = {{ probe_timeout = '5s' }}\n\
             triggers = [{{ {trigger} }}]"
        );
        let read = toml::from_str::<BreakerPolicy>(&file);
        read.expect_err(trigger).message().to_owned()
    }

    #[test]
    fn a_key_of_another_kind_is_refused_with_the_keys_of_this_one() {
        for (trigger, key, keys) in [
            (
                "kind = 'consecutive', failures = 5, min_calls = 1",
                "min_calls",
                "consecutive has only the key failures",
            ),
            (
                "kind = 'failures', failures = 5, at_least = '50%'",
                "at_least",
                "failures has only the key failures",
            ),
            (
                "kind = 'failure-rate', at_least = '50%', min_calls = 1, above = '1s'",
                "above",
                "failure-rate has only the keys at_least and min_calls",
            ),
            (
                "kind = 'slow-rate', slower_than = '1s', at_least = '50%', min_calls = 1, quantile = 'p99'",
                "quantile",
                "slow-rate has only the keys slower_than, at_least and min_calls",
            ),
            (
                "kind = 'latency', quantile = 'p99', above = '1s', min_calls = 1, at_least = '50%'",
                "at_least",
                "latency has only the keys quantile, above and min_calls",
            ),
        ] {
            assert_eq!(
                error("{ count = 5 }", trigger),
                format!(
                    "breaker.triggers[0].{key} cannot be set here: the kind {keys}; leave this key out or change the kind"
                )
            );
        }
    }

    #[test]
    fn a_window_of_nothing_says_what_a_window_is() {
        assert_eq!(
            error("{}", "kind = 'consecutive', failures = 5"),
            "breaker.window is missing: give { count = 100 }, or { span = \"10s\", slices = 10 }"
        );
    }
}
