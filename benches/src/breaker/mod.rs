//! A call through a breaker: ask, and report how it ended.
//!
//! Ours is given the instant and owned by one thread; the peers lock, and read the clock where they need it.

mod checks;
mod ours;
mod peers;
mod restated;
mod subject;

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Trigger, Window};
use evenkeel_core::{Quantile, Ratio};

use crate::inputs::{Call, Calls, ROW, calls};
use crate::origins::PauseBreaker;
use crate::repeat::repeated;
use crate::{Case, Entrant};
use checks::{admitted, opens_by_either, opens_by_time, same_from_empty, same_row, same_window};
use ours::{Nothing, Ours};
use peers::{Failsafe, circuitbreaker_rs, failsafe_consecutive, recloser, tower_resilience};
use restated::Monitored;
use subject::Subject;

const RECLOSER: &str = "recloser 1.4";
const FAILSAFE: &str = "failsafe 1.3";
const FAILSAFE_EMA: &str = "failsafe 1.3, moving average";
const CIRCUITBREAKER_RS: &str = "circuitbreaker-rs 0.1";
const TOWER_RESILIENCE: &str = "tower-resilience 0.14";
const ORIGIN: &str = "origin O5";

/// No call fails, or one in ten does; neither opens a breaker here.
const HEALTHY: f64 = 0.0;
const SHAKY: f64 = 0.1;

const CALLS: u32 = 100;
const IN_A_ROW: u32 = 20;
const LIMIT: Duration = Duration::from_millis(200);
/// A probe that is lost is none of these benches' business.
const PROBE_TIMEOUT: Duration = HOUR;
const HOUR: Duration = Duration::from_secs(3600);

/// The cases of the breaker.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (how, failing) in [("healthy", HEALTHY), ("1 in 10 fails", SHAKY)] {
        cases.extend([
            two_triggers(how, failing),
            four_triggers(how, failing),
            time_window(how, failing),
            consecutive(how, failing),
        ]);
    }
    cases.extend([latency_trigger(), refusal(), two_probes(), one_probe()]);
    cases
}

/// Asks and reports call after call of the row.
fn calling<S: Subject + 'static>(
    name: &'static str,
    make: impl Fn() -> S + 'static,
    calls: &Calls,
) -> Entrant {
    let calls = calls.clone();
    Entrant::new(name, move || {
        let mut subject = make();
        let calls = calls.clone();
        let mut at = 0;
        for call in calls.iter() {
            subject.pass(*call);
        }
        Box::new(move |n| {
            for _ in 0..n {
                at = (at + 1) % ROW;
                let call = black_box(&calls[at]);
                black_box(black_box(&mut subject).pass(*call));
            }
        })
    })
}

/// The harness alone, to be taken off from the instruction counts where somebody wants that.
#[must_use]
pub fn harness() -> Entrant {
    calling("harness alone", || Nothing, &calls(1, HEALTHY))
}

fn open_for(wait: Duration) -> BackoffPolicy {
    let open = BackoffPolicy::builder(wait).growth(Growth::Constant);
    open.jitter(Jitter::None).build().expect("a valid wait")
}

fn counted(open: BackoffPolicy) -> BreakerBuilder {
    BreakerPolicy::builder(open, PROBE_TIMEOUT).window(Window::Count { calls: CALLS })
}

fn failure_rate(min_calls: u32) -> Trigger {
    let at_least = Ratio::percent(50);
    Trigger::FailureRate {
        at_least,
        min_calls,
    }
}

fn slow_rate() -> Trigger {
    Trigger::SlowRate {
        slower_than: LIMIT,
        at_least: Ratio::percent(50),
        min_calls: 20,
    }
}

fn p99_above(above: Duration, min_calls: u32) -> Trigger {
    Trigger::Latency {
        quantile: Quantile::P99,
        above,
        min_calls,
    }
}

fn built(builder: BreakerBuilder) -> Ours {
    Ours::new(builder.build().expect("a valid policy"))
}

fn with_two() -> Ours {
    let open = open_for(HOUR);
    built(
        counted(open)
            .trigger(failure_rate(CALLS))
            .trigger(slow_rate()),
    )
}

fn with_four() -> Ours {
    let open = open_for(HOUR);
    let failures = IN_A_ROW;
    built(
        counted(open)
            .trigger(Trigger::Consecutive { failures })
            .trigger(failure_rate(CALLS))
            .trigger(slow_rate())
            .trigger(p99_above(Duration::from_secs(2), CALLS)),
    )
}

fn with_time() -> Ours {
    let open = open_for(HOUR);
    let window = Window::Time {
        span: Duration::from_secs(10),
        slices: 10,
    };
    built(
        BreakerPolicy::builder(open, PROBE_TIMEOUT)
            .window(window)
            .trigger(failure_rate(CALLS))
            .trigger(slow_rate()),
    )
}

fn with_consecutive() -> Ours {
    let open = open_for(HOUR);
    let failures = IN_A_ROW;
    let builder = BreakerPolicy::builder(open, PROBE_TIMEOUT);
    built(builder.trigger(Trigger::Consecutive { failures }))
}

fn two_triggers(how: &str, failing: f64) -> Case {
    let row = calls(2, failing);
    // The goals were set by measurements of calls that succeed.
    let goal = |times| (failing == HEALTHY).then_some(times);
    Case::new(
        format!("breaker: count 100, failure and slow rate, {how}"),
        calling("ours", with_two, &row),
        || {
            same_window();
            same_from_empty(with_two, circuitbreaker_rs);
            same_from_empty(with_two, tower_resilience);
        },
    )
    .against(calling(RECLOSER, || recloser(HOUR, 1), &row), goal(5.0))
    .against(
        calling(FAILSAFE, || failsafe_consecutive(IN_A_ROW), &row),
        goal(8.0),
    )
    .against(calling(CIRCUITBREAKER_RS, circuitbreaker_rs, &row), None)
    .against(
        calling(TOWER_RESILIENCE, tower_resilience, &row),
        goal(50.0),
    )
    .against(
        calling(ORIGIN, || PauseBreaker::new(IN_A_ROW), &row),
        goal(25.0),
    )
}

fn four_triggers(how: &str, failing: f64) -> Case {
    let row = calls(2, failing);
    Case::new(
        format!("breaker: count 100, four triggers, {how}"),
        calling("ours", with_four, &row),
        opens_by_either,
    )
    .against(calling(RECLOSER, || recloser(HOUR, 1), &row), None)
}

fn time_window(how: &str, failing: f64) -> Case {
    let row = calls(2, failing);
    Case::new(
        format!("breaker: last 10 s in 10 slices, failure and slow rate, {how}"),
        calling("ours", with_time, &row),
        opens_by_time,
    )
    .against(calling(FAILSAFE_EMA, Failsafe::moving_average, &row), None)
}

fn consecutive(how: &str, failing: f64) -> Case {
    let row = calls(2, failing);
    Case::new(
        format!("breaker: consecutive failures only, {how}"),
        calling("ours", with_consecutive, &row),
        || {
            same_row(with_consecutive, || failsafe_consecutive(IN_A_ROW));
            same_row(with_consecutive, || PauseBreaker::new(IN_A_ROW));
        },
    )
    .against(
        calling(FAILSAFE, || failsafe_consecutive(IN_A_ROW), &row),
        None,
    )
    .against(calling(ORIGIN, || PauseBreaker::new(IN_A_ROW), &row), None)
}

/// "Is the p99 of the last 1 000 calls above a limit", asked at each call.
fn latency_trigger() -> Case {
    const WINDOW: u32 = 1_000;
    fn ours(above: Duration) -> Ours {
        let open = open_for(HOUR);
        built(
            BreakerPolicy::builder(open, PROBE_TIMEOUT)
                .window(Window::Count { calls: WINDOW })
                .trigger(p99_above(above, WINDOW)),
        )
    }
    fn origin(above: Duration) -> Monitored {
        Monitored::new(WINDOW as usize, above)
    }
    let row = calls(2, HEALTHY);
    Case::new(
        "breaker: p99 of the last 1000 above a limit, healthy",
        calling("ours", || ours(LIMIT), &row),
        || {
            // Around the p99 of these latencies, so that either verdict comes up.
            for ms in [50, 55, 60, 65, 70, 75] {
                let above = Duration::from_millis(ms);
                let opened = same_row(|| ours(above), || origin(above));
                assert_eq!(opened.is_some(), ms < 70, "at {ms} ms");
            }
        },
    )
    .against(
        calling("origin O5 with its monitor", || origin(LIMIT), &row),
        None,
    )
}

/// Each ask meets a breaker that was opened; there is nothing to report.
fn refusal() -> Case {
    Case::new(
        "breaker: refusal while open",
        repeated("ours", || {
            let mut ours = opened(with_two());
            move || ours.ask()
        }),
        || {
            assert!(!opened(with_two()).ask());
            assert!(!opened(recloser(HOUR, 1)).pass(SUCCESS));
            assert!(!opened(failsafe_consecutive(IN_A_ROW)).pass(SUCCESS));
            assert!(!opened(circuitbreaker_rs()).pass(SUCCESS));
            assert!(!opened(tower_resilience()).pass(SUCCESS));
            assert!(!opened(PauseBreaker::new(IN_A_ROW)).pass(SUCCESS));
        },
    )
    .against(refusing(RECLOSER, || recloser(HOUR, 1)), 20.0)
    .against(refusing(FAILSAFE, || failsafe_consecutive(IN_A_ROW)), None)
    .against(refusing(CIRCUITBREAKER_RS, circuitbreaker_rs), None)
    .against(refusing(TOWER_RESILIENCE, tower_resilience), None)
    .against(refusing(ORIGIN, || PauseBreaker::new(IN_A_ROW)), None)
}

const SUCCESS: Call = Call {
    failed: false,
    latency_ns: 1,
};

fn opened<S: Subject>(mut subject: S) -> S {
    let failure = Call {
        failed: true,
        ..SUCCESS
    };
    while subject.pass(failure) {}
    subject
}

fn refusing<S: Subject + 'static>(name: &'static str, make: impl Fn() -> S + 'static) -> Entrant {
    repeated(name, move || {
        let mut subject = opened(make());
        move || subject.pass(SUCCESS)
    })
}

/// Each call is a probe that fails; the breaker was open before it and its wait is over.
fn probing(trials: u32) -> Ours {
    let builder = counted(open_for(Duration::from_secs(1)))
        .trigger(failure_rate(CALLS))
        .trials(trials)
        .successes(1);
    built(builder).stepping(Duration::from_secs(10))
}

fn two_probes() -> Case {
    let row = calls(2, 1.0);
    Case::new(
        "breaker: open, half-open, one of two probes, open again",
        calling("ours", || probing(2), &row),
        || {
            assert_eq!(admitted(probing(2)), ROW);
            assert_eq!(admitted(recloser(Duration::ZERO, 1)), ROW);
        },
    )
    .against(
        calling(RECLOSER, || recloser(Duration::ZERO, 1), &row),
        None,
    )
}

fn one_probe() -> Case {
    let row = calls(2, 1.0);
    Case::new(
        "breaker: open, half-open, one probe, open again",
        calling("ours", || probing(1), &row),
        || {
            assert_eq!(admitted(probing(1)), ROW);
            assert_eq!(admitted(Failsafe::without_wait()), ROW);
        },
    )
    .against(calling(FAILSAFE, Failsafe::without_wait, &row), None)
}
