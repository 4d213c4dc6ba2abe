//! A breaker vector's config as policies of ours, and where the product's rules are known to part from ours.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};

use crate::read::{Decimal, Members, Stop, fail, unsupported};

/// What the product does at other times or in other ways than ours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Its wait is over only after the instant at which ours is.
    pub(crate) strictly_later: bool,
    /// Reading its state does not notice that the wait is over.
    pub(crate) lazy_state: bool,
    /// Its open state still shows the counts that opened it.
    pub(crate) keeps_counts: bool,
    /// It judges its probes only after so many results, by these rates (percent).
    pub(crate) decides_after: Option<u32>,
    pub(crate) failure_percent: Option<Decimal>,
    pub(crate) slow_percent: Option<Decimal>,
    /// Exactly its threshold is not enough.
    pub(crate) above_only: bool,
    /// While closed its counts are cleared whenever so much time has passed.
    pub(crate) interval_ns: Option<u64>,
    /// Its rate is shown from this many results on.
    pub(crate) min_calls: u32,
    pub(crate) open_ns: u64,
    /// All times are moved by a multiple of this.
    pub(crate) slice_ns: u64,
}

const RATE_MEMBERS: [&str; 15] = [
    "style",
    "window_ns",
    "bucket_ns",
    "size",
    "window_size",
    "min_calls",
    "failure_rate_threshold_percent",
    "comparison",
    "slow_call_ns",
    "slow_rate_threshold_percent",
    "open_ns",
    "half_open_permitted",
    "half_open_decides",
    "half_open_when",
    "state_read",
];

/// Triggers and the window that they look at.
type Way = (Vec<Trigger>, Option<Window>);

/// Policies of ours that all have to give what the vector says.
pub(crate) struct Plan {
    pub(crate) policies: Vec<BreakerPolicy>,
    pub(crate) rules: Rules,
}

/// How the probes are judged.
#[derive(Clone, Copy)]
struct Probation {
    max_in_flight: u32,
    trials: u32,
    successes: u32,
}

impl Plan {
    pub(crate) fn of(config: Members<'_>, calls: u32) -> Result<Self, Stop> {
        match config.text("style")? {
            Some("consecutive") => Self::consecutive(config, calls),
            Some(style @ ("rate_over_time_window" | "rate_over_count_window")) => {
                Self::rate(config, style == "rate_over_time_window", calls)
            }
            Some("k_of_last_n") => Self::k_of_last_n(config),
            Some(other) => unsupported(format!("no such style: {other}")),
            None => fail("a breaker without a style"),
        }
    }

    fn consecutive(config: Members<'_>, calls: u32) -> Result<Self, Stop> {
        let known = [
            "style",
            "trip_when",
            "open_ns",
            "half_open_when",
            "half_open_max_calls",
            "half_open_successes_to_close",
            "half_open_failures_to_open",
            "interval_ns",
        ];
        config.only("config", &known)?;
        let successes = config.count("half_open_successes_to_close")?.unwrap_or(1);
        let failures = config.count("half_open_failures_to_open")?.unwrap_or(1);
        let probation = Probation {
            max_in_flight: config.count("half_open_max_calls")?.unwrap_or(1),
            trials: successes.saturating_add(failures).saturating_sub(1),
            successes,
        };
        let interval_ns = config.whole("interval_ns")?.filter(|&ns| ns > 0);
        let Some(text) = config.text("trip_when")? else {
            return fail("trip_when is missing");
        };
        let rules = Rules {
            strictly_later: is_strict(config)?,
            interval_ns,
            open_ns: config.needed("open_ns")?,
            slice_ns: interval_ns.unwrap_or(1),
            ..Rules::default()
        };
        let ways = trips(text, interval_ns, calls)?;
        Self::build(ways, probation, rules)
    }

    fn rate(config: Members<'_>, by_time: bool, calls: u32) -> Result<Self, Stop> {
        config.only("config", &RATE_MEMBERS)?;
        let (window, slice_ns) = if by_time {
            time_window(config)?
        } else {
            (count_window(config)?, 1)
        };
        let most_calls = match window {
            Window::Count { calls } => calls,
            _ => calls.max(1),
        };
        let strict = match config.text("comparison")? {
            None | Some("rate >= threshold") => None,
            Some("rate > threshold") => Some(most_calls),
            Some(other) => return unsupported(format!("no comparison of ours is: {other}")),
        };
        let min_calls = config.count("min_calls")?.unwrap_or(1).max(1);
        let failure_percent = config.decimal("failure_rate_threshold_percent")?;
        let slow_percent = config.decimal("slow_rate_threshold_percent")?;
        let mut triggers = Vec::new();
        if let Some(at_least) = threshold(failure_percent, strict)? {
            triggers.push(Trigger::FailureRate {
                at_least,
                min_calls,
            });
        }
        if let (Some(limit_ns), Some(at_least)) = (
            config.whole("slow_call_ns")?,
            threshold(slow_percent, strict)?,
        ) {
            let slower_than = Duration::from_nanos(limit_ns);
            triggers.push(Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            });
        }
        let permitted = config.count("half_open_permitted")?.unwrap_or(1);
        let probation = Probation {
            max_in_flight: permitted,
            trials: permitted,
            successes: must_pass(
                permitted,
                failure_percent.or(slow_percent),
                strict.is_some(),
            ),
        };
        let rules = Rules {
            strictly_later: is_strict(config)?,
            lazy_state: matches!(config.text("state_read")?, Some(text) if text.contains("on acquire")),
            keeps_counts: true,
            decides_after: decides_after(config, permitted)?,
            failure_percent,
            slow_percent,
            above_only: strict.is_some(),
            interval_ns: None,
            min_calls,
            open_ns: config.needed("open_ns")?,
            slice_ns,
        };
        Self::build(vec![(triggers, Some(window))], probation, rules)
    }

    fn k_of_last_n(config: Members<'_>) -> Result<Self, Stop> {
        let known = [
            "style",
            "failure",
            "success",
            "open_ns",
            "delay_ns",
            "half_open_when",
        ];
        config.only("config", &known)?;
        let pair = |name| match config.object(name)? {
            None => Ok(None),
            Some(of) => {
                let of = of.only(name, &["k", "n"])?;
                match (of.count("k")?, of.count("n")?) {
                    (Some(k), Some(n)) if k >= 1 && k <= n => Ok(Some((k, n))),
                    _ => fail(format!("{name} is no k of n")),
                }
            }
        };
        let Some((k, n)) = pair("failure")? else {
            return fail("failure is missing");
        };
        // Without a rule of its own for them, probes are judged by the same k of n.
        let (successes, trials) = pair("success")?.unwrap_or((n - k + 1, n));
        let probation = Probation {
            max_in_flight: trials,
            trials,
            successes,
        };
        let open_ns = match config.whole("open_ns")? {
            Some(open_ns) => open_ns,
            None => config.whole("delay_ns")?.unwrap_or(60_000_000_000),
        };
        let rules = Rules {
            strictly_later: is_strict(config)?,
            open_ns,
            slice_ns: 1,
            ..Rules::default()
        };
        let window = Some(Window::Count { calls: n });
        let mut ways = vec![(vec![Trigger::Failures { failures: k }], window)];
        if k == n {
            ways.extend(in_a_row(k));
        }
        Self::build(ways, probation, rules)
    }

    fn build(ways: Vec<Way>, probation: Probation, rules: Rules) -> Result<Self, Stop> {
        let open = BackoffPolicy::builder(Duration::from_nanos(rules.open_ns))
            .growth(Growth::Constant)
            .jitter(Jitter::None)
            .build();
        let open = open.or_else(|error| unsupported(format!("ours refuses it: {error}")))?;
        let mut policies = Vec::new();
        for (triggers, window) in ways {
            let mut builder = BreakerPolicy::builder(open, Duration::from_secs(86_400 * 365))
                .max_in_flight(probation.max_in_flight)
                .trials(probation.trials)
                .successes(probation.successes);
            if let Some(window) = window {
                builder = builder.window(window);
            }
            for trigger in triggers {
                builder = builder.trigger(trigger);
            }
            match builder.build() {
                Ok(policy) => policies.push(policy),
                Err(error) => return unsupported(format!("ours refuses it: {error}")),
            }
        }
        Ok(Self { policies, rules })
    }
}

/// So many failures in a row, said in three ways.
fn in_a_row(failures: u32) -> Vec<Way> {
    let window = Window::Count { calls: failures };
    let rate = Trigger::FailureRate {
        at_least: Ratio::ONE,
        min_calls: failures,
    };
    vec![
        (vec![Trigger::Consecutive { failures }], None),
        (vec![rate], Some(window)),
        (vec![Trigger::Failures { failures }], Some(window)),
    ]
}

/// The triggers that `trip_when` says, such as `requests >= 3 and failure_ratio >= 0.6`.
fn trips(text: &str, interval_ns: Option<u64>, calls: u32) -> Result<Vec<Way>, Stop> {
    let strange = || unsupported(format!("no trigger of ours is: {text}"));
    let (mut min_calls, mut row, mut total, mut ratio) = (1, None, None, None);
    for term in text.split(" and ") {
        let words: Vec<&str> = term.split_whitespace().collect();
        let &[name, comparison @ (">" | ">="), number] = words.as_slice() else {
            return strange();
        };
        let strict = comparison == ">";
        let count = || {
            number
                .parse::<u32>()
                .ok()
                .map(|n| n.saturating_add(strict.into()))
        };
        match (name, count()) {
            ("consecutive_failures", Some(n)) => row = Some(n),
            ("failures" | "total_failures", Some(n)) => total = Some(n),
            ("requests", Some(n)) => min_calls = n.max(1),
            ("failure_ratio", _) => {
                let at_least: Option<Ratio> = number.parse().ok();
                ratio = match (at_least, strict) {
                    (Some(ratio), false) => Some(ratio),
                    (Some(ratio), true) => Some(just_above(ratio, calls.max(1))?),
                    (None, _) => return strange(),
                };
            }
            _ => return strange(),
        }
    }
    // Since it last closed, or in the interval: the last 65 536 results are all of those.
    let window = match interval_ns {
        None => Window::Count { calls: 65_536 },
        Some(ns) => Window::Time {
            span: Duration::from_nanos(ns),
            slices: 1,
        },
    };
    match (row, total, ratio) {
        (Some(failures), None, None) if interval_ns.is_none() => Ok(in_a_row(failures)),
        (Some(failures), None, None) => Ok(vec![(vec![Trigger::Consecutive { failures }], None)]),
        (None, Some(failures), None) => {
            Ok(vec![(vec![Trigger::Failures { failures }], Some(window))])
        }
        (None, None, Some(at_least)) => {
            let trigger = Trigger::FailureRate {
                at_least,
                min_calls,
            };
            Ok(vec![(vec![trigger], Some(window))])
        }
        _ => strange(),
    }
}

fn time_window(config: Members<'_>) -> Result<(Window, u64), Stop> {
    let span_ns = config.needed("window_ns")?;
    let bucket_ns = config.whole("bucket_ns")?.unwrap_or(1_000_000_000);
    match span_ns.checked_rem(bucket_ns) {
        Some(0) => {}
        _ => return unsupported("a span that is no multiple of its slices"),
    }
    let window = Window::Time {
        span: Duration::from_nanos(span_ns),
        slices: u32::try_from(span_ns / bucket_ns).unwrap_or(u32::MAX),
    };
    Ok((window, bucket_ns))
}

fn count_window(config: Members<'_>) -> Result<Window, Stop> {
    match config.count("size")?.or(config.count("window_size")?) {
        Some(calls) => Ok(Window::Count { calls }),
        None => fail("the size of the window is missing"),
    }
}

/// A percentage as the ratio to reach; with `strict`, of at most so many calls, the least that is above it.
fn threshold(percent: Option<Decimal>, strict: Option<u32>) -> Result<Option<Ratio>, Stop> {
    let Some(percent) = percent else {
        return Ok(None);
    };
    let ratio = percent.hundredth().ratio()?;
    match strict {
        None => Ok(Some(ratio)),
        Some(calls) => Ok(Some(just_above(ratio, calls)?).filter(|&above| above <= Ratio::ONE)),
    }
}

/// Reached by exactly the shares of at most `calls` that are above `ratio`.
fn just_above(ratio: Ratio, calls: u32) -> Result<Ratio, Stop> {
    let calls = u64::from(calls);
    let (num, den) = (u64::from(ratio.numerator()), u64::from(ratio.denominator()));
    Decimal::lowest(num * calls + 1, den * calls).ratio()
}

/// How many of `permitted` probes pass when fewer fail than the threshold says.
fn must_pass(permitted: u32, percent: Option<Decimal>, above_only: bool) -> u32 {
    let mut failures = 1..=permitted;
    let failed = failures.find(|&failed| reaches(percent, above_only, failed, permitted));
    failed.map_or(1, |failed| permitted - failed + 1)
}

/// Whether `part` of `whole` reaches the percentage.
pub(crate) fn reaches(percent: Option<Decimal>, above_only: bool, part: u32, whole: u32) -> bool {
    percent.is_some_and(|percent| {
        let share = u128::from(part) * 100 * u128::from(percent.den);
        let limit = u128::from(whole) * u128::from(percent.num);
        if above_only {
            share > limit
        } else {
            share >= limit
        }
    })
}

fn decides_after(config: Members<'_>, permitted: u32) -> Result<Option<u32>, Stop> {
    let Some(text) = config.text("half_open_decides")? else {
        return Ok(Some(permitted));
    };
    let number = text.split_whitespace().find_map(|word| word.parse().ok());
    match number {
        Some(results) if text.starts_with("after ") && results == permitted => Ok(Some(results)),
        _ => unsupported(format!("no verdict of ours is: {text}")),
    }
}

fn is_strict(config: Members<'_>) -> Result<bool, Stop> {
    let Some(text) = config.text("half_open_when")? else {
        return Ok(false);
    };
    if text.contains("strict") || (text.contains('>') && !text.contains(">=")) {
        return Ok(true);
    }
    if text.contains(">=") {
        return Ok(false);
    }
    unsupported(format!(
        "when it is half-open is said in other words: {text}"
    ))
}
