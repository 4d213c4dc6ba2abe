//! A breaker policy explained: diagram, words, open waits, and what it lets through at worst.

use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};

use super::layout::Page;
use super::{diagram, schedule, words};
use crate::numbers::{count, counted, decimal, exact};

pub(crate) fn explain(policy: &BreakerPolicy, page: &mut Page) {
    page.part("BREAKER");
    body(policy, page);
}

/// All but the name: the breakers of a table have the same.
pub(super) fn body(policy: &BreakerPolicy, page: &mut Page) {
    page.line("");
    page.diagram(&diagram::breaker(policy, page.width));
    page.heading("In words");
    for sentence in words::breaker(policy) {
        page.bullet(&sentence);
    }
    page.heading("Open waits, and what passes meanwhile while every call fails");
    waits(policy, page);
    page.heading("At worst");
    page.bullet(&until_open(policy));
    page.bullet(&while_down(policy));
}

/// The table: for each open in a row how long it lasts, and the load of the trials after it.
fn waits(policy: &BreakerPolicy, page: &mut Page) {
    let trials = trials_at_most(policy);
    let head = [
        "open in a row",
        "ceiling",
        "least",
        "most",
        "passes at most",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let mut previous = 0;
    for wait in schedule::rows(policy.open()) {
        if wait.number != previous + 1 {
            table.push(vec!["..".to_owned(); 1]);
        }
        previous = wait.number;
        let calls = counted(trials.into(), "trial");
        let passes = if wait.least.is_zero() {
            format!("{calls} each wait, which may be 0 s")
        } else {
            format!(
                "{calls} in {} ({} a second)",
                exact(wait.least),
                a_second(trials, wait.least.as_nanos())
            )
        };
        table.push(vec![
            count(wait.number.into()),
            exact(wait.ceiling),
            exact(wait.least),
            exact(wait.most),
            passes,
        ]);
    }
    page.table(&table);
    page.paragraph(&schedule::after(policy.open(), previous, "open waits"));
}

/// How many trials one half-open phase can let through if all of them fail.
///
/// It ends with failure number `trials - successes + 1`. By then all but the last of these have reported, and beside
/// the last there can be as many under way as are allowed at a time.
fn trials_at_most(policy: &BreakerPolicy) -> u32 {
    let tolerated = policy.trials() - policy.successes();
    tolerated
        .saturating_add(policy.max_in_flight())
        .min(policy.trials())
}

/// Calls a second, rounded up to thousandths: it is a bound.
fn a_second(calls: u32, every_ns: u128) -> String {
    let thousandths = (u128::from(calls) * 1_000_000_000_000).div_ceil(every_ns);
    decimal(thousandths, 1000)
}

/// How many results it takes to open it, whatever came before them.
fn until_open(policy: &BreakerPolicy) -> String {
    let at_most = |wanted: fn(&Trigger) -> bool| {
        let triggers = policy.triggers().filter(wanted);
        triggers
            .filter_map(|trigger| results_to_open(trigger, policy.window()))
            .min()
    };
    let failing = at_most(|trigger| {
        matches!(
            trigger,
            Trigger::Consecutive { .. } | Trigger::Failures { .. } | Trigger::FailureRate { .. }
        )
    });
    let slow =
        at_most(|trigger| matches!(trigger, Trigger::SlowRate { .. } | Trigger::Latency { .. }));
    let mut bounds = Vec::new();
    if let Some(n) = failing {
        bounds.push(in_a_row(n, "failed"));
    }
    if let Some(n) = slow {
        bounds.push(in_a_row(n, "slow"));
    }
    if bounds.is_empty() {
        return "No number of results bounds when it opens: its triggers look at a span of time."
            .to_owned();
    }
    format!(
        "Whatever came before, it opens at the latest {}. Calls already under way then are not stopped.",
        bounds.join(", or ")
    )
}

/// How many results of its kind in a row surely fire a trigger; `None` where the number depends on the traffic.
fn results_to_open(trigger: Trigger, window: Option<Window>) -> Option<u64> {
    if let Trigger::Consecutive { failures } = trigger {
        return Some(failures.into());
    }
    let Some(Window::Count { calls }) = window else {
        return None;
    };
    let calls = u64::from(calls);
    match trigger {
        Trigger::Failures { failures } => Some(failures.into()),
        // At worst the window is full of good results, or so empty that `min_calls` is what holds it back.
        Trigger::FailureRate {
            at_least,
            min_calls,
        }
        | Trigger::SlowRate {
            at_least,
            min_calls,
            ..
        } => {
            let (num, den) = (
                u64::from(at_least.numerator()),
                u64::from(at_least.denominator()),
            );
            Some((num * calls).div_ceil(den).max(min_calls.into()))
        }
        Trigger::Latency {
            quantile,
            min_calls,
            ..
        } => {
            let rank = quantile.rank(calls)?;
            Some((calls - rank + 1).max(min_calls.into()))
        }
        _ => None,
    }
}

/// The load of the trials while the dependency stays down.
fn while_down(policy: &BreakerPolicy) -> String {
    let trials = trials_at_most(policy);
    let calls = counted(trials.into(), "trial");
    let open = policy.open();
    let (first, _) = open.range(1);
    let start = format!("While every call fails, each open wait is followed by at most {calls}");
    let given_back =
        "A trial that its caller gives up (ignored) gives its place back and is not counted here.";
    if first.is_zero() {
        return format!(
            "{start}. Nothing bounds them in time: the jitter can draw open waits of 0 s. {given_back}"
        );
    }
    let share = share_of_100(trials, first.as_nanos());
    let later = match schedule::steady_from(open) {
        Some(last) => {
            let at_last = share_of_100(trials, open.range(last).0.as_nanos());
            if at_last == share {
                String::new()
            } else {
                let last = ordinal(last.into());
                format!(" at first, {at_last} from the {last} open in a row on")
            }
        }
        None => " at first, and less with each open in a row".to_owned(),
    };
    format!("{start}. Of 100 calls a second that is at most {share}{later}. {given_back}")
}

/// Trials in each such wait as a share of 100 calls a second, rounded up to thousandths of a per cent.
fn share_of_100(trials: u32, every_ns: u128) -> String {
    // Calls a second are per cent of a hundred calls a second.
    let thousandths = (u128::from(trials) * 1_000_000_000_000).div_ceil(every_ns);
    format!("{} %", decimal(thousandths.min(100_000), 1000))
}

fn in_a_row(n: u64, kind: &str) -> String {
    match n {
        1 => format!("with the first {kind} result"),
        n => format!("with the {} {kind} result in a row", ordinal(n)),
    }
}

pub(super) fn ordinal(n: u64) -> String {
    let suffix = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", count(n))
}
