//! Stored states that somebody has changed: each is refused, or harmless.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, BackoffTableState};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::words::Words;

fn policy(jitter: Jitter) -> BackoffTablePolicy {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(10))
        .cap(Duration::from_nanos(40))
        .jitter(jitter);
    BackoffTablePolicy::builder(backoff, 3, Duration::from_nanos(100))
        .due_index(true)
        .build()
        .expect("a policy")
}

/// Two keys held, one stopped, one reported, and the overflow.
fn stored() -> Value {
    let mut table: BackoffTable<u64> = BackoffTable::new(policy(Jitter::None));
    let mut words = Words::new(0);
    let _ = table.on_failure(0, &1, &mut words);
    let _ = table.pop_ready(10);
    let _ = table.on_advice(12, &2, Advice::Stop, &mut words);
    let _ = table.on_failure(12, &3, &mut words);
    let _ = table.on_failure(12, &4, &mut words);
    serde_json::to_value(table.state()).expect("JSON")
}

fn restore(value: Value) -> Result<BackoffTable<u64>, String> {
    let state: BackoffTableState<u64> =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    let restored = BackoffTable::restore(policy(Jitter::None), state);
    restored.map_err(|error: RestoreError| error.to_string())
}

#[test]
fn its_own_state_reads_back_and_every_field_is_there() {
    let table = restore(stored()).expect("its own state");
    assert_eq!(serde_json::to_value(table.state()).expect("JSON"), stored());
    let keys: Vec<_> = table.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, [1, 2, 3]);
}

#[test]
fn what_contradicts_itself_or_the_policy_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 13] = [
        ("version", |v| v["version"] = json!(2)),
        ("order", |v| v["keys"].as_array_mut().unwrap().reverse()),
        ("twice", |v| v["keys"][1]["key"] = json!(1)),
        ("more keys", |v| {
            let kept = v["keys"][2].clone();
            v["keys"].as_array_mut().unwrap().push(kept);
        }),
        ("longer", |v| v["keys"][2]["entry"]["at_ns"] = json!(53)),
        ("without an attempt", |v| {
            v["keys"][2]["entry"]["attempts"] = json!(0);
        }),
        ("too many", |v| v["overflow"]["attempts"] = json!(u32::MAX)),
        ("in the future", |v| {
            v["keys"][2]["entry"]["reported"] = json!(true);
        }),
        ("reported", |v| {
            v["keys"][1]["entry"]["reported"] = json!(true);
        }),
        ("longer", |v| {
            v["overflow"]["kind"] = json!("endless-backoff");
        }),
        ("longer", |v| {
            v["overflow"]["kind"] = json!("endless-backoff");
            v["overflow"]["at_ns"] = json!(u64::MAX);
        }),
        ("order", |v| {
            v["clock"] = json!(u64::MAX);
            v["keys"][0]["entry"]["kind"] = json!("endless-backoff");
            v["keys"][0]["entry"]["reported"] = json!(false);
        }),
        ("a wait is longer", |v| {
            v["keys"][2]["entry"]["previous_ns"] = json!(1);
        }),
    ];
    for (word, change) in changes {
        let mut value = stored();
        change(&mut value);
        let error = restore(value).expect_err(word);
        assert!(error.contains(word), "{word}: {error}");
    }
}

/// A key that failed for years: the count stops at its most instead of starting anew.
#[test]
fn a_key_with_the_most_attempts_is_taken_and_its_count_stays() {
    const MOST: u32 = (1 << 27) - 1;
    let with = |attempts: u32| {
        let mut value = stored();
        value["keys"][2]["entry"]["attempts"] = json!(attempts);
        restore(value)
    };
    let mut table = with(MOST).expect("the most that is counted");
    for now_ns in [22, 100] {
        let hold = table.on_failure(now_ns, &3, &mut Words::new(0));
        let hold = hold.expect("it is tracked");
        assert_eq!((hold.attempt, hold.until_ns), (MOST, Some(now_ns + 40)));
    }
    assert!(with(MOST + 1).is_err());
}

fn any_entry() -> impl Strategy<Value = Value> {
    let kinds = [
        "backoff",
        "advice",
        "stopped",
        "endless-backoff",
        "endless-advice",
    ];
    let number = || prop_oneof![0..120_u64, Just(u64::MAX), any::<u64>()];
    let attempts = prop_oneof![0..5_u32, any::<u32>()];
    (
        number(),
        attempts,
        0..5_usize,
        any::<bool>(),
        prop_oneof![9 => Just(0), 1 => number()],
    )
        .prop_map(move |(at_ns, attempts, kind, reported, previous_ns)| {
            json!({ "at_ns": at_ns, "attempts": attempts, "kind": kinds[kind], "reported": reported,
                    "previous_ns": previous_ns })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is taken over holds nobody longer than the policy allows, and goes on without a panic.
    #[test]
    fn nothing_that_is_taken_over_holds_too_long(
        clock in prop_oneof![Just(60_u64), Just(u64::MAX - 20), any::<u64>()],
        mut entries in proptest::collection::vec(any_entry(), 0..3),
        overflow in proptest::option::of(any_entry()),
        ops in proptest::collection::vec((0..50_u64, 0..4_u64, 0..3_u8), 0..20),
    ) {
        entries.sort_by_key(|entry| entry["at_ns"].as_u64());
        let keys: Vec<_> = (0..).zip(entries).map(|(key, entry)| json!({ "key": key, "entry": entry })).collect();
        let value = json!({ "version": 1, "clock": clock, "keys": keys, "overflow": overflow });
        let state: BackoffTableState<u64> = serde_json::from_value(value).expect("well-formed");
        let Ok(mut table) = BackoffTable::<u64>::restore(policy(Jitter::None), state) else {
            return Ok(());
        };
        let latest_ns = clock.checked_add(100);
        for key in 0..4 {
            if let Err(refused) = table.peek(clock, &key) {
                match latest_ns {
                    Some(latest_ns) => prop_assert!(refused.retry_at_ns.is_some_and(|at_ns| at_ns <= latest_ns)),
                    None => prop_assert!(refused.retry_at_ns.is_none_or(|at_ns| at_ns > clock)),
                }
            }
        }
        let mut now_ns = clock;
        for (by, key, what) in ops {
            now_ns = now_ns.saturating_add(by);
            match what {
                0 => drop(table.on_failure(now_ns, &key, &mut Words::new(1))),
                1 => drop(table.pop_ready(now_ns)),
                _ => drop(table.on_success(now_ns, &key)),
            }
            let again = BackoffTable::<u64>::restore(policy(Jitter::None), table.state());
            prop_assert_eq!(again.expect("its own state").state(), table.state());
        }
    }
}
