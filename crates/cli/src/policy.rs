//! Policy files, TOML or JSON: reads them through the core's checks and says where a mistake is and its fix.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::BreakerPolicy;
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::table::{BackoffTablePolicy, BreakerTablePolicy, RecoveryBudgetPolicy};
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use serde::Deserialize;

use crate::bare::bare_spans;
use crate::outline::Node;
use crate::{input, near, place};

/// Names each table of a policy file once.
macro_rules! tables {
    ($($name:ident: $policy:ty,)*) => {
        /// The tables of a policy file. One that a command does not use may be there, and is checked.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Policies {
            $(
                #[serde(default)]
                pub(crate) $name: Option<$policy>,
            )*
        }

        impl Policies {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            pub(crate) fn is_empty(&self) -> bool {
                $(self.$name.is_none())&&*
            }

            /// The tables that are there, by name, as journals write policies.
            pub(crate) fn tables(&self) -> serde_json::Result<Vec<(&'static str, String)>> {
                let mut tables = Vec::new();
                $(
                    if let Some(policy) = &self.$name {
                        tables.push((stringify!($name), serde_json::to_string(policy)?));
                    }
                )*
                Ok(tables)
            }
        }
    };
}

tables! {
    breaker: BreakerPolicy,
    backoff: BackoffPolicy,
    retry: RetryPolicy,
    retry_ratio: RetryRatioPolicy,
    retry_tokens: RetryTokensPolicy,
    adaptive_throttle: AdaptiveThrottlePolicy,
    reconnect: ReconnectPolicy,
    restart: RestartPolicy,
    health_probe: HealthProbePolicy,
    backoff_table: BackoffTablePolicy,
    breaker_table: BreakerTablePolicy,
    recovery_budget: RecoveryBudgetPolicy,
}

/// A policy file that was read and found good.
pub(crate) struct PolicyFile {
    /// As the user named it.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) policies: Policies,
    /// Where it is good, and probably not what its owner means.
    pub(crate) notes: Vec<String>,
}

/// What a policy file is written in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Toml,
    Json,
}

/// A policy is a page of text.
const LARGEST: usize = 1 << 20;

/// What is wrong, and which bytes of the text to point at.
pub(crate) struct Mistake {
    span: Range<usize>,
    what: String,
}

impl PolicyFile {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let format = match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => Format::Toml,
            Some("json") => Format::Json,
            _ => {
                return Err(anyhow!(
                    "{name}: found a file of unknown format, expected a policy file whose name ends in .toml or .json"
                ));
            }
        };
        Self::parse(name, input::read(path)?, format)
    }

    /// The policies in the bytes of a file.
    pub(crate) fn parse(name: String, bytes: Vec<u8>, format: Format) -> Result<Self> {
        if bytes.len() > LARGEST {
            return Err(anyhow!(
                "{name}: found {} bytes, expected a policy of at most {LARGEST}: is it the right file?",
                bytes.len()
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let what = "found bytes that are not UTF-8, expected UTF-8 text: convert the file";
            anyhow!(place::complaint_in(
                &name,
                error.as_bytes(),
                at..at + 1,
                what
            ))
        })?;
        let policies = read(&text, format).map_err(|mistake| {
            anyhow!(place::complaint_in(
                &name,
                text.as_bytes(),
                mistake.span,
                &mistake.what
            ))
        })?;
        let notes = bare_spans(&text, format, &policies);
        let notes = notes.into_iter().map(|note| format!("{name}, {note}"));
        Ok(Self {
            notes: notes.collect(),
            name,
            text,
            policies,
        })
    }

    /// The `[breaker]` table, which the command needs.
    pub(crate) fn breaker(&self) -> Result<&BreakerPolicy> {
        self.policies.breaker.as_ref().ok_or_else(|| {
            anyhow!(
                "{}:1:1: found no table [breaker], expected one: replay runs a breaker; `evenkeel policy new breaker` writes one to begin with",
                self.name
            )
        })
    }
}

/// The policies in a text.
pub(crate) fn read(text: &str, format: Format) -> Result<Policies, Mistake> {
    // First whether it is TOML or JSON at all: what is broken there comes before what it says.
    let (outline, policies) = match format {
        Format::Toml => (
            Node::of_toml(text).map_err(toml_mistake),
            toml::from_str(text).map_err(toml_mistake),
        ),
        Format::Json => (
            Node::of_json(text).map_err(|error| json_mistake(text, &error)),
            serde_json::from_str(text).map_err(|error| json_mistake(text, &error)),
        ),
    };
    match outline {
        Ok(outline) => match outline.list_for_table() {
            Some((path, list)) => Err(Mistake {
                span: list.span.clone(),
                what: format!("{path}found a list, expected a table"),
            }),
            None => policies.map_err(|raw| improved(text, &outline, format, raw)),
        },
        Err(raw) => Err(Mistake {
            what: format!("found broken {}: {}", format.name(), one_line(&raw.what)),
            span: raw.span,
        }),
    }
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

fn toml_mistake(error: toml::de::Error) -> Mistake {
    Mistake {
        span: error.span().unwrap_or(0..0),
        what: error.message().to_owned(),
    }
}

fn json_mistake(text: &str, error: &serde_json::Error) -> Mistake {
    let lines_before = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let at = lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let at = at.min(text.len());
    let what = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Mistake {
        span: at..at + 1,
        what: what.strip_suffix(&place).unwrap_or(&what).to_owned(),
    }
}

/// The same mistake, pointing at the very value and in the words of a policy file.
fn improved(text: &str, outline: &Node, format: Format, raw: Mistake) -> Mistake {
    let (path, rest) = raw.what.split_once(' ').unwrap_or((&raw.what, ""));
    let root = path.split(['.', '[']).next().unwrap_or("");
    if Policies::NAMES.contains(&root) {
        let (near, _) = outline.innermost(raw.span.start);
        let path = match table_within(&near, root) {
            Some(table) => format!("{table}{}", path.strip_prefix(root).unwrap_or("")),
            None => path.to_owned(),
        };
        return Mistake {
            span: outline.locate(&path).span.clone(),
            what: format!("{path} {rest}"),
        };
    }
    let (path, value) = outline.innermost(raw.span.start);
    let span = match format {
        Format::Toml => raw.span,
        // serde_json knows only where it stopped: in or just after the value, or after the key.
        Format::Json => ["unknown field `", "duplicate field `"]
            .iter()
            .find_map(|start| between(&raw.what, start, "`"))
            .and_then(|key| key_before(text, raw.span.start, key))
            .unwrap_or_else(|| value.span.clone()),
    };
    Mistake {
        what: reworded(&raw.what, &path),
        span,
    }
}

/// The table that an error of `[backoff]` or `[breaker]` means where it was read as a part of another, such as
/// `breaker_table.breaker`, and the core names it as if it stood alone. `near` is the path of the value where reading
/// stopped.
fn table_within<'a>(near: &'a str, root: &str) -> Option<&'a str> {
    let (table, inner) = near.split_once('.')?;
    if table == root || !["backoff", "breaker"].contains(&root) {
        return None;
    }
    let part = inner.split(['.', '[']).next().unwrap_or(inner);
    near.get(..table.len() + 1 + part.len())
}

/// serde's sentences about the value at `path` as: what was found, what was expected, and the fix.
pub(crate) fn reworded(what: &str, path: &str) -> String {
    if let Some(key) = between(what, "missing field `", "`") {
        let dot = if path.is_empty() { "" } else { "." };
        return format!("{path}{dot}{key} is missing: add it, it has no default");
    }
    match between(what, "unknown field `", "`") {
        // The path of an unknown table is its own name.
        Some(word) if word == path => found(what),
        _ if path.is_empty() => found(what),
        _ => format!("{path}: {}", found(what)),
    }
}

fn found(what: &str) -> String {
    if let Some(key) = between(what, "duplicate field `", "`") {
        return format!("found the key `{key}` twice, expected it once: leave one out");
    }
    for (start, kind) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        if let Some(word) = between(what, start, "`") {
            let expected = what.split_once("`, ").map_or("", |(_, rest)| rest);
            let candidates = expected.split('`').skip(1).step_by(2);
            let hint = near::hint(word, candidates);
            return format!("found the unknown {kind} `{word}`, {expected}{hint}");
        }
    }
    if what == "wanted string or table" {
        return "expected a value in quotes, or a table".to_owned();
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) = what
            .strip_prefix(start)
            .and_then(|rest| rest.split_once(", expected "))
        {
            return format!("found {found}, expected {}", plain(expected));
        }
    }
    one_line(what)
}

/// Rust's names of types mean nothing in a policy file.
fn plain(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number from 0 to 18446744073709551615",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

fn one_line(what: &str) -> String {
    what.split('\n')
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(", ")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(start)?
        .split_once(end)
        .map(|(middle, _)| middle)
}

/// Where the JSON key that ends at or before byte `end` stands, quotes included.
fn key_before(text: &str, end: usize, key: &str) -> Option<Range<usize>> {
    let quoted = serde_json::to_string(key).ok()?;
    let start = text.get(..(end + 1).min(text.len()))?.rfind(&quoted)?;
    Some(start..start + quoted.len())
}
