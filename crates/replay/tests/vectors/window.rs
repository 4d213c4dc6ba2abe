//! Window vectors: counts and rates of the last results, by number or by time, as a breaker's window and the
//! estimators see them.

use core::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Outcome, Phase, Trigger, Window, WindowCounts,
};
use evenkeel_core::estimator::{
    RollingHistogram, RollingHistogramPolicy, SampleWindow, SampleWindowPolicy, ThresholdWindow,
    ThresholdWindowPolicy,
};
use evenkeel_replay::{breaker, rolling_histogram, sample_window, threshold_window};

use crate::ask::{ask, holds, strange};
use crate::breaker_counts::window_differs;
use crate::read::{Members, Stop, fail, unsupported};
use crate::{Checked, Differences, Step};

/// Any latency above this is slow; the vectors say themselves which are.
const SLOW_NS: u64 = 1_000_000;

pub(crate) fn check_count(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only("config", &["size", "min_calls"])?;
    let min_calls = config.count("min_calls")?.unwrap_or(0);
    let Some(size) = config.count("size")?.filter(|&size| size > 0) else {
        return fail("the size of the window is missing");
    };
    // At `size` failures, or slow ones, a breaker opens; up to there it shows its window.
    let triggers = |builder: evenkeel_core::breaker::BreakerBuilder| {
        builder
            .window(Window::Count { calls: size })
            .trigger(Trigger::Failures { failures: size })
            .trigger(slow_rate(size))
    };
    let Ok(policy) = triggers(builder()?).build() else {
        return unsupported("a window larger than a breaker's");
    };
    let mut breaker = Some(Breaker::new(policy));
    let mut bits = Bits::new(size)?;
    check(steps, |record, expect| {
        bits.record(record);
        feed(&mut breaker, record)?;
        if let Some(breaker) = &mut breaker {
            let window = ask(breaker, record.now_ns, &breaker::Op::Window);
            let window = holds!(window, breaker::Answer::Window)?;
            same(window, min_calls, expect, "Breaker::window")?;
        }
        bits.check(record.now_ns, min_calls, expect)
    })
}

pub(crate) fn check_time(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only("config", &["size", "window_ns", "bucket_ns", "min_calls"])?;
    let min_calls = config.count("min_calls")?.unwrap_or(0);
    let bucket_ns = config.whole("bucket_ns")?.unwrap_or(1_000_000_000);
    let span_ns = match config.whole("window_ns")? {
        Some(span_ns) => span_ns,
        None => config.needed("size")?.saturating_mul(bucket_ns),
    };
    let slices = u32::try_from(span_ns / bucket_ns.max(1)).unwrap_or(u32::MAX);
    let span = Duration::from_nanos(span_ns);
    let policy = builder()?
        .window(Window::Time { span, slices })
        .trigger(Trigger::Failures { failures: u32::MAX })
        .trigger(slow_rate(u32::MAX))
        .build();
    let (Ok(policy), Ok(rolling)) = (policy, RollingHistogramPolicy::new(span, slices, 7)) else {
        return unsupported("a window that ours has no slices for");
    };
    let mut breaker = Some(Breaker::new(policy));
    let mut rolling = RollingHistogram::new(rolling);
    check(steps, |record, expect| {
        let now_ns = record.now_ns;
        feed(&mut breaker, record)?;
        if let Some(value) = record.latency_ns {
            ask(
                &mut rolling,
                now_ns,
                &rolling_histogram::Op::Record { value },
            );
        }
        let Some(breaker) = &mut breaker else {
            return fail("a breaker that nothing opens is open");
        };
        let window = ask(breaker, now_ns, &breaker::Op::Window);
        let window = holds!(window, breaker::Answer::Window)?;
        same(window, min_calls, expect, "Breaker::window")?;
        let mean = ask(&mut rolling, now_ns, &rolling_histogram::Op::Mean);
        let mean = holds!(mean, rolling_histogram::Answer::Mean)?;
        let sum = ask(&mut rolling, now_ns, &rolling_histogram::Op::Sum);
        let sum = holds!(sum, rolling_histogram::Answer::Sum)?;
        latencies(mean, sum, expect)
    })
}

/// One result, or only a look at the window.
#[derive(Clone, Copy)]
struct Record {
    now_ns: u64,
    failed: bool,
    slow: bool,
    /// None for a look.
    latency_ns: Option<u64>,
}

fn check(
    steps: &[Step<'_>],
    mut compare: impl FnMut(Record, Members<'_>) -> Result<(), Stop>,
) -> Checked {
    for (at, step) in steps.iter().enumerate() {
        let input = step
            .input
            .only("input", &["op", "outcome", "latency_ns", "slow"])?;
        let latency_ns = input.whole("latency_ns")?.unwrap_or(0);
        let record = Record {
            now_ns: step.now_ns,
            failed: match input.text("outcome")? {
                None | Some("ok") => false,
                Some("error") => true,
                Some(other) => return unsupported(format!("no outcome of ours is {other}")),
            },
            slow: input.flag("slow")?.unwrap_or(false),
            latency_ns: match input.text("op")? {
                Some("record") => Some(latency_ns),
                Some("read" | "state") => None,
                other => return unsupported(format!("no operation of ours is {other:?}")),
            },
        };
        compare(record, step.expect).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
            unsupported => unsupported,
        })?;
    }
    Ok(Differences::new())
}

fn builder() -> Result<evenkeel_core::breaker::BreakerBuilder, Stop> {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).build();
    let open = open.or_else(|error| fail(error.to_string()))?;
    Ok(BreakerPolicy::builder(open, Duration::from_secs(1)))
}

fn slow_rate(min_calls: u32) -> Trigger {
    Trigger::SlowRate {
        slower_than: Duration::from_nanos(SLOW_NS),
        at_least: Ratio::ONE,
        min_calls,
    }
}

/// One result more for the breaker; None once one has opened it.
fn feed(breaker: &mut Option<Breaker>, record: Record) -> Result<(), Stop> {
    let Some(fed) = breaker else {
        return Ok(());
    };
    let now_ns = record.now_ns;
    if record.latency_ns.is_some() {
        let permit = match ask(fed, now_ns, &breaker::Op::TryAcquire) {
            breaker::Answer::Granted { permit, .. } => permit,
            breaker::Answer::Refused(_) => {
                *breaker = None;
                return Ok(());
            }
            other => return strange(&other),
        };
        let report = breaker::Op::OnOutcome {
            permit,
            outcome: if record.failed {
                Outcome::Failure
            } else {
                Outcome::Success
            },
            latency_ns: if record.slow { SLOW_NS + 1 } else { SLOW_NS },
        };
        ask(fed, now_ns, &report);
    }
    let phase = ask(fed, now_ns, &breaker::Op::Phase);
    if holds!(phase, breaker::Answer::Phase)? != Phase::Closed {
        *breaker = None;
    }
    Ok(())
}

/// The window by one bit a result for each question, and by its latencies.
struct Bits {
    failed: ThresholdWindow,
    slow: ThresholdWindow,
    slow_failed: ThresholdWindow,
    latencies: SampleWindow,
}

impl Bits {
    fn new(size: u32) -> Result<Self, Stop> {
        let bits = ThresholdWindowPolicy::new(size, Quantile::P50, 0);
        let (Ok(bits), Ok(samples)) = (bits, SampleWindowPolicy::new(size)) else {
            return unsupported("a larger window than ours");
        };
        Ok(Self {
            failed: ThresholdWindow::new(bits),
            slow: ThresholdWindow::new(bits),
            slow_failed: ThresholdWindow::new(bits),
            latencies: SampleWindow::new(samples),
        })
    }

    fn record(&mut self, record: Record) {
        if let Some(value) = record.latency_ns {
            let now_ns = record.now_ns;
            let bits = [
                (&mut self.failed, record.failed),
                (&mut self.slow, record.slow),
                (&mut self.slow_failed, record.failed && record.slow),
            ];
            for (window, bit) in bits {
                let value = bit.into();
                ask(window, now_ns, &threshold_window::Op::Record { value });
            }
            ask(
                &mut self.latencies,
                now_ns,
                &sample_window::Op::Record { value },
            );
        }
    }

    fn check(&mut self, now_ns: u64, min_calls: u32, expect: Members<'_>) -> Result<(), Stop> {
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let calls = ask(&mut self.failed, now_ns, &threshold_window::Op::Count);
        let slow = count_above(&mut self.slow, now_ns)?;
        let mut counts = WindowCounts::default();
        counts.calls = narrow(holds!(calls, threshold_window::Answer::Count)?);
        counts.failures = Some(narrow(count_above(&mut self.failed, now_ns)?));
        counts.slow = Some(narrow(slow));
        same(counts, min_calls, expect, "ThresholdWindow")?;
        let slow_failed = count_above(&mut self.slow_failed, now_ns)?;
        let parts = [
            ("slow_failed", slow_failed),
            ("slow_ok", slow - slow_failed),
        ];
        for (name, ours) in parts {
            if expect.whole(name)?.is_some_and(|expected| expected != ours) {
                return fail(format!("{name} is {ours}"));
            }
        }
        let mean = ask(&mut self.latencies, now_ns, &sample_window::Op::Mean);
        let mean = holds!(mean, sample_window::Answer::Mean)?;
        let sum = ask(&mut self.latencies, now_ns, &sample_window::Op::Sum);
        latencies(mean, holds!(sum, sample_window::Answer::Sum)?, expect)
    }
}

fn count_above(window: &mut ThresholdWindow, now_ns: u64) -> Result<u64, Stop> {
    let count = ask(window, now_ns, &threshold_window::Op::CountAbove);
    holds!(count, threshold_window::Answer::CountAbove)
}

fn same(ours: WindowCounts, min_calls: u32, expect: Members<'_>, whose: &str) -> Result<(), Stop> {
    match window_differs(ours, min_calls, expect)? {
        None => Ok(()),
        Some(why) => fail(format!("{whose}: {why}")),
    }
}

/// The mean and the sum, and that the sum divided is the mean.
fn latencies(mean: Option<u64>, sum: u128, expect: Members<'_>) -> Result<(), Stop> {
    let expected = expect.whole("mean_latency_ns")?;
    if expected.is_some_and(|expected| mean.unwrap_or(0) != expected) {
        return fail(format!("the mean latency is {mean:?}"));
    }
    let Some(expected) = expect.whole("sum_latency_ns")? else {
        return Ok(());
    };
    if sum != expected.into() {
        return fail(format!("the sum of latencies is {sum}"));
    }
    match expect.whole("total")? {
        Some(total) if total > 0 && mean != Some(expected / total) => fail(format!(
            "the mean latency is {mean:?}, of a sum of {expected}"
        )),
        _ => Ok(()),
    }
}
