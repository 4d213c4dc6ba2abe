//! Recovery budgets in another process: what goes on there, what was forgotten on the way, and stored states that
//! somebody has changed.
#![cfg(feature = "alloc")]

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{RecoveryBudget, RecoveryBudgetPolicy};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn rng() -> SplitMix64 {
    SplitMix64::seed_from_u64(0)
}

fn budget(n: u32, window: u64, max_keys: u32) -> RecoveryBudget<u64> {
    let backoff = BackoffPolicy::builder(ns(250)).jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, n, ns(window), max_keys);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

#[test]
fn another_process_goes_on_with_the_age_of_the_grants() {
    let mut one = budget(2, 100, 10);
    for now_ns in [1_000, 1_030] {
        let _ = one.try_recover(now_ns, &7, &mut rng());
    }
    let rebase = Rebase {
        taken_at_ns: 1_040,
        now_ns: 200,
        away: ns(20),
    };
    let two = RecoveryBudget::<u64>::restore_rebased(*one.policy(), one.state(), rebase)
        .expect("its own state");
    assert_eq!(
        [239, 240, 269, 270].map(|now_ns| two.remaining(now_ns, &7)),
        [0, 1, 1, 2]
    );
    // A clock that starts anew: nothing lies before 0, so the grants look younger, never older.
    let rebase = Rebase {
        taken_at_ns: 1_040,
        now_ns: 5,
        away: Duration::ZERO,
    };
    let two = RecoveryBudget::<u64>::restore_rebased(*one.policy(), one.state(), rebase)
        .expect("its own state");
    assert_eq!([99, 100].map(|now_ns| two.remaining(now_ns, &7)), [0, 2]);
}

/// A grant that had left the window, on a clock on which that instant does not exist: it looks younger too.
#[test]
fn who_was_forgotten_while_away_does_not_come_back_on_a_young_clock() {
    const SECOND: u64 = 1_000_000_000;
    let mut budget = budget(1, 60 * SECOND, 1);
    let _ = budget.try_recover(1_000 * SECOND, &7, &mut rng());
    let rebase = Rebase {
        taken_at_ns: 1_001 * SECOND,
        now_ns: SECOND,
        away: Duration::from_secs(3_600),
    };
    let policy = *budget.policy();
    let restored = RecoveryBudget::<u64>::restore_rebased(policy, budget.state(), rebase);
    let budget = restored.expect("its own state");
    assert_eq!(
        [7, 8].map(|key| budget.peek(SECOND, &key)),
        [Ok(()), Ok(())]
    );
}

#[test]
fn another_process_can_store_what_it_took_over() {
    let backoff = BackoffPolicy::builder(ns(10)).jitter(Jitter::None);
    let builder = RecoveryBudgetPolicy::builder(backoff, 2, ns(100), 5).forget_after(ns(500));
    let mut one: RecoveryBudget<u64> = RecoveryBudget::new(builder.build().expect("a policy"));
    let _ = one.try_recover(1_000, &7, &mut rng());
    let _ = one.try_recover(1_150, &8, &mut rng());
    let rebase = Rebase {
        taken_at_ns: 1_150,
        now_ns: 5,
        away: Duration::ZERO,
    };
    let two = RecoveryBudget::<u64>::restore_rebased(*one.policy(), one.state(), rebase)
        .expect("its own state");
    assert_eq!((two.remaining(5, &7), two.attempts(5, &7)), (1, 1));
    let three = RecoveryBudget::<u64>::restore(*two.policy(), two.state());
    assert_eq!(three.expect("its own state").state(), two.state());
}

/// At the very instant at which it is forgotten, which on a clock that starts anew nobody could tell any more.
#[test]
fn who_is_forgotten_just_when_the_next_process_begins_has_all_recoveries_again() {
    let mut one = budget(1, 100, 1);
    let _ = one.try_recover(1_000, &7, &mut rng());
    for (away, attempts) in [(98, 1), (99, 0)] {
        let rebase = Rebase {
            taken_at_ns: 1_001,
            now_ns: 5,
            away: ns(away),
        };
        let two = RecoveryBudget::<u64>::restore_rebased(*one.policy(), one.state(), rebase)
            .expect("its own state");
        assert_eq!(two.attempts(5, &7), attempts, "{away} away");
        assert_eq!(
            two.peek(5, &8).is_ok(),
            attempts == 0,
            "there is room again"
        );
    }
}

#[cfg(feature = "serde")]
mod hostile {
    use super::*;
    use evenkeel_core::table::RecoveryBudgetState;
    use serde_json::{Value, json};

    fn stored() -> Value {
        let mut budget = budget(2, 100, 2);
        for (now_ns, key) in [(0, 1), (10, 2), (20, 1)] {
            let _ = budget.try_recover(now_ns, &key, &mut rng());
        }
        serde_json::to_value(budget.state()).expect("JSON")
    }

    fn restore(value: Value) -> Result<RecoveryBudget<u64>, String> {
        let state: RecoveryBudgetState<u64> =
            serde_json::from_value(value).map_err(|error| error.to_string())?;
        RecoveryBudget::restore(*budget(2, 100, 2).policy(), state)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn its_own_state_reads_back() {
        let budget = restore(stored()).expect("its own state");
        assert_eq!(
            serde_json::to_value(budget.state()).expect("JSON"),
            stored()
        );
    }

    #[test]
    fn what_contradicts_itself_or_the_policy_is_refused() {
        type Change = fn(&mut Value);
        let changes: [(&str, Change); 11] = [
            ("version", |v| v["version"] = json!(0)),
            ("order", |v| v["keys"].as_array_mut().unwrap().reverse()),
            ("twice", |v| v["keys"][0]["key"] = json!(1)),
            ("more keys", |v| {
                let kept = v["keys"][1].clone();
                v["keys"].as_array_mut().unwrap().push(kept);
            }),
            ("in the future", |v| v["keys"][1]["last_ns"] = json!(21)),
            ("not in order", |v| v["keys"][1]["grants"] = json!([20, 0])),
            ("more grants", |v| v["keys"][0]["attempts"] = json!(0)),
            ("more grants", |v| v["keys"][1]["attempts"] = json!(1)),
            ("none of both", |v| {
                // Its grant has left the window, as it may; but it was granted.
                v["clock"] = json!(120);
                v["keys"][0]["attempts"] = json!(0);
                v["keys"][0]["grants"] = json!([]);
            }),
            ("in the window", |v| v["keys"][0]["grants"] = json!([])),
            ("a wait is longer", |v| {
                v["keys"][0]["previous_ns"] = json!(1);
            }),
        ];
        for (word, change) in changes {
            let mut value = stored();
            change(&mut value);
            let error = restore(value).map(|_| ()).expect_err(word);
            assert!(error.contains(word), "{word}: {error}");
        }
        let mut value = stored();
        value["keys"][1]["attempts"] = json!(3);
        value["keys"][1]["grants"] = json!([0, 10, 20]);
        assert!(restore(value).is_err(), "more than the budget");
    }
}
