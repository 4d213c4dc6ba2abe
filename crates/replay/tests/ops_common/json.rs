//! Values as JSON.

use core::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it can be written")
}

/// Written and read.
pub(crate) fn thawed<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = text(value);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

pub(crate) fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(thawed(value), *value);
    // A reader that looks before it knows the type: no number is too large for it.
    let value_of = serde_json::to_value(value).expect("any reader can hold it");
    let read: T = serde_json::from_value(value_of).expect("it is the same to any reader");
    assert_eq!(read, *value);
}

/// The name of a variant in JSON.
pub(crate) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value).expect("it can be written") {
        serde_json::Value::Object(fields) => fields.keys().next().expect("one field").clone(),
        other => other.as_str().expect("a name").to_owned(),
    }
}

/// What this text says, which is how it would be written.
pub(crate) fn reads<T: Serialize + DeserializeOwned>(given: &str) -> T {
    let value = serde_json::from_str(given).unwrap_or_else(|error| panic!("{error} in {given}"));
    assert_eq!(text(&value), given);
    value
}
