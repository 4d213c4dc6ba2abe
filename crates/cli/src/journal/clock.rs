//! The times of a journal as people read them: seconds since its first call.

use crate::numbers;

/// Where the time of a journal begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// The first call; `None` before it.
    origin_ns: Option<u64>,
}

/// As wide as the point of [`Clock::aligned`] and what may follow it.
const DECIMALS: usize = 10;
/// As wide as seconds are before they push the columns apart.
const WHOLE: usize = 5;

impl Clock {
    /// Time since this instant.
    pub(crate) fn since(origin_ns: u64) -> Self {
        Self {
            origin_ns: Some(origin_ns),
        }
    }

    /// The first instant that it sees is where it begins.
    pub(crate) fn begin(&mut self, t_ns: u64) {
        self.origin_ns.get_or_insert(t_ns);
    }

    /// The instant where it begins.
    pub(crate) fn origin_ns(self) -> u64 {
        self.origin_ns.unwrap_or(0)
    }

    /// Nanoseconds since the first call; less than nothing where time ran backwards.
    pub(crate) fn offset_ns(self, t_ns: u64) -> i128 {
        i128::from(t_ns) - i128::from(self.origin_ns())
    }

    /// Seconds to the last nanosecond, `12.5`, in groups of three decimals.
    pub(crate) fn seconds(self, t_ns: u64) -> String {
        let offset = self.offset_ns(t_ns);
        let sign = if offset < 0 { "-" } else { "" };
        let ns = offset.unsigned_abs();
        let (whole, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
        match rest {
            0 => format!("{sign}{whole}.000"),
            _ if rest.is_multiple_of(1_000_000) => format!("{sign}{whole}.{:03}", rest / 1_000_000),
            _ if rest.is_multiple_of(1_000) => format!("{sign}{whole}.{:06}", rest / 1_000),
            _ => format!("{sign}{whole}.{rest:09}"),
        }
    }

    /// The same, so that the points of several stand below each other.
    pub(crate) fn aligned(self, t_ns: u64) -> String {
        let text = self.seconds(t_ns);
        let whole = text.find('.').unwrap_or(text.len());
        let decimals = text.len() - whole;
        format!(
            "{:before$}{text}{:after$}",
            "",
            "",
            before = WHOLE.saturating_sub(whole),
            after = DECIMALS.saturating_sub(decimals)
        )
    }

    /// For a sentence: `12.5 s`.
    pub(crate) fn text(self, t_ns: u64) -> String {
        let seconds = self.seconds(t_ns);
        let short = seconds.trim_end_matches('0').trim_end_matches('.');
        format!("{short} s")
    }
}

/// As wide as [`Clock::aligned`] makes a usual instant.
pub(crate) const WIDTH: usize = WHOLE + DECIMALS;

/// A moment that the user names: `12.5s` since the first call, or `1700000000000000000ns` on the journal's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Since(u64),
    At(u64),
}

impl Moment {
    /// What the user wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let what = "expected seconds since the first call, such as `12.5s`, or nanoseconds on the journal's clock, such \
                    as `12500000000ns`";
        let read = || {
            if let Some(ns) = text.strip_suffix("ns") {
                return ns.parse().ok().map(Self::At);
            }
            let seconds = text.strip_suffix('s').unwrap_or(text);
            let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, ""));
            let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if whole.is_empty() || rest.len() > 9 || !all_digits(whole) || !all_digits(rest) {
                return None;
            }
            let whole: u64 = whole.parse().ok()?;
            let rest: u64 = format!("{rest:0<9}").parse().ok()?;
            whole
                .checked_mul(1_000_000_000)?
                .checked_add(rest)
                .map(Self::Since)
        };
        read().ok_or_else(|| what.to_owned())
    }

    /// The instant on the journal's clock.
    pub(crate) fn at_ns(self, clock: Clock) -> u64 {
        match self {
            Self::Since(offset) => clock.origin_ns().saturating_add(offset),
            Self::At(ns) => ns,
        }
    }
}

/// A span, rounded to what matters.
pub(crate) fn span(ns: u64) -> String {
    numbers::rounded(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_exact_and_stand_below_each_other() {
        let clock = Clock::since(1_000);
        let cases = [
            (1_000, "    0.000      "),
            (1_001_000, "    0.001      "),
            (1_002_000, "    0.001001   "),
            (1_001, "    0.000000001"),
            (0, "   -0.000001   "),
            (100_000_000_001_000, "100000.000      "),
        ];
        for (t_ns, text) in cases {
            assert_eq!(clock.aligned(t_ns), text);
        }
        assert_eq!(clock.text(12_500_001_000), "12.5 s");
        assert_eq!(clock.text(1_000), "0 s");
    }

    #[test]
    fn moments_are_seconds_or_nanoseconds() {
        let clock = Clock::since(7);
        let at = |text| Moment::parse(text).map(|moment| moment.at_ns(clock));
        assert_eq!(at("12.5s"), Ok(12_500_000_007));
        assert_eq!(at("3"), Ok(3_000_000_007));
        assert_eq!(at("0.000000001s"), Ok(8));
        assert_eq!(at("12ns"), Ok(12));
        for text in [
            "",
            "s",
            "-1s",
            "1.s2",
            "1.0000000001s",
            "ns",
            "1e3",
            "99999999999999s",
        ] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
