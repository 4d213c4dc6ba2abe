//! Where a stored state can be damaged.

use serde_json::Value;

/// The paths to everything in a JSON value, itself first.
pub(crate) fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    add(value, "", &mut found);
    found
}

fn add(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    let mut child = |name: &str, item| add(item, &format!("{path}/{name}"), found);
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, item)| child(&at.to_string(), item));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, item)| child(name, item)),
        _ => {}
    }
}
