//! Damages a policy or a state: another value in one place of its JSON.

use evenkeel_replay::generate::Pick;
use serde_json::{Map, Value, json};

#[path = "../../core/tests/common/places.rs"]
mod places;

/// The numbers at which counts, spans and instants break.
const ENDS: [u64; 10] = [
    0,
    1,
    2,
    64,
    u32::MAX as u64,
    1 << 32,
    1 << 62,
    (1 << 62) + 1,
    u64::MAX - 1,
    u64::MAX,
];
/// Words of policies and states: one may stand where another does.
const WORDS: [&str; 12] = [
    "none",
    "full",
    "equal",
    "decorrelated",
    "up",
    "down",
    "normal",
    "forced-open",
    "due",
    "0",
    "1/3",
    "100%",
];

/// Puts something else in some place of `value`.
pub(crate) fn damage(value: &mut Value, pick: &mut Pick) {
    let places = places::places(value);
    let place = &places[pick.below(places.len() as u64) as usize];
    if let Some(there) = value.pointer_mut(place) {
        *there = other(there, pick);
    }
}

/// Something else in the place of `value`, mostly of the same kind.
fn other(value: &Value, pick: &mut Pick) -> Value {
    let number = value.as_u64().unwrap_or(0);
    match (value, pick.below(8)) {
        (_, 0) => Value::Null,
        (Value::Array(items), _) => others(items, pick),
        (Value::Object(fields), 1) => {
            Value::Object(fields.iter().skip(1).map(owned).collect::<Map<_, _>>())
        }
        (Value::Bool(yes), _) => json!(!yes),
        (Value::String(_), 1..=5) => json!(pick.of(&WORDS)),
        (_, 1 | 2) => json!(number.wrapping_add(1)),
        (_, 3) => json!(number.wrapping_sub(1)),
        (_, 4) => json!(pick.of(&ENDS)),
        (_, 5) => json!(number ^ (1 << pick.below(64))),
        _ => json!(pick.sized(64)),
    }
}

/// Another row: one less, one twice, two exchanged, or none.
fn others(items: &[Value], pick: &mut Pick) -> Value {
    let mut items = items.to_vec();
    let at = pick.below(items.len() as u64) as usize;
    match (pick.below(5), items.get(at).cloned()) {
        (0, Some(item)) => items.insert(at, item),
        (1, Some(_)) => drop(items.remove(at)),
        (2, Some(_)) => items.swap(at, 0),
        (3, _) => items.clear(),
        _ => items.push(json!(pick.of(&ENDS))),
    }
    Value::Array(items)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
