//! Percentile vectors: nearest rank over given values, by every estimator that keeps them.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, QuantileWindowPolicy, SampleWindow,
    SampleWindowPolicy, ThresholdWindow, ThresholdWindowPolicy,
};
use evenkeel_replay::{log_histogram, quantile_window, sample_window, threshold_window};
use serde_json::Value;

use crate::ask::{ask, holds};
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
        ask(&mut exact, now_ns, &sample_window::Op::Record { value });
        ask(&mut cursors, now_ns, &quantile_window::Op::Record { value });
        ask(&mut histogram, now_ns, &log_histogram::Op::Record { value });
    }
    let answer = ask(&mut exact, now_ns, &sample_window::Op::Quantile { q });
    let answer = holds!(answer, sample_window::Answer::Quantile)?;
    let upper = ask(&mut cursors, now_ns, &quantile_window::Op::Quantile { q });
    let upper = holds!(upper, quantile_window::Answer::Quantile)?;
    let interval = ask(&mut histogram, now_ns, &log_histogram::Op::Interval { q });
    let interval = holds!(interval, log_histogram::Answer::Interval)?;
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
        let Some(at) = limit else { continue };
        if is_above(values, q, at, now_ns)? != Some(above) {
            return fail(format!(
                "ThresholdWindow is wrong about {value} and {limit:?}"
            ));
        }
    }
    Ok(answer)
}

/// None where there is no such window.
fn is_above(values: &[u64], q: Quantile, limit: u64, now_ns: u64) -> Result<Option<bool>, Stop> {
    let size = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let Ok(policy) = ThresholdWindowPolicy::new(size, q, limit) else {
        return Ok(None);
    };
    let mut window = ThresholdWindow::new(policy);
    for &value in values {
        ask(&mut window, now_ns, &threshold_window::Op::Record { value });
    }
    let above = ask(&mut window, now_ns, &threshold_window::Op::IsAbove);
    holds!(above, threshold_window::Answer::IsAbove)
}
