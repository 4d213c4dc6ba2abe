//! A starter is a policy, it has every key, and what it calls a default is the default.

use super::*;
use crate::policy::{Format, PolicyFile};

#[track_caller]
fn policies(text: &str) -> Policies {
    let file = PolicyFile::parse("starter".to_owned(), text.into(), Format::Toml);
    file.unwrap_or_else(|error| panic!("{error}\n{text}"))
        .policies
}

/// What the comment above line `at` says, as one line.
fn comment_above(lines: &[&str], at: usize) -> String {
    let is_key = |line: &&&str| line.starts_with("#:");
    let above = lines[..at].iter().rev();
    let mut comment: Vec<&str> = above
        .skip_while(is_key)
        .take_while(|line| line.starts_with('#') && !line.starts_with("#:"))
        .map(|line| line.trim_start_matches(['#', ' ']))
        .collect();
    comment.reverse();
    comment.join(" ")
}

#[test]
fn there_is_a_starter_for_each_table_and_it_has_only_that() {
    let names: Vec<&str> = STARTERS.iter().map(|(table, _)| *table).collect();
    assert_eq!(names, Policies::NAMES);
    for (table, starter) in STARTERS {
        let tables = policies(starter).tables().expect("they can be written");
        let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [*table]);
    }
    let all: Vec<String> = names.into_iter().rev().map(str::to_owned).collect();
    let whole = policies(&text(&all));
    assert_eq!(whole.tables().expect("written").len(), STARTERS.len());
}

/// Each key is explained; a key behind `#:` can be set, and changes nothing where it is called a default.
#[test]
fn a_default_is_the_default() {
    let (mut defaults, mut others) = (0, 0);
    for (table, starter) in STARTERS {
        let lines: Vec<&str> = starter.lines().collect();
        let as_it_is = policies(starter);
        for (at, line) in lines.iter().enumerate() {
            let Some(key) = line.strip_prefix("#:") else {
                continue;
            };
            let mut set = lines.clone();
            set[at] = key;
            let set = policies(&(set.join("\n") + "\n"));
            let comment = comment_above(&lines, at);
            let is_default = comment.contains("Default: ");
            assert_ne!(
                is_default,
                comment.contains("No default"),
                "[{table}] {key}: {comment}"
            );
            assert_eq!(set == as_it_is, is_default, "[{table}] {key}: {comment}");
            match is_default {
                true => defaults += 1,
                false => others += 1,
            }
        }
    }
    assert!(defaults > 40 && others > 3, "{defaults} {others}");
}

#[test]
fn each_key_that_is_set_says_whether_it_must_be() {
    for (table, starter) in STARTERS {
        let lines: Vec<&str> = starter.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_key = line.contains(" = ") && !line.starts_with('#');
            // The keys of a trigger are explained together.
            if !is_key || lines[at - 1].contains(" = ") {
                continue;
            }
            let comment = comment_above(&lines, at);
            let said = ["Required", "Default: ", "No default"];
            let said = said.iter().any(|words| comment.contains(words));
            assert!(said, "[{table}] {line}: {comment}");
        }
    }
}

/// The keys that a table may have, as its error lists them.
#[test]
fn no_key_is_left_out() {
    let complaint = |text: &str| {
        let file = PolicyFile::parse("starter".to_owned(), text.into(), Format::Toml);
        let Err(error) = file else {
            panic!("it has an unknown key:\n{text}")
        };
        error.to_string()
    };
    for (table, starter) in STARTERS {
        // In each of its tables an unknown key.
        let headers = starter.lines().filter(|line| line.starts_with('['));
        for header in headers {
            let broken = starter.replacen(header, &format!("{header}\nnokey = 1"), 1);
            let said = complaint(&broken);
            let expected = said.split("expected one of ").nth(1).expect(&said);
            let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            assert!(keys.len() >= 2, "{said}");
            for key in keys {
                // Limits that a backoff inside another table may not have, or seldom has.
                let limit = ["max_retries", "max_total_wait"].contains(&key);
                let inner = header.ends_with(".backoff]") || header.ends_with(".open]");
                let is_breaker = ["window", "ramp"].contains(&key);
                let elsewhere = (limit && inner)
                    || (is_breaker && header == "[breaker_table.breaker]")
                    || key == "step";
                assert!(
                    starter.contains(key) || elsewhere,
                    "[{table}] {header}: {key}"
                );
            }
        }
    }
}
