//! How a measured number is printed: four digits, and thousands apart.

use crate::numbers;

/// `1,234`, `12.35`, `0.001235`: four significant digits without trailing zeros, and all of a whole part.
pub(crate) fn measured(value: f64) -> String {
    const DIGITS: i32 = 4;
    // By the rounded value, which may have reached the next power: 9.9999 is 10.
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    if value != 0.0 && !(-5..15).contains(&exponent) {
        return scientific;
    }
    let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let whole = whole.parse().map_or_else(|_| whole.into(), numbers::count);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let is_zero = whole == "0" && fraction.is_empty();
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::measured;

    #[test]
    fn four_digits_and_the_whole_part() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (9.99996, "10"),
            (-12.3456, "-12.35"),
            (0.5, "0.5"),
            (0.001_234_56, "0.001235"),
            (999.96, "1,000"),
            (1_234.5, "1,234"),
            (1_234_567.8, "1,234,568"),
            (1.5e-7, "1.500e-7"),
            (2.5e16, "2.500e16"),
        ] {
            assert_eq!(measured(value), text, "{value:e}");
        }
    }
}
