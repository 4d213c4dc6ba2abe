//! Percentile vectors: nearest rank over given values, by every estimator that keeps them.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, QuantileWindowPolicy, SampleWindow,
    SampleWindowPolicy, ThresholdWindow, ThresholdWindowPolicy,
};
use serde_json::Value;

use crate::read::{Members, Stop, fail, unsupported};
use crate::{Checked, Differences, Step};

const RANK: &str = "Percentile rank: nearest rank, ceil(q * n), never interpolated";

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only("config", &["definition", "values"])?;
    let Some(Value::Array(values)) = config.get("values") else {
        return fail("config has no list of values");
    };
    let values: Option<Vec<u64>> = values.iter().map(Value::as_u64).collect();
    let Some(values) = values else {
        return unsupported("an estimator takes whole numbers of at least 0");
    };
    let other_rank = config
        .text("definition")?
        .is_some_and(|text| !text.contains("nearest rank"));
    let mut differences = Differences::new();
    for (at, step) in steps.iter().enumerate() {
        let input = step.input.only("input", &["p_num", "p_den"])?;
        let (num, den) = (input.needed("p_num")?, input.needed("p_den")?);
        let Ok(q) = Quantile::new(num, den) else {
            return fail(format!("step {at}: {num}/{den} is no quantile"));
        };
        let answer = answers(&values, q, step.now_ns)?;
        if !step.expect.has("value") {
            continue;
        }
        let expected = step.expect.decimal("value")?;
        if answer != expected.and_then(|value| (value.den == 1).then_some(value.num))
            || (answer.is_none() && expected.is_some())
        {
            if !other_rank {
                let expected = step.expect.get("value");
                return fail(format!("step {at}: {q} is {answer:?}, not {expected:?}"));
            }
            differences.insert(RANK);
        }
    }
    Ok(differences)
}

/// The quantile by the window that keeps the values, once all others agree with it as closely as they promise.
fn answers(values: &[u64], q: Quantile, now_ns: u64) -> Result<Option<u64>, Stop> {
    let size = u32::try_from(values.len().max(1)).unwrap_or(u32::MAX);
    let (Ok(samples), Ok(cursors)) = (
        SampleWindowPolicy::new(size),
        QuantileWindowPolicy::new(size, &[Quantile::P50, q]),
    ) else {
        return unsupported("more values than a window holds");
    };
    let mut exact = SampleWindow::new(samples);
    let mut cursors = QuantileWindow::new(cursors);
    let mut histogram = LogHistogram::new(LogHistogramPolicy::default());
    for &value in values {
        exact.record(now_ns, value);
        cursors.record(now_ns, value);
        histogram.record(now_ns, value);
    }
    let answer = exact.quantile(now_ns, q);
    let (upper, interval) = (cursors.quantile(now_ns, q), histogram.interval(now_ns, q));
    let Some(value) = answer else {
        return match (upper, interval) {
            (None, None) => Ok(None),
            _ => fail("an empty estimator has a quantile"),
        };
    };
    let within = |given: u64| value <= given && given - value <= value / 128;
    if !upper.is_some_and(within) {
        return fail(format!("QuantileWindow gives {upper:?} for {value}"));
    }
    if !interval.is_some_and(|at| at.contains(value) && within(at.high)) {
        return fail(format!("LogHistogram gives {interval:?} for {value}"));
    }
    let limits = [value.checked_sub(1), Some(value)];
    for (limit, above) in limits.into_iter().zip([true, false]) {
        if limit.is_some_and(|limit| is_above(values, q, limit, now_ns) != Some(above)) {
            return fail(format!(
                "ThresholdWindow is wrong about {value} and {limit:?}"
            ));
        }
    }
    Ok(answer)
}

fn is_above(values: &[u64], q: Quantile, limit: u64, now_ns: u64) -> Option<bool> {
    let size = u32::try_from(values.len()).ok()?;
    let mut window = ThresholdWindow::new(ThresholdWindowPolicy::new(size, q, limit).ok()?);
    for &value in values {
        window.record(now_ns, value);
    }
    window.is_above(now_ns)
}
