//! Numbers as people read them: counts, shares, latencies to three digits, spans to the last nanosecond.
//! Integers throughout, so that a printed number is never a float's idea of it.

use std::time::Duration;

use evenkeel_core::Ratio;

const SECOND_NS: u128 = 1_000_000_000;
const MINUTE_NS: u128 = 60 * SECOND_NS;
const DAY_NS: u64 = 86_400_000_000_000;

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 call`, `2 calls`: for words whose plural is one `s` more.
pub(crate) fn counted(n: u64, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {word}{plural}", count(n))
}

/// The share as a percentage with one decimal, rounded half up; but 100 % means all of them and 0 % none.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 2000 + whole) / (whole * 2);
    match (tenths / 10, tenths % 10) {
        (0, 0) => "< 0.1 %".to_owned(),
        (100, 0) if part < whole => "> 99.9 %".to_owned(),
        (percent, 0) => format!("{percent} %"),
        (percent, tenth) => format!("{percent}.{tenth} %"),
    }
}

/// A measured span to three significant digits: `2.33 ms`, `37.7 s`; from two minutes on to the second.
pub(crate) fn rounded(ns: u64) -> String {
    let wide = u128::from(ns);
    if wide >= 2 * MINUTE_NS {
        return composite(wide - wide % SECOND_NS);
    }
    let mut step = 1;
    while wide / step >= 1000 {
        step *= 10;
    }
    let round = (wide + step / 2) / step * step;
    // By the rounded value, which may have reached the next unit: 999.6 ms is 1 s.
    let (name, unit) = unit_below(round);
    format!("{} {name}", decimal(round, unit))
}

/// A span of a policy, exact: `250 ms`, `1.5 s`, `1 min 30 s`.
pub(crate) fn exact(span: Duration) -> String {
    composite(span.as_nanos())
}

/// An instant as the time since the start, rounded down to what matters in a trace of `whole_ns`: all instants of
/// one trace look alike, so that they line up.
pub(crate) fn instant(since_start_ns: u64, whole_ns: u64) -> String {
    let ms = since_start_ns / 1_000_000;
    let (seconds, thousandths) = (ms / 1000, ms % 1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match whole_ns {
        DAY_NS.. => format!(
            "{} d {:02}:{:02}:{:02}",
            hours / 24,
            hours % 24,
            minutes % 60,
            seconds % 60
        ),
        10_000_000_000_000.. => format!(
            "{hours}:{:02}:{:02}.{thousandths:03}",
            minutes % 60,
            seconds % 60
        ),
        // Seconds are easy to find in the file.
        1_000_000_000.. => format!("{seconds}.{thousandths:03} s"),
        1_000_000.. => format!("{ms}.{:03} ms", since_start_ns / 1000 % 1000),
        _ => format!("{since_start_ns} ns"),
    }
}

/// `1/2` as `50 %`, `1/3` as `1/3`: a percentage where that is exact.
pub(crate) fn ratio(ratio: Ratio) -> String {
    const PARTS: u128 = 1_000_000;
    let scaled = u128::from(ratio.numerator()) * 100 * PARTS;
    let den = u128::from(ratio.denominator());
    if scaled.is_multiple_of(den) {
        format!("{} %", decimal(scaled / den, PARTS))
    } else {
        ratio.to_string()
    }
}

/// `value / unit` as a decimal without trailing zeros; the unit is a power of ten.
pub(crate) fn decimal(value: u128, unit: u128) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let places = unit.ilog10() as usize;
    let digits = format!("{rest:0places$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// A number of thousandths: `1,005`, `0.1`.
pub(crate) fn thousandths(n: u128) -> String {
    match u64::try_from(n / 1000) {
        Ok(whole) if n.is_multiple_of(1000) => count(whole),
        _ => decimal(n, 1000),
    }
}

/// The largest unit up to the second that is not above `ns`, and its length.
pub(crate) fn unit_below(ns: u128) -> (&'static str, u128) {
    match ns {
        0 | SECOND_NS.. => ("s", SECOND_NS),
        1_000_000.. => ("ms", 1_000_000),
        1_000.. => ("µs", 1_000),
        _ => ("ns", 1),
    }
}

fn composite(ns: u128) -> String {
    if ns < MINUTE_NS {
        let (name, unit) = unit_below(ns);
        return format!("{} {name}", decimal(ns, unit));
    }
    let mut parts = Vec::new();
    let mut rest = ns;
    for (name, unit) in [
        ("d", DAY_NS.into()),
        ("h", 60 * MINUTE_NS),
        ("min", MINUTE_NS),
    ] {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if rest > 0 {
        let (name, unit) = unit_below(rest);
        parts.push(format!("{} {name}", decimal(rest, unit)));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares() {
        let shown = [0, 100, 1_000, 1_005_000, 2_500].map(thousandths);
        assert_eq!(shown, ["0", "0.1", "1", "1,005", "2.5"]);
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(2, 3), "66.7 %");
        assert_eq!(
            (percent(1, 2_000), percent(1, 2_001)),
            ("0.1 %".to_owned(), "< 0.1 %".to_owned())
        );
        assert_eq!(percent(99_949, 100_000), "99.9 %");
        assert_eq!(percent(99_950, 100_000), "> 99.9 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
    }

    #[test]
    fn measured_spans_have_three_digits() {
        let cases = [
            (0, "0 s"),
            (7, "7 ns"),
            (2_326_000, "2.33 ms"),
            (999_600_000, "1 s"),
            (37_699_000_000, "37.7 s"),
            (125_400_000_000, "2 min 5 s"),
            (u64::MAX, "213503 d 23 h 34 min 33 s"),
        ];
        for (ns, text) in cases {
            assert_eq!(rounded(ns), text);
        }
    }

    #[test]
    fn spans_of_policies_lose_nothing() {
        let cases = [
            (333_333_333, "333.333333 ms"),
            (1_500_000_000, "1.5 s"),
            (90_500_000_000, "1 min 30.5 s"),
            (60_005_000_000, "1 min 5 ms"),
            (DAY_NS, "1 d"),
        ];
        for (ns, text) in cases {
            assert_eq!(exact(Duration::from_nanos(ns)), text);
        }
    }

    #[test]
    fn instants_are_as_fine_as_the_whole_is_short() {
        let cases = [
            (93_723_999_999_999, DAY_NS, "1 d 02:02:03"),
            (3_723_999_999_999, 20_000_000_000_000, "1:02:03.999"),
            (67_012_999_999, 187_000_000_000, "67.012 s"),
            (7_020_000_000, 10_000_000_000, "7.020 s"),
            (1_999_999, 2_000_000, "1.999 ms"),
            (1_999, 2_000, "1999 ns"),
        ];
        for (ns, whole_ns, text) in cases {
            assert_eq!(instant(ns, whole_ns), text);
        }
    }

    #[test]
    fn ratios_are_percentages_where_those_are_exact() {
        assert_eq!(ratio(Ratio::percent(50)), "50 %");
        assert_eq!(ratio(Ratio::per_mille(125)), "12.5 %");
        assert_eq!(ratio(Ratio::new(1, 3).unwrap()), "1/3");
    }
}
