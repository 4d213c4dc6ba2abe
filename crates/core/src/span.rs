//! Spans of time as policy files write them: `"250ms"`, `"1m30s"`, `"1.5s"`, exact to the nanosecond.

use core::fmt;
use core::time::Duration;

use crate::decimal;
use crate::error::{ConfigError, Problem};

/// The units, largest first, in nanoseconds. Display uses the first name of each.
const UNITS: [(&[&str], u64); 7] = [
    (&["d"], 86_400_000_000_000),
    (&["h"], 3_600_000_000_000),
    (&["m", "min"], 60_000_000_000),
    (&["s"], 1_000_000_000),
    (&["ms"], 1_000_000),
    (&["us", "µs"], 1_000),
    (&["ns"], 1),
];

/// Reads `"250ms"`, `"1m30s"` or `"1.5s"`: numbers, each with a unit of `ns us ms s m h d`.
///
/// # Errors
/// When the text is no such span, is finer than a nanosecond, or is above 2^64 ns.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::span;
///
/// assert_eq!(span::parse("1m 30s"), Ok(Duration::from_secs(90)));
/// assert_eq!(span::parse("1.5s"), Ok(Duration::from_millis(1500)));
/// assert!(span::parse("250").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, ConfigError> {
    nanos(text)
        .map(Duration::from_nanos)
        .ok_or(ConfigError::new(
            "span",
            "",
            Problem::Unreadable {
                expected: "a span such as \"250ms\", \"1m30s\" or \"1.5s\"",
            },
        ))
}

fn nanos(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.')?;
        let after = after.trim_start();
        let (unit, after) =
            split_where(after, |c| c.is_ascii_digit() || c.is_whitespace()).unwrap_or((after, ""));
        let (_, unit_ns) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        let (num, den) = decimal::number(number)?;
        let product = u128::from(num).checked_mul(u128::from(*unit_ns))?;
        if product.checked_rem(u128::from(den))? != 0 {
            return None;
        }
        let ns = u64::try_from(product.checked_div(u128::from(den))?).ok()?;
        total = Some(ns.checked_add(total.unwrap_or(0))?);
        rest = after.trim_start();
    }
    total
}

fn split_where(text: &str, boundary: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(boundary)?)
}

/// `span` in the largest unit that divides it: `250ms`, `90s`, `0s`. [`parse`] reads it back, up to 2^64 ns.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::span;
///
/// assert_eq!(span::text(Duration::from_secs(90)).to_string(), "90s");
/// assert_eq!(span::text(Duration::from_secs(120)).to_string(), "2m");
/// ```
pub fn text(span: Duration) -> impl fmt::Display {
    Text(span)
}

struct Text(Duration);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        if ns == 0 {
            return f.write_str("0s");
        }
        for (names, unit_ns) in UNITS {
            let unit_ns = u128::from(unit_ns);
            if ns.checked_rem(unit_ns) == Some(0) {
                let count = ns.checked_div(unit_ns).unwrap_or(0);
                return write!(f, "{count}{}", names.first().unwrap_or(&""));
            }
        }
        Ok(())
    }
}
