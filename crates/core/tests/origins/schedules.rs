//! O1 and O4: the ceilings and draws of two backoffs.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Growth, Jitter};

use super::{MS, ceilings, ms, rng};

// O1: supervisor restart backoff. Its attempt n, counted from 0, is our wait n + 1.

fn o1(cap: Duration) -> BackoffPolicy {
    let policy = BackoffPolicy::builder(ms(100))
        .cap(cap)
        .jitter(Jitter::Full);
    policy.build().expect("a policy")
}

#[test]
fn o1_ceiling_100_ms_at_attempt_0_and_3200_ms_at_5() {
    let policy = o1(ms(60_000));
    assert_eq!(ceilings(&policy, [1, 6]), [100, 3200]);
}

#[test]
fn o1_ceiling_is_the_cap_of_5_s_at_attempt_10() {
    assert_eq!(ceilings(&o1(ms(5000)), [11]), [5000]);
}

#[test]
fn o1_attempt_100_gives_the_cap() {
    assert_eq!(ceilings(&o1(ms(60_000)), [101, u32::MAX]), [60_000, 60_000]);
}

#[test]
fn o1_zero_base_gives_zero() {
    let policy = BackoffPolicy::builder(Duration::ZERO)
        .cap(ms(60_000))
        .build();
    let mut backoff = Backoff::new(policy.expect("a policy"));
    for _ in 0..50 {
        assert_eq!(
            backoff.next_wait(0, &mut rng()).map(|wait| wait.delay_ns),
            Ok(0)
        );
    }
}

#[test]
fn o1_ceilings_are_non_decreasing() {
    let ceilings = ceilings(&o1(ms(60_000)), 1..=200);
    assert!(ceilings.is_sorted());
    assert_eq!(ceilings.last(), Some(&60_000));
}

#[test]
fn o1_first_ceiling_is_twice_the_base_when_the_attempt_is_counted_first() {
    // The same waits from twice the base.
    let policy = BackoffPolicy::builder(ms(200)).cap(ms(60_000)).build();
    let policy = policy.expect("a policy");
    assert_eq!(
        ceilings(&policy, 1..=9),
        [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200]
    );
    assert_eq!(ceilings(&policy, [10]), [60_000]);
}

#[test]
fn o1_each_wait_is_a_full_jitter_draw_below_its_ceiling() {
    let policy = o1(ms(60_000));
    let mut rng = rng();
    let mut spread = (u64::MAX, 0);
    for _ in 0..1000 {
        let mut backoff = Backoff::new(&policy);
        let wait = backoff.next_wait(0, &mut rng).expect("no limit");
        spread = (spread.0.min(wait.delay_ns), spread.1.max(wait.delay_ns));
    }
    assert!(
        spread.0 < 2 * MS && (98 * MS..=100 * MS).contains(&spread.1),
        "{spread:?}"
    );
}

// O4: reconnecting subscriber.

fn o4(jitter: Jitter) -> BackoffPolicy {
    let policy = BackoffPolicy::builder(ms(500))
        .cap(ms(30_000))
        .jitter(jitter);
    policy.build().expect("a policy")
}

#[test]
fn o4_ceilings_500_to_30000_ms() {
    let expected = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    assert_eq!(ceilings(&o4(Jitter::Full), 1..=8), expected);
    let mut backoff = Backoff::new(o4(Jitter::None));
    for delay in expected {
        let wait = backoff.next_wait(0, &mut rng()).expect("no limit");
        assert_eq!(u128::from(wait.delay_ns / MS), delay);
    }
}

#[test]
fn o4_attempt_1000000_gives_the_cap_at_once() {
    assert_eq!(ceilings(&o4(Jitter::Full), [1_000_000]), [30_000]);
}

#[test]
fn o4_multiplier_0_or_1_stays_at_the_initial_wait() {
    let policy = BackoffPolicy::builder(ms(500))
        .growth(Growth::Constant)
        .build();
    assert_eq!(ceilings(&policy.expect("a policy"), [1, 2, 1000]), [500; 3]);
    let one = Growth::Exponential { factor: Ratio::ONE };
    let policy = BackoffPolicy::builder(ms(500)).growth(one).build();
    assert_eq!(ceilings(&policy.expect("a policy"), [1, 2, 1000]), [500; 3]);
    // A factor of 0 is refused instead of being read as 1.
    let zero = Growth::Exponential {
        factor: Ratio::ZERO,
    };
    assert!(
        BackoffPolicy::builder(ms(500))
            .growth(zero)
            .build()
            .is_err()
    );
}
