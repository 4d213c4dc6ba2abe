//! Stored states that somebody has changed.

use evenkeel_core::breaker::Phase;
use evenkeel_core::table::{AnsweredBy, BreakerTable, BreakerTableState};
use serde_json::{Value, json};

use crate::facts::{fail, table};

fn stored() -> Value {
    let mut table = table(2, 1_000);
    for key in [7, 8, 9] {
        let _ = fail(&mut table, key, key);
    }
    serde_json::to_value(table.state()).expect("JSON")
}

fn restore(value: Value) -> Result<BreakerTable<u64>, String> {
    let state: BreakerTableState<u64> =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    BreakerTable::restore(*table(2, 1_000).policy(), state).map_err(|error| error.to_string())
}

#[test]
fn its_own_state_reads_back() {
    let table = restore(stored()).expect("its own state");
    assert_eq!(serde_json::to_value(table.state()).expect("JSON"), stored());
    assert_eq!(table.overflow_phase(9), Phase::Open);
}

/// Their permits could not be told apart.
#[test]
fn two_keys_of_one_stay_are_refused_with_one_tag_too() {
    let mut value = stored();
    let first = value["keys"][0]["entry"].clone();
    value["keys"][1]["entry"]["stay"] = first["stay"].clone();
    value["keys"][1]["entry"]["state"]["tag"] = first["state"]["tag"].clone();
    let error = restore(value).map(|_| ()).expect_err("one stay");
    assert!(error.contains("two breakers have one tag"), "{error}");
}

/// Tags are 32 bits: those of the overflow breaker and of breakers that nobody tagged are left out as stays go by.
#[test]
fn a_key_that_comes_after_four_billion_others_has_a_breaker_that_hears_of_its_calls() {
    let mut value = stored();
    value["stays"] = json!((1_u64 << 32) - 3);
    let mut table = restore(value).expect("a long life");
    // Those of the file, and each of these before the next, are forgotten by then.
    for key in [1, 2, 3] {
        let now_ns = 2_000 * key;
        assert_eq!(fail(&mut table, now_ns, key), AnsweredBy::Key);
        assert_eq!(table.phase(now_ns, &key), Phase::Open, "key {key}");
    }
}

#[test]
fn what_contradicts_itself_or_the_policy_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 13] = [
        ("version", |v| v["version"] = json!(3)),
        ("twice", |v| v["keys"][1]["key"] = json!(7)),
        ("more keys", |v| {
            let kept = v["keys"][1].clone();
            v["keys"].as_array_mut().unwrap().push(kept);
        }),
        ("later instant", |v| {
            v["keys"][1]["entry"]["last_ns"] = json!(10);
        }),
        ("later instant", |v| v["clock"] = json!(7)),
        ("one tag", |v| {
            v["keys"][1]["entry"]["state"]["tag"] = v["keys"][0]["entry"]["state"]["tag"].clone();
        }),
        ("another stay", |v| {
            v["keys"][1]["entry"]["stay"] = v["keys"][0]["entry"]["stay"].clone();
        }),
        ("has not been", |v| v["stays"] = json!(1)),
        ("nobody set", |v| {
            v["overflow"]["state"]["mode"] = json!("observe");
        }),
        ("nobody set", |v| {
            v["overflow"]["state"]["mode"] = json!("forced-open");
        }),
        ("can have been", |v| v["stays"] = json!(u64::MAX)),
        ("tag of a key", |v| v["overflow"]["state"]["tag"] = json!(5)),
        ("longer than the policy", |v| {
            v["keys"][1]["entry"]["state"]["stage"] = json!({ "open": { "until_ns": u64::MAX } });
        }),
    ];
    for (word, change) in changes {
        let mut value = stored();
        change(&mut value);
        let error = restore(value).map(|_| ()).expect_err(word);
        assert!(error.contains(word), "{word}: {error}");
    }
}
