//! A call and its answer in a few words, whichever machine it is: by the names and shapes that their JSON has.

use evenkeel_replay::Change;

use super::clock::{Clock, span};
use super::tree::{Tree, quoted};
use crate::numbers;
use crate::text::label;

/// Longer values of users are cut.
const LONGEST_NAME: usize = 32;

/// A call: the method and its arguments.
pub(crate) fn call(op: &Tree, clock: Clock) -> String {
    match op.variant() {
        Some((method, arguments)) => with(clean(method), content(arguments, clock)),
        None => word(op, clock),
    }
}

/// An answer: which one, and what is in it. Changes are left out: [`change`] tells them.
pub(crate) fn answer(answer: &Tree, clock: Clock) -> String {
    match answer.variant() {
        Some(("transitions", Tree::List(made))) if made.is_empty() => "no change".to_owned(),
        Some(("transitions", _)) => "changed".to_owned(),
        Some(("done", inner)) if inner.get("end").is_some() => ended(inner, clock),
        Some((_, inner)) if told(inner).is_some() => told(inner)
            .map(|inner| self::answer(inner, clock))
            .unwrap_or_default(),
        // `{"attempt": {"attempt": 1, ..}}`: once is enough.
        Some((outer, inner)) if inner.get(outer).is_some() => content(inner, clock),
        // `{"receipt": {"counted": []}}`: the inner name says it.
        Some((_, inner)) if is_choice(inner) => self::answer(inner, clock),
        Some((outer, inner)) => with(clean(outer), content(inner, clock)),
        None => word(answer, clock),
    }
}

/// What is left of a step or a report where transitions are told as changes: `{"action": .., "transitions": []}`.
fn told(tree: &Tree) -> Option<&Tree> {
    let Tree::Table(entries) = tree else {
        return None;
    };
    match entries.as_slice() {
        [(name, value), (rest, _)]
            if matches!(name.as_str(), "action" | "reported") && rest == "transitions" =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// How an operation ended: `succeeded`, or `ended: breaker-open (open), retry at 1 s`.
fn ended(done: &Tree, clock: Clock) -> String {
    let Some(end) = done.get("end") else {
        return content(done, clock);
    };
    let said = match end.variant() {
        None => word(end, clock),
        Some((name, why)) => {
            let name = clean(name);
            match (why.get("reason").or_else(|| why.get("limit")), why) {
                (Some(reason), Tree::Table(entries)) => {
                    let rest: Vec<_> = entries
                        .iter()
                        .filter(|(name, _)| !matches!(name.as_str(), "reason" | "limit"))
                        .cloned()
                        .collect();
                    let first = format!("{name} ({})", answer(reason, clock));
                    let rest = fields(&rest, clock);
                    let parts = [first, rest].into_iter().filter(|part| !part.is_empty());
                    parts.collect::<Vec<_>>().join(", ")
                }
                _ => with(name, content(why, clock)),
            }
        }
    };
    match said.as_str() {
        "succeeded" => said,
        _ => format!("ended: {said}"),
    }
}

/// `closed -> open (consecutive)`, and when, if that is not the instant of the call.
pub(crate) fn change(change: &Change, t_ns: u64, clock: Clock) -> String {
    let Change {
        at_ns,
        from,
        to,
        cause,
    } = change;
    let when = match *at_ns == t_ns {
        true => String::new(),
        false => format!(", at {}", clock.text(*at_ns)),
    };
    format!("{from} -> {to} ({cause}{when})")
}

/// The words that a call drew, as what they are used as: fractions of a range.
pub(crate) fn words(words: &[u64]) -> String {
    let fraction = |word: &u64| format!("0.{:04}", (u128::from(*word) * 10_000) >> 64);
    match words {
        [] => String::new(),
        words => format!(
            "drew {}",
            words.iter().map(fraction).collect::<Vec<_>>().join(" ")
        ),
    }
}

/// Whether this is one of several things, such as `{"wait-until": {..}}`, and not a table with a single key.
fn is_choice(tree: &Tree) -> bool {
    let of = |inner: &Tree| matches!(inner, Tree::Table(_) | Tree::List(_));
    tree.variant()
        .is_some_and(|(name, inner)| of(inner) && !name.contains('_'))
}

fn with(name: String, rest: String) -> String {
    match rest.is_empty() {
        true => name,
        false => format!("{name} {rest}"),
    }
}

/// What stands behind a name.
fn content(tree: &Tree, clock: Clock) -> String {
    if let Some(("Ok", inner)) = tree.variant() {
        return with("ok".to_owned(), content(inner, clock));
    }
    if let Some(("Err", inner)) = tree.variant() {
        return with("no".to_owned(), content(inner, clock));
    }
    match tree {
        Tree::Table(entries) => match id(tree).or_else(|| ratio(tree)) {
            Some(short) => short,
            None => fields(entries, clock),
        },
        _ => word(tree, clock),
    }
}

fn fields(entries: &[(String, Tree)], clock: Clock) -> String {
    // An attempt's number, where it is that of its id.
    let is_told = |name: &str, value: &Tree| {
        let attempt = entries.iter().find(|(name, _)| name == "attempt");
        name == "number" && attempt.is_some_and(|(_, id)| id == value)
    };
    let said: Vec<String> = entries
        .iter()
        .filter(|(name, value)| !is_told(name, value))
        .filter_map(|(name, value)| field(name, value, clock))
        .filter(|said| !said.is_empty())
        .collect();
    said.join(", ")
}

/// A key and its value; `None` where that says nothing, or is told as a change.
fn field(name: &str, value: &Tree, clock: Clock) -> Option<String> {
    if matches!(name, "transitions" | "change") {
        return None;
    }
    let spoken = |suffix: &str| clean(&name.trim_end_matches(suffix).replace('_', " "));
    Some(match value {
        Tree::Null => return None,
        Tree::List(items) if items.is_empty() => return None,
        Tree::Number(ns) if name == "at_ns" || name == "until_ns" || name.ends_with("_at_ns") => {
            format!("{} {}", spoken("_ns"), clock.text(*ns))
        }
        // What takes time here are calls.
        Tree::Number(ns) if name == "latency_ns" => span(*ns),
        Tree::Number(ns) if name.ends_with("_ns") => format!("{} {}", spoken("_ns"), span(*ns)),
        Tree::Number(milli) if name.ends_with("_milli") => {
            let amount = numbers::thousandths(u128::from(*milli));
            format!("{} {amount}", spoken("_milli"))
        }
        Tree::Text(text) if name == "key" => format!("key {}", quoted(&label(text, LONGEST_NAME))),
        Tree::Text(text) if name == "by" => format!("by {}", clean(text)),
        // The machines' own words speak for themselves.
        Tree::Text(text) => clean(text),
        Tree::Table(_) if is_choice(value) => answer(value, clock),
        Tree::Table(entries) if matches!(name, "refusal" | "answer" | "lent") => {
            fields(entries, clock)
        }
        Tree::Table(entries) => match id(value).or_else(|| ratio(value)) {
            Some(id) => format!("{} {id}", spoken("")),
            None => match fields(entries, clock) {
                inner if inner.is_empty() => inner,
                inner => format!("{} ({inner})", spoken("")),
            },
        },
        _ => format!("{} {}", spoken(""), word(value, clock)),
    })
}

fn word(tree: &Tree, clock: Clock) -> String {
    match tree {
        Tree::Text(text) => clean(text),
        Tree::Null => String::new(),
        Tree::List(items) => match items.as_slice() {
            [] => String::new(),
            // Transitions: told as changes.
            [first, ..] if first.get("cause").is_some() => String::new(),
            _ => format!("[{}]", numbers::counted(items.len() as u64, "value")),
        },
        Tree::Table(entries) => fields(entries, clock),
        _ => tree.to_string(),
    }
}

/// A permit: three numbers.
fn id(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Table(entries) if entries.len() == 3 => {
            let [generation, tag, number] =
                ["generation", "tag", "number"].map(|name| match tree.get(name) {
                    Some(Tree::Number(number)) => Some(number),
                    _ => None,
                });
            Some(format!("{}.{}.{}", generation?, tag?, number?))
        }
        _ => None,
    }
}

fn ratio(tree: &Tree) -> Option<String> {
    match (tree.get("numerator"), tree.get("denominator")) {
        (Some(numerator), Some(denominator)) => Some(format!("{numerator}/{denominator}")),
        _ => None,
    }
}

fn clean(text: &str) -> String {
    label(text, LONGEST_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_answers_are_said_in_a_few_words() {
        let clock = Clock::since(1_000_000_000);
        let calls = [
            (r#""try_acquire""#, "try_acquire"),
            (r#"{"try_acquire":{"key":5}}"#, "try_acquire key 5"),
            (
                r#"{"try_acquire":{"key":"a\u001bb"}}"#,
                "try_acquire key \"a\u{fffd}b\"",
            ),
            (
                r#"{"on_outcome":{"permit":{"generation":4,"tag":9,"number":1},"outcome":"failure","latency_ns":62000}}"#,
                "on_outcome permit 4.9.1, failure, 62 µs",
            ),
            (
                r#"{"on_outcome":{"outcome":{"overloaded":{"retry_at_ns":3500000000}},"latency_ns":1}}"#,
                "on_outcome overloaded retry at 2.5 s, 1 ns",
            ),
            (
                r#"{"give_back":{"withdrawal":{"amount_milli":1500,"slice":7}}}"#,
                "give_back withdrawal (amount 1.5, slice 7)",
            ),
            (
                r#"{"poll":{"lent":{"breaker":1,"budget":2}}}"#,
                "poll breaker 1, budget 2",
            ),
        ];
        for (json, said) in calls {
            assert_eq!(call(&Tree::of(json), clock), said);
        }
        let answers = [
            (r#"{"receipt":{"counted":[]}}"#, "counted"),
            (
                r#"{"granted":{"permit":{"generation":0,"tag":9,"number":0},"would_refuse":null,"transitions":[{"cause":1}]}}"#,
                "granted permit 0.9.0",
            ),
            (
                r#"{"refused":{"refusal":{"reason":"open","retry_at_ns":2000000000},"transitions":[]}}"#,
                "refused open, retry at 1 s",
            ),
            (
                r#"{"action":{"wait-until":{"at_ns":1500000000}}}"#,
                "wait-until at 0.5 s",
            ),
            (r#"{"peek":{"Ok":null}}"#, "peek ok"),
            (r#"{"cleared":false}"#, "cleared false"),
            (r#"{"phase":"open"}"#, "phase open"),
            (
                r#"{"refused":{"reason":{"probability":{"numerator":7,"denominator":11}},"retry_at_ns":null}}"#,
                "refused probability 7/11",
            ),
            (
                r#"{"step":{"action":{"done":{"end":"succeeded"}},"transitions":[]}}"#,
                "succeeded",
            ),
            (
                r#"{"step":{"action":{"attempt":{"attempt":2,"number":2,"timeout_at_ns":1800000000,"would_refuse":null}},"transitions":[]}}"#,
                "attempt 2, timeout at 0.8 s",
            ),
            (
                r#"{"step":{"action":{"done":{"end":{"breaker-open":{"reason":"open","retry_at_ns":3000000000}}}},"transitions":[]}}"#,
                "ended: breaker-open (open), retry at 2 s",
            ),
            (
                r#"{"step":{"action":{"done":{"end":{"exhausted":{"limit":"retries"}}}},"transitions":[]}}"#,
                "ended: exhausted (retries)",
            ),
            (
                r#"{"step":{"action":{"done":{"end":"deadline"}},"transitions":[]}}"#,
                "ended: deadline",
            ),
            (
                r#"{"step":{"action":{"wait-until":{"at_ns":1500000000}},"transitions":[]}}"#,
                "wait-until at 0.5 s",
            ),
            (
                r#"{"report":{"reported":"counted","transitions":[]}}"#,
                "counted",
            ),
        ];
        for (json, said) in answers {
            assert_eq!(answer(&Tree::of(json), clock), said);
        }
        assert_eq!(words(&[1 << 63, u64::MAX]), "drew 0.5000 0.9999");
    }
}
