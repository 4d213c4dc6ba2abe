//! What every machine shares: ratios, quantiles and their ranks, spans as text, time that does not run back, words
//! that become numbers, refusals.

use core::cmp::Ordering;
use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::random::scaled;
use evenkeel_core::time::{self, Monotone};
use evenkeel_core::{Quantile, Ratio, Refusal, span};
use proptest::prelude::*;

fn ratio() -> impl Strategy<Value = Ratio> {
    let part = || prop_oneof![0..20_u32, any::<u32>(), Just(u32::MAX)];
    (part(), part()).prop_map(|(num, den)| Ratio::new(num, den.max(1)).unwrap())
}

/// A quantile and how it was made.
fn fraction() -> impl Strategy<Value = (u64, u64)> {
    let tens = (0..16_u32).prop_map(|digits| 10_u64.pow(digits));
    prop_oneof![tens, 1..50_u64, 1..=u64::MAX, Just(u64::MAX)]
        .prop_flat_map(|den| (prop_oneof![0..=den, Just(0), Just(den)], Just(den)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_ratios_are_equal_however_they_were_made(
        (num, den, times) in (0..1000_u32, 1..1000_u32, 1..1_000_000_u32),
    ) {
        let (one, other) = (Ratio::new(num, den).unwrap(), Ratio::new(num * times, den * times));
        prop_assert_eq!(other, Ok(one));
        prop_assert_eq!(u64::from(one.numerator()) * u64::from(den), u64::from(num) * u64::from(one.denominator()));
    }

    #[test]
    fn a_ratio_reads_back_as_it_is_written(ratio in ratio()) {
        prop_assert_eq!(ratio.to_string().parse::<Ratio>(), Ok(ratio));
    }

    #[test]
    fn ratios_are_ordered_by_value(a in ratio(), b in ratio()) {
        let wide = |r: Ratio| (u128::from(r.numerator()), u128::from(r.denominator()));
        let ((an, ad), (bn, bd)) = (wide(a), wide(b));
        prop_assert_eq!(a.cmp(&b), (an * bd).cmp(&(bn * ad)));
        prop_assert_eq!(a.is_above(b), a.cmp(&b) == Ordering::Greater);
    }

    #[test]
    fn a_share_of_a_number_is_rounded_down(ratio in ratio(), n in any::<u64>()) {
        let exact = u128::from(n) * u128::from(ratio.numerator()) / u128::from(ratio.denominator());
        prop_assert_eq!(u128::from(ratio.of(n)), exact.min(u64::MAX.into()));
    }

    #[test]
    fn a_rank_is_the_nearest_one((num, den) in fraction(), n in prop_oneof![0..1000_u64, any::<u64>()]) {
        let q = Quantile::new(num, den).unwrap();
        let ceil = (u128::from(num) * u128::from(n)).div_ceil(u128::from(den)).max(1);
        prop_assert_eq!(q.rank(n).map(u128::from), (n > 0).then_some(ceil));
        if let Some(rank) = q.rank(n) {
            prop_assert!((1..=n).contains(&rank));
        }
    }

    #[test]
    fn equal_quantiles_are_equal_however_they_were_made(
        (num, den, times) in (0..=1000_u64, 1..1000_u64, 1..1_000_000_u64),
    ) {
        let num = num.min(den);
        prop_assert_eq!(Quantile::new(num * times, den * times), Quantile::new(num, den));
    }

    /// The least value that at least `q` of all values do not exceed.
    #[test]
    fn a_rank_finds_the_value_that_enough_do_not_exceed(
        mut values in prop::collection::vec(0..30_u64, 1..60),
        (num, den) in (0..=20_u64).prop_map(|num| (num, 20)),
    ) {
        values.sort_unstable();
        let n = values.len() as u64;
        let enough = |limit: u64| {
            let within = values.iter().filter(|&&value| value <= limit).count() as u64;
            within * den >= num * n && within > 0
        };
        let rank = Quantile::new(num, den).unwrap().rank(n).unwrap();
        let value = values[usize::try_from(rank).unwrap() - 1];
        prop_assert_eq!(Some(&value), values.iter().find(|&&value| enough(value)));
    }

    #[test]
    fn above_a_limit_is_told_by_counting_alone(
        mut values in prop::collection::vec(0..10_u64, 1..60),
        (num, den) in fraction(),
        limit in 0..10_u64,
    ) {
        values.sort_unstable();
        let q = Quantile::new(num, den).unwrap();
        let n = u32::try_from(values.len()).unwrap();
        let rank = usize::try_from(q.rank(n.into()).unwrap()).unwrap();
        let above = u32::try_from(values.iter().filter(|&&value| value > limit).count()).unwrap();
        prop_assert_eq!(q.exceeds(above, n), values[rank - 1] > limit);
    }

    #[test]
    fn a_quantile_reads_back_as_it_is_written((num, den) in fraction(), n in 1..u64::MAX) {
        let q = Quantile::new(num, den).unwrap();
        let again: Quantile = q.to_string().parse().unwrap();
        prop_assert_eq!(again, q);
        prop_assert_eq!(q.rank(n), again.rank(n));
    }

    #[test]
    fn a_span_reads_back_as_it_is_written(nanos in prop_oneof![any::<u64>(), 0..10_000_u64, (0..1000_u64).prop_map(|s| s * 1_000_000)]) {
        let length = Duration::from_nanos(nanos);
        prop_assert_eq!(span::parse(&span::text(length).to_string()), Ok(length));
    }

    #[test]
    fn a_decimal_span_is_exact(whole in 0..1_000_000_u64, part in 0..1000_u64) {
        let text = format!("{whole}.{part:03}s");
        let exact = Duration::from_nanos(whole * 1_000_000_000 + part * 1_000_000);
        prop_assert_eq!(span::parse(&text), Ok(exact));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[ p0-9a-zµ.%/+-]{0,12}|\\PC{0,8}") {
        let _ = text.parse::<Ratio>();
        let _ = span::parse(&text);
        if let Ok(q) = text.parse::<Quantile>() {
            prop_assert!(q.numerator() <= q.denominator());
        }
    }

    #[test]
    fn time_that_runs_back_stands_still(instants in prop::collection::vec(any::<u64>(), 1..50)) {
        let mut clock = Monotone::default();
        let mut latest = 0;
        for now_ns in instants {
            latest = latest.max(now_ns);
            let seen_before = clock.latest_ns();
            prop_assert_eq!(clock.peek(now_ns), latest);
            prop_assert_eq!(clock.latest_ns(), seen_before, "a look remembers nothing");
            prop_assert_eq!(clock.observe(now_ns), latest);
            prop_assert_eq!(clock.latest_ns(), latest);
            prop_assert_eq!(clock, Monotone::since(latest));
        }
    }

    #[test]
    fn a_word_becomes_a_number_below_the_bound(a in any::<u64>(), b in any::<u64>(), n in any::<u64>()) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(scaled(high, n) < n.max(1));
        prop_assert!(scaled(low, n) <= scaled(high, n), "a larger word never draws a smaller number");
        prop_assert_eq!(scaled(0, n), 0);
        prop_assert_eq!(scaled(u64::MAX, n), n.saturating_sub(1));
    }
}

#[test]
fn every_number_of_a_small_range_comes_up_equally_often() {
    let mut seen = [0_u32; 10];
    for word in (0..1000).map(|i| i * (u64::MAX / 1000) + u64::MAX / 2000) {
        seen[usize::try_from(scaled(word, 10)).unwrap()] += 1;
    }
    assert_eq!(seen, [100; 10]);
}

#[test]
fn ratios_are_read_as_percent_fraction_decimal_or_whole() {
    let half = Ratio::new(1, 2);
    for text in ["50%", "1/2", "0.5", " 50 % ", "50.0%", "2/4", "0.50"] {
        assert_eq!(text.parse::<Ratio>(), half, "{text}");
    }
    assert_eq!("2".parse(), Ok(Ratio::TWO));
    assert_eq!("0.1%".parse(), Ok(Ratio::per_mille(1)));
    for text in [
        "",
        "%",
        "1/",
        "/2",
        "-1",
        "+1",
        ".5",
        "5.",
        "1e3",
        "50 percent",
        "1/2/3",
        "0x1",
    ] {
        let error = text.parse::<Ratio>().unwrap_err();
        let expected = "ratio cannot be read: expected a ratio such as \"50%\", \"1/2\" or \"0.5\", of at most 9 decimals";
        assert_eq!(error.to_string(), expected, "{text}");
    }
    assert!("1/0".parse::<Ratio>().is_err());
}

#[test]
fn quantiles_are_read_as_p_decimal_percent_or_fraction() {
    for text in ["p99.9", "0.999", "99.9%", "999/1000", " p99.90 "] {
        let q: Quantile = text.parse().unwrap();
        assert_eq!(q.rank(1000), Some(999), "{text}");
        assert_eq!(q.rank(1001), Some(1000), "{text}");
    }
    for (q, text) in [
        (Quantile::P50, "p50"),
        (Quantile::P999, "p99.9"),
        (Quantile::MAX, "p100"),
    ] {
        assert_eq!(q.to_string(), text);
    }
    assert_eq!(Quantile::new(1, 3).unwrap().to_string(), "1/3");
    for text in ["", "p", "P99", "p-1", "ninety", "99th"] {
        let error = text.parse::<Quantile>().unwrap_err();
        let expected =
            "quantile cannot be read: expected a quantile such as \"p99\", \"p99.9\" or \"0.99\"";
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let above = "p100.1".parse::<Quantile>().unwrap_err().to_string();
    assert!(
        above.starts_with("quantile is ") && above.ends_with(": it must be at most 1"),
        "{above}"
    );
}

#[test]
fn of_no_values_no_quantile_is_above_anything() {
    for q in [Quantile::MIN, Quantile::P50, Quantile::MAX] {
        assert!(!q.exceeds(0, 0), "{q}");
        assert_eq!(q.rank(0), None);
    }
}

/// Nine digits behind the point are read; what would need more is shown as a fraction, which is read as well.
#[test]
fn a_quantile_is_shown_in_nine_decimals_or_as_a_fraction() {
    for (den, text) in [
        (100_000_000_000, "p0.000000001"),
        (1_000_000_000_000, "1/1000000000000"),
    ] {
        let q = Quantile::new(1, den).unwrap();
        assert_eq!(q.to_string(), text);
        assert_eq!(text.parse(), Ok(q));
    }
}

#[test]
fn ratios_compare_with_operators() {
    let (half, third) = (Ratio::percent(50), Ratio::new(1, 3).unwrap());
    assert_eq!(third.partial_cmp(&half), Some(Ordering::Less));
    assert!(third < half);
    assert!(half > third);
    assert!(third >= Ratio::new(2, 6).unwrap());
    assert_eq!(half.max(third), half);
}

#[test]
fn the_longest_span_that_a_clock_can_tell_ends_at_its_last_instant() {
    let longest = Duration::from_nanos(u64::MAX);
    assert_eq!(time::after(0, longest), Some(u64::MAX));
    assert_eq!(time::after(1, longest), None);
    // 2^64 ns is not 0 ns.
    assert_eq!(time::after(0, longest + Duration::from_nanos(1)), None);
}

#[test]
fn spans_are_read_with_units_and_refused_without() {
    for (text, nanos) in [
        ("250ms", 250_000_000),
        ("1m30s", 90_000_000_000),
        ("1 m 30 s", 90_000_000_000),
        ("1.5us", 1_500),
        ("2µs", 2_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("5min", 300_000_000_000),
        ("0s", 0),
        ("18446744073709551615ns", u64::MAX),
    ] {
        assert_eq!(span::parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
    for text in [
        "",
        "250",
        "ms",
        "-1s",
        "1.5ns",
        "1 fortnight",
        "1s2",
        "300000000000000h",
        "1..5s",
    ] {
        assert!(span::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_refusal_says_how_long_to_wait_and_never_less_than_nothing() {
    let refused = Refusal::new("full", Some(500));
    assert_eq!(refused.retry_after(200), Some(Duration::from_nanos(300)));
    assert_eq!(refused.retry_after(500), Some(Duration::ZERO));
    assert_eq!(refused.retry_after(u64::MAX), Some(Duration::ZERO));
    assert_eq!(Refusal::new("forced", None).retry_after(0), None);
}

#[test]
fn no_clock_holds_five_hundred_years_so_the_advice_is_the_last_instant() {
    let (now_ns, longest) = (7, Duration::from_nanos(u64::MAX - 7));
    assert_eq!(time::after(now_ns, longest), Some(u64::MAX));
    for too_long in [longest + Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(time::after(now_ns, too_long), None);
        let advice = Advice::after(now_ns, too_long);
        assert_eq!(advice, Advice::RetryAt { at_ns: u64::MAX });
    }
}
