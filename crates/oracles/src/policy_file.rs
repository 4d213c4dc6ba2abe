//! Policy files: any bytes are refused with a place in them, or are policies that come back the same from their JSON.

use std::fmt::Write;

use crate::policy::{Format, PolicyFile};

/// Reads a policy file: JSON if it begins with `{`, else TOML.
///
/// # Panics
/// If a complaint names no place of the file, or policies do not come back as they were from their own JSON.
pub fn policy(data: &[u8]) {
    let (format, name) = if data.starts_with(b"{") {
        (Format::Json, "p.json")
    } else {
        (Format::Toml, "p.toml")
    };
    match PolicyFile::parse(name.to_owned(), data.to_vec(), format) {
        Err(error) => place_in(&error.to_string(), name, data),
        Ok(file) => {
            let tables = file.policies.tables().expect("a policy is JSON");
            let mut json = String::from("{");
            for (at, (table, policy)) in tables.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let _ = write!(json, "{comma}\"{table}\":{policy}");
            }
            json.push('}');
            let again = PolicyFile::parse("again.json".to_owned(), json.into_bytes(), Format::Json);
            let again = again.unwrap_or_else(|error| panic!("its own JSON is refused: {error}"));
            assert_eq!(again.policies, file.policies, "policies written and read");
        }
    }
}

/// A complaint begins with `name:line:column: `, and the line is there.
pub(crate) fn place_in(complaint: &str, name: &str, text: &[u8]) {
    let place = complaint
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':'));
    let mut numbers = place.unwrap_or("").split(':').map(str::parse::<usize>);
    let (Some(Ok(line)), Some(Ok(column))) = (numbers.next(), numbers.next()) else {
        panic!("no place in: {complaint}");
    };
    // A trace may end its lines with either, or both.
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(
        (1..=lines.max(2)).contains(&line),
        "no line {line} of {lines}: {complaint}"
    );
    assert!(column >= 1, "{complaint}");
}
