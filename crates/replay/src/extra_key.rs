//! Keys of a recorded value that mean nothing: whoever wrote them meant something that was not read.

use serde::Serialize;
use serde_json::Value;

use crate::journal::{Damage, Place};

/// Looks for a key in `text` that is not written for the value that was read from it. `null` may stand for a key that
/// is left out, where one may be.
pub(crate) fn refuse(
    place: Place,
    what: &str,
    text: &str,
    read: &impl Serialize,
    null_is_absent: bool,
) -> Result<(), Damage> {
    let unwritable = |error: serde_json::Error| Damage::at(place, error.to_string());
    let recorded = serde_json::from_str(text).map_err(unwritable)?;
    let written = serde_json::to_value(read).map_err(unwritable)?;
    match find(&recorded, &written, null_is_absent) {
        Some(path) => Err(Damage::at(
            place,
            format!("unknown key `{path}` in the {what}"),
        )),
        None => Ok(()),
    }
}

/// The path of the first such key. Values that are not alike are two ways to write the same: no keys to compare.
fn find(recorded: &Value, written: &Value, null_is_absent: bool) -> Option<String> {
    match (recorded, written) {
        (Value::Object(recorded), Value::Object(written)) => {
            recorded.iter().find_map(|(key, value)| {
                let Some(written) = written.get(key) else {
                    return (!null_is_absent || !value.is_null()).then(|| key.clone());
                };
                find(value, written, null_is_absent).map(|path| format!("{key}.{path}"))
            })
        }
        (Value::Array(recorded), Value::Array(written)) => recorded
            .iter()
            .zip(written)
            .enumerate()
            .find_map(|(index, (value, written))| {
                find(value, written, null_is_absent).map(|path| format!("{index}.{path}"))
            }),
        _ => None,
    }
}
