//! O3: the crash recovery budget of a process broker.

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{DeniedBy, RecoveryBudget, RecoveryBudgetPolicy};

use crate::{MS, SECOND, ms, rng};

/// Instance, service, version.
type Key = (u32, &'static str, u32);
const A: Key = (1, "billing", 3);
const B: Key = (2, "billing", 3);

/// One retry after 250 ms in 30 s.
fn budget() -> RecoveryBudget<Key> {
    let backoff = BackoffPolicy::builder(ms(250)).jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, 1, ms(30_000), 1_000);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

#[test]
fn o3_the_first_crash_is_retried_after_250_ms_as_attempt_1() {
    let recovery = budget()
        .try_recover(SECOND, &A, &mut rng())
        .expect("the first");
    assert_eq!(
        (recovery.wait.at_ns, recovery.attempt),
        (SECOND + 250 * MS, 1)
    );
}

#[test]
fn o3_any_further_crash_in_the_window_is_refused_with_what_is_left_of_it() {
    let mut budget = budget();
    let _ = budget
        .try_recover(SECOND, &A, &mut rng())
        .expect("the first");
    for now_ns in [SECOND, 2 * SECOND, 31 * SECOND - 1] {
        let refused = budget
            .try_recover(now_ns, &A, &mut rng())
            .expect_err("spent");
        assert_eq!(
            (refused.reason, refused.retry_at_ns),
            (DeniedBy::Spent, Some(31 * SECOND))
        );
    }
    // each instance has a budget of its own
    assert!(budget.try_recover(2 * SECOND, &B, &mut rng()).is_ok());
}

#[test]
fn o3_at_the_end_of_the_window_a_new_one_starts() {
    let mut budget = budget();
    let _ = budget
        .try_recover(SECOND, &A, &mut rng())
        .expect("the first");
    let recovery = budget
        .try_recover(31 * SECOND, &A, &mut rng())
        .expect("a new window");
    assert_eq!(recovery.attempt, 1);
}

#[test]
fn o3_a_success_clears_the_key() {
    let mut budget = budget();
    let _ = budget.try_recover(0, &A, &mut rng()).expect("the first");
    assert!(budget.on_success(1, &A));
    assert_eq!(
        budget
            .try_recover(2, &A, &mut rng())
            .expect("as new")
            .attempt,
        1
    );
}

#[test]
fn o3_a_clock_that_goes_back_is_no_time_passed() {
    let mut budget = budget();
    let _ = budget
        .try_recover(100 * SECOND, &A, &mut rng())
        .expect("the first");
    let refused = budget.try_recover(0, &A, &mut rng()).expect_err("spent");
    assert_eq!(refused.retry_at_ns, Some(130 * SECOND));
}

#[test]
fn o3_more_than_one_retry_in_a_window_is_one_number() {
    let backoff = BackoffPolicy::builder(ms(250)).jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, 3, ms(30_000), 1_000);
    let mut budget: RecoveryBudget<Key> = RecoveryBudget::new(policy.build().expect("a policy"));
    let attempts = [0, 1, 2].map(|n| {
        budget
            .try_recover(n * SECOND, &A, &mut rng())
            .map(|r| r.attempt)
    });
    assert_eq!(attempts, [Ok(1), Ok(2), Ok(3)]);
    let refused = budget
        .try_recover(3 * SECOND, &A, &mut rng())
        .expect_err("spent");
    assert_eq!(refused.retry_at_ns, Some(30 * SECOND));
}

#[test]
fn o3_the_number_of_keys_is_bounded() {
    let mut budget = budget();
    for instance in 0..5_000 {
        let _ = budget.try_recover(0, &(instance, "billing", 3), &mut rng());
    }
    assert_eq!(budget.len(), 1_000);
}
