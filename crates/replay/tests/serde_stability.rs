//! How each call and each answer is written. Journals outlast the program that wrote them: a line that is no longer
//! read and written byte for byte as it stands here breaks all that there are. A new variant needs a line; a changed
//! line is a breaking change, and another version of the format.
#![cfg(feature = "std")]

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_replay::any::{AnyAnswer, AnyOp, Kind};
use serde::Serialize;
use serde_json::Value;

#[path = "serde_stability/drivers.rs"]
mod drivers;
#[path = "serde_stability/estimators.rs"]
mod estimators;
#[path = "serde_stability/gates.rs"]
mod gates;
#[path = "serde_stability/tables.rs"]
mod tables;

/// How the calls and answers of one kind are written.
struct Lines {
    kind: Kind,
    ops: &'static [&'static str],
    answers: &'static [&'static str],
}

fn all() -> impl Iterator<Item = &'static Lines> {
    let groups = [
        drivers::LINES,
        estimators::LINES,
        gates::LINES,
        tables::LINES,
    ];
    groups.into_iter().flatten()
}

/// A call, or an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Op,
    Answer,
}

impl Lines {
    fn of(&self, role: Role) -> &'static [&'static str] {
        match role {
            Role::Op => self.ops,
            Role::Answer => self.answers,
        }
    }
}

/// Reads it and writes it again.
fn again(kind: Kind, role: Role, text: &str) -> serde_json::Result<String> {
    match role {
        Role::Op => written(&AnyOp::read(kind, text)?),
        Role::Answer => written(&AnyAnswer::read(kind, text)?),
    }
}

fn written(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

#[test]
fn every_kind_has_its_lines() {
    let mut kinds: Vec<Kind> = all().map(|lines| lines.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, Kind::ALL);
}

#[test]
fn every_line_is_written_as_it_was_read() {
    for lines in all() {
        for role in [Role::Op, Role::Answer] {
            for text in lines.of(role) {
                let again = again(lines.kind, role, text);
                let again =
                    again.unwrap_or_else(|error| panic!("{:?}: {error}: {text}", lines.kind));
                assert_eq!(again, *text, "{:?}", lines.kind);
            }
        }
    }
}

/// The names of an enum's variants, which the refusal of a name that is none tells.
fn expected(error: &str) -> Option<Vec<String>> {
    let names = error.strip_prefix("unknown variant `?`, expected ")?;
    Some(
        names
            .split('`')
            .skip(1)
            .step_by(2)
            .map(Into::into)
            .collect(),
    )
}

/// The name of the variant, if the value is one of an enum.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(fields) if fields.len() == 1 => fields.keys().next().cloned(),
        _ => None,
    }
}

/// Everything within a value, itself first.
fn places(value: &Value, at: &str, show: &mut dyn FnMut(&str, &Value)) {
    show(at, value);
    match value {
        Value::Array(values) => {
            let each = values.iter().enumerate();
            each.for_each(|(i, value)| places(value, &format!("{at}/{i}"), show));
        }
        Value::Object(fields) => {
            let each = fields.iter();
            each.for_each(|(name, value)| places(value, &format!("{at}/{name}"), show));
        }
        _ => {}
    }
}

/// Each enum that is met within the line: the names of its variants, and the one that stands there.
fn enums(kind: Kind, role: Role, text: &str) -> Vec<(Vec<String>, String)> {
    let value: Value = serde_json::from_str(text).expect("each line is JSON");
    let mut found = Vec::new();
    places(&value, "", &mut |at, part| {
        let Some(name) = name(part) else { return };
        let mut other = value.clone();
        *other.pointer_mut(at).expect("it was found there") = Value::from("?");
        let refused = again(kind, role, &other.to_string()).err();
        let names = refused.and_then(|error| expected(&error.to_string()));
        found.extend(
            names
                .filter(|names| names.contains(&name))
                .map(|names| (names, name)),
        );
    });
    found
}

#[test]
fn every_call_and_answer_has_a_line() {
    for lines in all() {
        for role in [Role::Op, Role::Answer] {
            let refused = again(lines.kind, role, r#""?""#).expect_err("no such variant");
            let names = expected(&refused.to_string()).expect("serde tells the names");
            let names: BTreeSet<String> = names.into_iter().collect();
            let values = lines.of(role).iter().map(|text| serde_json::from_str(text));
            let there = values.filter_map(|value| name(&value.expect("JSON")));
            assert_eq!(
                there.collect::<BTreeSet<_>>(),
                names,
                "{:?} {role:?}",
                lines.kind
            );
        }
    }
}

/// Reasons, causes, phases and whatever else calls and answers are made of: each variant stands in some line.
#[test]
fn every_variant_within_has_a_line() {
    let mut met: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for lines in all() {
        for role in [Role::Op, Role::Answer] {
            for text in lines.of(role) {
                for (names, name) in enums(lines.kind, role, text) {
                    met.entry(names).or_default().insert(name);
                }
            }
        }
    }
    let missing: Vec<String> = met
        .into_iter()
        .flat_map(|(names, there)| {
            let without = names.iter().filter(|name| !there.contains(*name));
            let told = without.map(|name| format!("{name} of {names:?}"));
            told.collect::<Vec<_>>()
        })
        .collect();
    assert!(missing.is_empty(), "no line has\n{}", missing.join("\n"));
}

/// What is `null` or empty in one line has its full form in another: else nobody knows how that is written.
#[test]
fn nothing_is_always_empty() {
    let mut full: BTreeMap<String, bool> = BTreeMap::new();
    for lines in all() {
        for role in [Role::Op, Role::Answer] {
            for text in lines.of(role) {
                let value = serde_json::from_str(text).expect("each line is JSON");
                places(&value, "", &mut |at, part| {
                    let names = at.split('/').filter(|name| name.parse::<u64>().is_err());
                    let at = format!(
                        "{:?} {role:?} {}",
                        lines.kind,
                        names.collect::<Vec<_>>().join("/")
                    );
                    let is_empty = part.is_null() || part.as_array().is_some_and(Vec::is_empty);
                    // A result without a value is always empty.
                    let is_full = !is_empty || at.ends_with("/ok");
                    *full.entry(at).or_default() |= is_full;
                });
            }
        }
    }
    let empty: Vec<_> = full
        .iter()
        .filter(|(_, full)| !**full)
        .map(|(at, _)| at)
        .collect();
    assert!(empty.is_empty(), "{empty:#?}");
}
