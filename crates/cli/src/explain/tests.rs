//! Explained numbers against numbers computed by hand.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::time::MAX_SPAN;
use evenkeel_core::{Quantile, Ratio};

use super::explain;
use super::schedule::{Bound, rows, steady_from, waits_at_most};
use crate::policy::Policies;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn backoff(base_ms: u64, with: impl Fn(BackoffBuilder) -> BackoffBuilder) -> BackoffPolicy {
    with(BackoffPolicy::builder(ms(base_ms))).build().unwrap()
}

fn text(breaker: Option<BreakerPolicy>, backoff: Option<BackoffPolicy>, width: usize) -> String {
    let policies = Policies {
        breaker,
        backoff,
        ..Policies::default()
    };
    explain(&policies, "p.toml", width, false)
}

/// The text without the line breaks of its paragraphs.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_schedule_ends_where_its_waits_stop_growing() {
    let policy = backoff(100, |b| b.cap(ms(1000)).jitter(Jitter::Equal));
    let rows = rows(&policy);
    let seen: Vec<_> = rows
        .iter()
        .map(|wait| (wait.number, wait.ceiling, wait.least, wait.most))
        .collect();
    assert_eq!(
        seen,
        [
            (1, ms(100), ms(50), ms(100)),
            (2, ms(200), ms(100), ms(200)),
            (3, ms(400), ms(200), ms(400)),
            (4, ms(800), ms(400), ms(800)),
            (5, ms(1000), ms(500), ms(1000)),
        ]
    );
    assert_eq!(rows[4].total_ns, ms(2500).as_nanos());
    assert_eq!(steady_from(&policy), Some(5));
}

#[test]
fn a_long_schedule_shows_its_start_and_its_end() {
    // 3/2 from 1 s to 1000 s: 1.5^17 is the first power above 985, so no. 19 is the first at the cap.
    let factor = Growth::Exponential {
        factor: Ratio::new(3, 2).unwrap(),
    };
    let policy = backoff(1000, |b| {
        b.cap(ms(1_000_000)).growth(factor).jitter(Jitter::None)
    });
    let numbers: Vec<_> = rows(&policy).iter().map(|wait| wait.number).collect();
    assert_eq!(steady_from(&policy), Some(19));
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 19]);
    // One that grows by a nanosecond for years.
    let growth = Growth::Linear {
        step: Duration::from_nanos(1),
    };
    let slow = backoff(1000, |b| b.growth(growth));
    assert_eq!(rows(&slow).len(), 12);
    assert!(text(None, Some(slow), 80).contains("Later waits are longer still."));
    // The same with a cap that it reaches at wait no. 2,000,001.
    let capped = backoff(1000, |b| b.growth(growth).cap(ms(1002)));
    let capped = flat(&text(None, Some(capped), 80));
    assert!(
        capped.contains("Later waits are longer still, up to 1.002 s."),
        "{capped}"
    );
}

#[test]
fn what_is_said_of_later_waits_is_true_at_the_longest_span() {
    let say = |policy| flat(&text(None, Some(policy), 80));
    let step = MAX_SPAN;
    let linear = backoff(1000, |b| b.growth(Growth::Linear { step }));
    assert_eq!(steady_from(&linear), Some(2));
    assert!(say(linear).contains("All waits after no. 2 are like it."));
    let factor = Ratio::new(u32::MAX, 1).unwrap();
    let huge = backoff(1000, |b| b.growth(Growth::Exponential { factor }));
    assert_eq!(rows(&huge).len(), 3);
    assert!(say(huge).contains("All waits after no. 3 are like it."));
    // Doubling from 1 s on gets there, too, but no table shows it.
    let doubling = say(backoff(1000, |b| b));
    assert!(
        doubling.contains(
            "Later waits are longer still, up to the longest span there is, 2^62 ns (146 years)."
        ),
        "{doubling}"
    );
}

#[test]
fn a_cap_below_the_base_is_said_to_be_the_wait() {
    let words = "(the cap of 1 s is below the base of 5 s, so it is the wait from the start)";
    for jitter in [Jitter::None, Jitter::Full, Jitter::Decorrelated] {
        let policy = backoff(5000, |b| b.cap(ms(1000)).jitter(jitter));
        let said = flat(&text(None, Some(policy), 110).replace(['│', '└', '┬', '─', '┘'], " "));
        assert!(said.contains("1 s each time"), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let open = backoff(5000, |b| b.cap(ms(1000)).jitter(Jitter::Equal));
    let policy = BreakerPolicy::builder(open, ms(2000))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()
        .unwrap();
    let said = flat(&text(Some(policy), None, 80));
    assert!(
        said.contains(&format!(
            "drawn between half of that and all of it {words}; a close"
        )),
        "{said}"
    );
    let equal = backoff(1000, |b| b.cap(ms(1000)));
    assert!(!text(None, Some(equal), 80).contains("below the base"));
}

#[test]
fn total_wait_bounds_the_attempts_where_no_wait_can_be_zero() {
    let total =
        |jitter| move |b: BackoffBuilder| b.cap(ms(1000)).jitter(jitter).max_total_wait(ms(2000));
    // 100 + 200 + 400 + 800 = 1500, and 1000 more would be too long.
    assert_eq!(
        waits_at_most(&backoff(100, total(Jitter::None))),
        Bound::AtMost(4)
    );
    // 50 + 100 + 200 + 400 + 500 + 500 = 1750.
    assert_eq!(
        waits_at_most(&backoff(100, total(Jitter::Equal))),
        Bound::AtMost(6)
    );
    // 80 + 160 + 320 + 640 + 800 = 2000, which is not above 2000.
    let spread = Jitter::Spread(Ratio::percent(20));
    assert_eq!(
        waits_at_most(&backoff(100, total(spread))),
        Bound::AtMost(5)
    );
    // Each draw may be the base again.
    assert_eq!(
        waits_at_most(&backoff(100, total(Jitter::Decorrelated))),
        Bound::AtMost(20)
    );
    assert_eq!(
        waits_at_most(&backoff(100, total(Jitter::Full))),
        Bound::None
    );
    let both = backoff(100, |b| total(Jitter::None)(b).max_retries(3));
    assert_eq!(waits_at_most(&both), Bound::AtMost(3));
    let counted = backoff(1, |b| {
        let growth = Growth::Constant;
        b.growth(growth)
            .jitter(Jitter::None)
            .max_total_wait(ms(86_400_000))
    });
    assert_eq!(waits_at_most(&counted), Bound::AtMost(86_400_000));
}

#[test]
fn amplification_is_said_plainly() {
    let say = |policy| flat(&text(None, Some(policy), 80));
    let retries = say(backoff(100, |b| b.max_retries(5)));
    assert!(
        retries.contains("at most 6 attempts: 6 times the load"),
        "{retries}"
    );
    assert!(
        retries.contains("36 attempts through two, 216 through three"),
        "{retries}"
    );
    // 100 + 200 + 400 + 800 + 1600.
    assert!(
        retries.contains("last at most 3.1 s together (bounded by max_retries)"),
        "{retries}"
    );
    let endless = say(backoff(100, |b| b));
    assert!(
        endless.contains("unbounded. Neither max_retries nor max_total_wait is set"),
        "{endless}"
    );
    assert!(
        endless.contains("Nothing bounds how long a call is kept waiting"),
        "{endless}"
    );
    let drawn = say(backoff(100, |b| b.max_total_wait(ms(2000))));
    assert!(
        drawn.contains("unbounded. max_retries is not set, and max_total_wait does not"),
        "{drawn}"
    );
    assert!(
        drawn.contains("last at most 2 s together (bounded by max_total_wait)"),
        "{drawn}"
    );
    let none = say(backoff(100, |b| b.max_retries(0)));
    assert!(none.contains("at most 1 attempt: no more load"), "{none}");
    let even = say(backoff(100, |b| b.cap(ms(400)).jitter(Jitter::Equal)));
    assert!(
        even.contains("From wait no. 3 on, one call makes at most one attempt every 200 ms"),
        "{even}"
    );
}

#[test]
fn a_breaker_at_worst() {
    let open = backoff(1000, |b| b.cap(ms(10_000)).jitter(Jitter::Equal));
    let policy = BreakerPolicy::builder(open, ms(2000))
        .window(Window::Count { calls: 50 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 20,
        })
        .trigger(Trigger::Latency {
            quantile: Quantile::P90,
            above: ms(200),
            min_calls: 4,
        })
        .trials(5)
        .successes(4)
        .max_in_flight(2)
        .build()
        .unwrap();
    let text = flat(&text(Some(policy), None, 80));
    // Half of 50; of 50 in order the 45th is the p90, so 6 must be slow.
    assert!(
        text.contains("with the 25th failed result in a row, or with the 6th slow result"),
        "{text}"
    );
    // The second failure re-opens; beside it one more can be under way, and one has failed before.
    assert!(text.contains("3 trials in 500 ms (6 a second)"), "{text}");
    assert!(text.contains("3 trials in 5 s (0.6 a second)"), "{text}");
    assert!(
        text.contains("at most 6 % at first, 0.6 % from the 5th open in a row on"),
        "{text}"
    );
    assert!(
        text.contains("re-opens as soon as 2 trials have failed"),
        "{text}"
    );
}

#[test]
fn a_breaker_without_bounds_says_so() {
    let open = backoff(1000, |b| b.jitter(Jitter::Full));
    let policy = BreakerPolicy::builder(open, ms(2000))
        .window(Window::Time {
            span: ms(10_000),
            slices: 10,
        })
        .trigger(Trigger::Failures { failures: 5 })
        .build()
        .unwrap();
    let text = flat(&text(Some(policy), None, 80));
    assert!(text.contains("Nothing bounds them in time"), "{text}");
    assert!(
        text.contains("at least 5 of the calls of the last 10 s failed"),
        "{text}"
    );
    assert!(
        text.contains("No number of results bounds when it opens"),
        "{text}"
    );
}

#[test]
fn lines_fit() {
    let file = include_str!("../../../../docs/policies/http-client.toml");
    let policies: Policies = toml::from_str(file).unwrap();
    for width in [40, 72, 80, 110, 300] {
        for line in explain(&policies, "p.toml", width, false).lines() {
            assert!(
                line.chars().count() <= width.clamp(72, 110),
                "{width}: {line}"
            );
        }
    }
    let plain = explain(&policies, "p.toml", 80, false);
    assert!(!plain.contains('\u{1b}') && plain.contains("│ half-open │ ─"));
    assert!(explain(&policies, "p.toml", 80, true).contains("\u{1b}[1;33m half-open "));
}
