//! Stored states that somebody has changed.

use evenkeel_core::breaker::Phase;
use evenkeel_core::table::{BreakerTable, BreakerTableState};
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
