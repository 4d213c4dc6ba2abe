//! What a user of `Backoff` relies on, one fact a test.

use core::time::Duration;
use std::sync::mpsc;

use backon::BlockingRetryable;
use evenkeel_core::backoff::{
    Backoff, BackoffBuilder, BackoffPolicy, BackoffState, Exhausted, Growth, Jitter,
};
use evenkeel_core::time::MAX_SPAN;
use evenkeel_core::{Ratio, RestoreError};
use proptest::prelude::*;
use rand_xoshiro::rand_core::SeedableRng;
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

const MS: Duration = Duration::from_millis(1);

/// Checked when this file is compiled.
const POLICY: BackoffPolicy = match BackoffPolicy::builder(Duration::from_millis(100))
    .cap(Duration::from_secs(30))
    .growth(Growth::Exponential { factor: Ratio::TWO })
    .jitter(Jitter::Spread(Ratio::percent(20)))
    .max_retries(5)
    .max_total_wait(Duration::from_secs(120))
    .build()
{
    Ok(policy) => policy,
    Err(_) => panic!("a policy that cannot be"),
};

const JITTERED: [Jitter; 5] = [
    Jitter::Full,
    Jitter::Equal,
    Jitter::Spread(Ratio::ONE),
    Jitter::Spread(Ratio::percent(20)),
    Jitter::Decorrelated,
];

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(0x6576_656e)
}

fn built(builder: BackoffBuilder) -> BackoffPolicy {
    builder.build().expect("a policy")
}

/// The first `n` waits of a fresh schedule.
fn waits(policy: &BackoffPolicy, n: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<u64> {
    let mut backoff = Backoff::new(policy);
    let mut next = || backoff.next_wait(0, rng).expect("no limit").delay_ns;
    (0..n).map(|_| next()).collect()
}

#[test]
fn no_wait_of_any_jitter_is_above_the_cap() {
    let cap = Duration::from_secs(10);
    for jitter in JITTERED {
        let policy = built(BackoffPolicy::builder(3 * MS).cap(cap).jitter(jitter));
        let mut rng = rng();
        let most = waits(&policy, 20_000, &mut rng).into_iter().max();
        let most = Duration::from_nanos(most.expect("waits"));
        assert!(most <= cap, "{jitter:?} waits {most:?}");
        assert!(
            most > cap * 99 / 100,
            "{jitter:?} never comes near the cap: {most:?}"
        );
    }
}

#[test]
fn jitter_does_not_vanish_at_the_cap() {
    for jitter in JITTERED {
        let policy = built(BackoffPolicy::builder(MS).cap(MS * 1000).jitter(jitter));
        let mut late = waits(&policy, 1100, &mut rng()).split_off(100);
        late.sort_unstable();
        late.dedup();
        assert!(
            late.len() > 300,
            "{jitter:?} has {} different waits of 1000",
            late.len()
        );
    }
}

#[test]
fn the_first_wait_is_jittered_like_any_other() {
    for jitter in JITTERED {
        let policy = built(BackoffPolicy::builder(MS * 100).jitter(jitter));
        let mut rng = rng();
        let mut first: Vec<u64> = (0..100).flat_map(|_| waits(&policy, 1, &mut rng)).collect();
        first.sort_unstable();
        first.dedup();
        assert!(
            first.len() > 95,
            "{jitter:?} has {} different first waits",
            first.len()
        );
    }
}

/// Pearson's chi-square of 100 bins; 99 degrees of freedom, so 180 is 5.7 standard deviations away.
fn unevenness(draws: &[u64], low: u64, high: u64) -> f64 {
    let width = (high - low + 1) as f64 / 100.0;
    let mut bins = [0_u32; 100];
    for &draw in draws {
        assert!(
            (low..=high).contains(&draw),
            "{draw} is outside {low}..={high}"
        );
        bins[((draw - low) as f64 / width) as usize] += 1;
    }
    let expected = draws.len() as f64 / 100.0;
    let square = |count: u32| (f64::from(count) - expected).powi(2) / expected;
    bins.into_iter().map(square).sum()
}

#[test]
fn waits_are_spread_evenly_over_their_range() {
    let base = Duration::from_micros(100);
    let cases = [
        (Jitter::Full, 0, 100_000),
        (Jitter::Equal, 50_000, 100_000),
        (Jitter::Spread(Ratio::percent(20)), 80_000, 120_000),
        (Jitter::Decorrelated, 100_000, 300_000),
    ];
    for (jitter, low, high) in cases {
        let policy = built(BackoffPolicy::builder(base).jitter(jitter));
        let mut rng = rng();
        let draws: Vec<u64> = (0..100_000)
            .flat_map(|_| waits(&policy, 1, &mut rng))
            .collect();
        let unevenness = unevenness(&draws, low, high);
        assert!(unevenness < 180.0, "{jitter:?}: {unevenness}");
    }
}

#[test]
fn decorrelated_waits_grow_by_themselves() {
    // Of s the next is base + uniform(0, 3 s - base): on average base/2 + 3/2 s.
    let policy =
        built(BackoffPolicy::builder(Duration::from_micros(100)).jitter(Jitter::Decorrelated));
    let mut rng = rng();
    let mut sums = [0_u64; 4];
    for _ in 0..50_000 {
        for (sum, wait) in sums.iter_mut().zip(waits(&policy, 4, &mut rng)) {
            *sum += wait;
        }
    }
    let means = sums.map(|sum| sum / 50_000);
    for (mean, expected) in means
        .into_iter()
        .zip([200_000_u64, 350_000, 575_000, 912_500])
    {
        assert!(mean.abs_diff(expected) < expected / 50, "{means:?}");
    }
}

#[test]
fn decorrelated_waits_pile_up_at_the_cap_and_no_others_do() {
    let at_cap = |jitter| {
        let policy = built(BackoffPolicy::builder(MS).cap(MS * 1000).jitter(jitter));
        let late = waits(&policy, 2100, &mut rng()).split_off(100);
        late.into_iter()
            .filter(|&wait| wait == 1_000_000_000)
            .count()
    };
    let every_fourth = 2000 / 4;
    let at_cap_of_2000 = at_cap(Jitter::Decorrelated);
    assert!(
        at_cap_of_2000.abs_diff(every_fourth) < every_fourth / 5,
        "{at_cap_of_2000}"
    );
    for jitter in [
        Jitter::Full,
        Jitter::Equal,
        Jitter::Spread(Ratio::percent(50)),
    ] {
        assert!(at_cap(jitter) < 5, "{jitter:?}");
    }
}

#[test]
fn range_brackets_every_wait_and_is_reached() {
    for jitter in JITTERED.into_iter().chain([Jitter::None]) {
        for growth in [
            Growth::Constant,
            Growth::Linear { step: 7 * MS },
            Growth::Exponential { factor: Ratio::TWO },
        ] {
            let builder = BackoffPolicy::builder(10 * MS).cap(300 * MS).growth(growth);
            let policy = built(builder.jitter(jitter));
            let mut rng = rng();
            for _ in 0..300 {
                for (attempt, wait) in (1..).zip(waits(&policy, 12, &mut rng)) {
                    let (least, most) = policy.range(attempt);
                    let wait = Duration::from_nanos(wait);
                    assert!(
                        least <= wait && wait <= most,
                        "{jitter:?} {growth:?} {attempt}: {wait:?}"
                    );
                }
            }
        }
    }
    let (least, most) = POLICY.range(1);
    assert_eq!((least, most), (80 * MS, 120 * MS));
    assert_eq!(
        POLICY.range(100),
        (24_000 * MS, 30_000 * MS),
        "the cap clips it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ceiling_is_the_one_before_times_the_factor(
        base in 1..1_000_000_u64,
        cap in prop::option::of(1..1_u64 << 50),
        num in 1..2000_u32,
        den in 1..2000_u32,
    ) {
        let factor = Ratio::new(num.max(den), num.min(den)).unwrap();
        let mut builder = BackoffPolicy::builder(Duration::from_nanos(base)).growth(Growth::Exponential { factor });
        if let Some(cap) = cap {
            builder = builder.cap(Duration::from_nanos(cap));
        }
        let Ok(policy) = builder.build() else { return Ok(()) };
        let limit = u128::from(cap.unwrap_or(1 << 62));
        let mut ceiling = u128::from(base).min(limit);
        for attempt in 1..200 {
            prop_assert_eq!(policy.ceiling(attempt).as_nanos(), ceiling);
            ceiling = (ceiling * u128::from(factor.numerator()) / u128::from(factor.denominator())).min(limit);
        }
        prop_assert_eq!(policy.ceiling(0), policy.ceiling(1));
    }
}

#[test]
fn a_very_late_attempt_has_the_cap_at_once() {
    let factors = [
        Ratio::TWO,
        Ratio::new(3, 2).unwrap(),
        Ratio::new(101, 100).unwrap(),
    ];
    for factor in factors {
        let builder = BackoffPolicy::builder(500 * MS).cap(30_000 * MS);
        let policy = built(builder.growth(Growth::Exponential { factor }));
        assert_eq!(policy.ceiling(1_000_000), 30_000 * MS);
        assert_eq!(policy.ceiling(u32::MAX), 30_000 * MS);
    }
    let linear = built(BackoffPolicy::builder(MS).growth(Growth::Linear { step: MAX_SPAN }));
    assert_eq!(linear.ceiling(u32::MAX), MAX_SPAN);
}

#[test]
fn a_base_of_zero_waits_nothing() {
    for jitter in JITTERED.into_iter().chain([Jitter::None]) {
        let policy = built(BackoffPolicy::builder(Duration::ZERO).jitter(jitter));
        assert_eq!(waits(&policy, 50, &mut rng()), [0; 50], "{jitter:?}");
    }
    let linear = Growth::Linear { step: MS };
    let policy = built(
        BackoffPolicy::builder(Duration::ZERO)
            .growth(linear)
            .jitter(Jitter::None),
    );
    assert_eq!(waits(&policy, 3, &mut rng()), [0, 1_000_000, 2_000_000]);
}

#[test]
fn a_policy_that_cannot_be_is_refused_with_the_field_and_the_fix() {
    let too_long = MAX_SPAN + Duration::from_nanos(1);
    let exponential = |num, den| Growth::Exponential {
        factor: Ratio::new(num, den).unwrap(),
    };
    let nano = || BackoffPolicy::builder(Duration::from_nanos(1));
    let second = || BackoffPolicy::builder(Duration::from_secs(1));
    let cases = [
        (
            BackoffPolicy::builder(too_long),
            "backoff.base is 4611686018427387905ns: it must be at most 4611686018427387904ns",
        ),
        (
            nano().cap(Duration::MAX),
            "backoff.cap is 18446744073709551615999999999ns: it must be at most 4611686018427387904ns",
        ),
        (
            nano().max_total_wait(too_long),
            "backoff.max_total_wait is 4611686018427387905ns: it must be at most 4611686018427387904ns",
        ),
        (
            nano().growth(Growth::Linear { step: too_long }),
            "backoff.step is 4611686018427387905ns: it must be at most 4611686018427387904ns",
        ),
        (
            second().growth(exponential(1, 2)),
            "backoff.factor is 1/2: it must be at least 1",
        ),
        (
            second().growth(exponential(0, 1)),
            "backoff.factor is 0: it must be at least 1",
        ),
        (
            nano().growth(exponential(3, 2)),
            "backoff.factor conflicts with base: at so small a base it rounds to no growth; raise one of them",
        ),
        (
            second().growth(exponential(10_001, 10_000)),
            "backoff.factor conflicts with cap: it takes more than 4096 steps to get there; raise the factor or lower the cap",
        ),
        (
            second().jitter(Jitter::Spread(Ratio::percent(101))),
            "backoff.jitter.spread is 101/100: it must be at most 1",
        ),
    ];
    for (builder, text) in cases {
        assert_eq!(builder.build().expect_err(text).to_string(), text);
    }
}

#[test]
fn what_only_just_fits_is_a_policy() {
    let exponential = |num, den| Growth::Exponential {
        factor: Ratio::new(num, den).unwrap(),
    };
    built(
        BackoffPolicy::builder(MAX_SPAN)
            .cap(MAX_SPAN)
            .max_total_wait(MAX_SPAN),
    );
    built(BackoffPolicy::builder(Duration::from_nanos(2)).growth(exponential(3, 2)));
    built(BackoffPolicy::builder(MS).growth(exponential(1, 1)));
    built(
        BackoffPolicy::builder(Duration::from_nanos(1))
            .growth(exponential(3, 2))
            .cap(Duration::from_nanos(1)),
    );
    // One more nanosecond each time: 4 096 steps from 4 096 ns to the cap, and not one more.
    let slow = |cap| {
        BackoffPolicy::builder(Duration::from_nanos(10_000))
            .growth(exponential(10_001, 10_000))
            .cap(Duration::from_nanos(cap))
            .build()
    };
    assert!(slow(10_000 + 4096).is_ok());
    assert!(slow(10_000 + 4097).is_err());
}

#[test]
fn a_limit_refuses_and_a_reset_starts_again() {
    let policy = built(
        BackoffPolicy::builder(10 * MS)
            .jitter(Jitter::None)
            .max_retries(2)
            .max_total_wait(25 * MS),
    );
    let mut rng = rng();
    let mut backoff = Backoff::new(&policy);
    let first = backoff.next_wait(0, &mut rng).unwrap();
    assert_eq!((first.delay(), first.attempt), (10 * MS, 1));
    assert_eq!(backoff.next_wait(0, &mut rng), Err(Exhausted::TotalWait));
    assert_eq!(backoff.attempts(), 1, "a refused wait is not an attempt");
    backoff.reset();
    assert_eq!(backoff.next_wait(0, &mut rng), Ok(first));

    let none = built(BackoffPolicy::builder(MS).max_retries(0));
    assert_eq!(
        Backoff::new(none).next_wait(0, &mut rng),
        Err(Exhausted::Retries)
    );
    let texts = [
        Exhausted::Retries,
        Exhausted::TotalWait,
        Exhausted::EndOfTime,
    ]
    .map(|e| e.to_string());
    assert_eq!(
        texts,
        [
            "all retries are used up",
            "the next wait would pass the total that is allowed",
            "the next wait would end after the last instant",
        ]
    );
}

#[test]
fn a_total_that_no_wait_fits_into_is_refused() {
    let hopeless = |jitter| {
        let builder = BackoffPolicy::builder(10_000 * MS).max_total_wait(1000 * MS);
        builder.jitter(jitter).build()
    };
    assert_eq!(
        hopeless(Jitter::None).unwrap_err().to_string(),
        "backoff.max_total_wait is 1s: it must be at least 10s"
    );
    assert!(hopeless(Jitter::Equal).is_err());
    assert!(hopeless(Jitter::Full).is_ok(), "a wait may be short enough");
}

#[test]
fn a_stored_state_is_taken_over_only_where_it_can_be() {
    let long = built(BackoffPolicy::builder(100 * MS).jitter(Jitter::None));
    let mut backoff = Backoff::new(long);
    for _ in 0..5 {
        let _ = backoff.next_wait(7, &mut rng());
    }
    let state: BackoffState = backoff.state();
    assert_eq!(Backoff::restore(long, state), Ok(backoff));
    // Only decorrelated jitter goes on from the last wait; another policy need not allow it.
    let short = BackoffPolicy::builder(MS).cap(MS);
    assert!(Backoff::restore(built(short), state).is_ok());
    let short = built(short.jitter(Jitter::Decorrelated));
    let text = |policy| Backoff::restore(policy, state).unwrap_err().to_string();
    assert_eq!(
        text(short),
        "the state does not fit the policy: the last wait is longer than the policy allows"
    );
    let hasty = built(BackoffPolicy::builder(MS).max_total_wait(3000 * MS));
    assert!(matches!(
        Backoff::restore(hasty, state),
        Err(RestoreError::Misfit { .. })
    ));
}

/// Four waits of the longest span are more nanoseconds than a sum can hold.
#[test]
fn waits_of_more_than_all_time_together_do_not_begin_anew() {
    let endless = BackoffPolicy::builder(MAX_SPAN).jitter(Jitter::None);
    let bounded = built(endless.max_total_wait(MAX_SPAN));
    let mut backoff = Backoff::new(built(endless));
    for attempt in 1..=6 {
        let wait = backoff.next_wait(0, &mut rng()).expect("no limit");
        assert_eq!((wait.attempt, wait.delay()), (attempt, MAX_SPAN));
        let is_within = Backoff::restore(bounded, backoff.state()).is_ok();
        assert_eq!(is_within, attempt == 1, "after {attempt}");
    }
}

/// The schedule goes through its ceilings one by one, the policy works each out from the first.
#[test]
fn the_ceilings_of_a_schedule_are_those_of_its_policy_on_either_side_of_the_cap() {
    let ns = Duration::from_nanos;
    for (base, cap) in (0..20).flat_map(|base| (1..50).map(move |cap| (base, cap))) {
        let growths = (1..6).map(|times| Growth::Exponential {
            factor: Ratio::new(times, 1).expect("a ratio"),
        });
        let growths = growths.chain([Growth::Constant, Growth::Linear { step: ns(7) }]);
        for growth in growths {
            let builder = BackoffPolicy::builder(ns(base)).cap(ns(cap));
            let policy = built(builder.growth(growth).jitter(Jitter::None));
            let mut backoff = Backoff::new(policy);
            for attempt in 1..12 {
                let wait = backoff.next_wait(0, &mut rng()).expect("no limit");
                assert_eq!(wait.delay(), policy.ceiling(attempt), "{policy:?}");
            }
        }
    }
}

/// After as many waits as can be counted a schedule without a limit goes on, and one with that limit ends.
#[cfg(feature = "serde")]
#[test]
fn who_has_waited_more_often_than_can_be_counted_waits_on() {
    let full = built(BackoffPolicy::builder(MS).cap(MS));
    let bare = built(BackoffPolicy::builder(MS).cap(MS).jitter(Jitter::None));
    let limited = built(BackoffPolicy::builder(MS).cap(MS).max_retries(u32::MAX));
    let stored = serde_json::json!({
        "version": 1, "attempts": u32::MAX - 1, "previous_ns": 1, "total_wait_ns": 9, "clock": 5
    });
    let state: BackoffState = serde_json::from_value(stored).expect("a state");
    for policy in [full, bare] {
        let mut backoff = Backoff::restore(policy, state).expect("honest");
        for _ in 0..3 {
            let wait = backoff.next_wait(5, &mut rng()).expect("no limit");
            assert!(wait.attempt == u32::MAX && wait.delay() <= MS);
        }
        assert_eq!(backoff.attempts(), u32::MAX);
    }
    let mut backoff = Backoff::restore(limited, state).expect("honest");
    assert!(backoff.next_wait(5, &mut rng()).is_ok());
    let ended = backoff.next_wait(5, &mut rng());
    assert_eq!(ended, Err(Exhausted::Retries));
}

#[test]
fn a_policy_can_be_a_const() {
    assert_eq!(POLICY.ceiling(4), 800 * MS);
    assert_eq!((POLICY.base(), POLICY.cap()), (100 * MS, Some(30_000 * MS)));
    assert_eq!(
        (POLICY.max_retries(), POLICY.max_total_wait()),
        (Some(5), Some(120_000 * MS))
    );
    assert_eq!(POLICY.jitter(), Jitter::Spread(Ratio::percent(20)));
    assert_eq!(POLICY.growth(), Growth::Exponential { factor: Ratio::TWO });
}

#[test]
fn backon_retries_with_our_waits() {
    let policy = built(
        BackoffPolicy::builder(10 * MS)
            .jitter(Jitter::None)
            .max_retries(3),
    );
    let delays = Backoff::new(policy).delays(SplitMix64::seed_from_u64(1));
    let (sleeps, slept) = mpsc::channel();
    let result: Result<(), &str> = (|| Err("down"))
        .retry(delays)
        .sleep(move |wait| sleeps.send(wait).expect("a receiver"))
        .call();
    assert_eq!(result, Err("down"));
    assert_eq!(
        slept.iter().collect::<Vec<_>>(),
        [10 * MS, 20 * MS, 40 * MS]
    );
}

#[test]
fn anything_that_takes_an_iterator_of_durations_takes_ours() {
    /// The bound of tokio-retry's `Retry::spawn`.
    fn spawn(strategy: impl IntoIterator<Item = Duration>) -> usize {
        strategy.into_iter().count()
    }
    let mut delays = Backoff::new(&POLICY).delays(rng());
    assert_eq!(spawn(delays.clone()), 5);
    assert_eq!(delays.by_ref().count(), 5);
    assert_eq!(delays.next(), None, "it ends for good");
}
