//! What `replay` prints for people: every transition, the band, what was kept away and at what price.

use std::fmt::Write;

use evenkeel_core::breaker::{BreakerPolicy, Cause, Phase, Trigger};
use evenkeel_core::estimator::LatencySummary;

use crate::numbers;
use crate::screen::Screen;
use crate::summary::{PRECISION, Summary, Tally};
use crate::text::{aligned, label};

/// What is said about the recording, in every summary.
const NOTE: &str = "Recorded outcomes are taken as independent of what was admitted:
a call that the policy lets through ends as it was recorded.";

/// Up to this long a trace is told in seconds, which are easy to find in the file.
const LONGEST_IN_SECONDS_NS: u64 = 10_000_000_000_000;

fn phase(phase: Phase, screen: Screen) -> String {
    let code = match phase {
        Phase::Closed => "32",
        Phase::Open => "31",
        Phase::HalfOpen => "33",
    };
    screen.painted(&format!("{phase:9}"), code)
}

/// The first line: what was run.
pub(crate) fn header(trace: &str, policy: &str, summary: &Summary, per_key: bool) -> String {
    let breakers = if per_key {
        format!(
            "one breaker for each of {}",
            numbers::counted(summary.keys.len() as u64, "key")
        )
    } else {
        "one breaker for all keys".to_owned()
    };
    let span = numbers::rounded(summary.end_ns - summary.start_ns);
    let calls = numbers::counted(summary.rows, "call");
    format!("{trace} under {policy}: {calls} in {span}, {breakers}\n")
}

/// A terminal is shown so many transitions; of more the first and the last, which leave its picture in sight.
const MOST_TRANSITIONS: usize = 40;
const FIRST_TRANSITIONS: usize = 12;
const LAST_TRANSITIONS: usize = 8;

/// More of a key's name is not shown: one long key must not push all lines apart.
const LONGEST_KEY: usize = 40;

/// Every transition, one a line.
pub(crate) fn transitions(summary: &Summary, policy: &BreakerPolicy, screen: Screen) -> String {
    if summary.transitions.is_empty() {
        return format!(
            "No transition: the breaker stays closed.\n{}",
            unjudged(summary, policy)
        );
    }
    let whole = summary.end_ns - summary.start_ns;
    let rows: Vec<_> = summary
        .transitions
        .iter()
        .map(|noted| {
            let since_start = noted.transition.at_ns.saturating_sub(summary.start_ns);
            (
                instant(since_start, whole),
                label(summary.key_name(noted).unwrap_or(""), LONGEST_KEY),
                noted.transition,
            )
        })
        .collect();
    let widest =
        |width: fn(&(String, String, _)) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let at_width = widest(|(at, ..)| at.chars().count());
    let key_width = widest(|(_, key, _)| key.chars().count());
    let key_gap = if key_width > 0 { 2 } else { 0 };
    let mut text = String::new();
    // A pipe gets all of them.
    let hidden = match screen.is_terminal && rows.len() > MOST_TRANSITIONS {
        true => FIRST_TRANSITIONS..rows.len() - LAST_TRANSITIONS,
        false => 0..0,
    };
    for (index, (at, key, transition)) in rows.iter().enumerate() {
        if hidden.contains(&index) {
            if index == hidden.start {
                let more = numbers::count(hidden.len() as u64);
                let _ = writeln!(
                    text,
                    "  .. {more} more: in a pipe, with --json and --report"
                );
            }
            continue;
        }
        let from = transition.from;
        let to = phase(transition.to, screen);
        let cause = transition.cause;
        let _ = writeln!(
            text,
            "  {at:>at_width$}  {key:key_width$}{:key_gap$}{from:>9} -> {to}  {cause}",
            ""
        );
    }
    text
}

/// Which triggers never had enough results to be judged. (Of a breaker that stays closed no window was cleared.)
fn unjudged(summary: &Summary, policy: &BreakerPolicy) -> String {
    let most = summary.most_results;
    let mut text = String::new();
    for trigger in policy.triggers() {
        let (kind, min_calls) = match trigger {
            Trigger::FailureRate { min_calls, .. } => (Cause::FailureRate, min_calls),
            Trigger::SlowRate { min_calls, .. } => (Cause::SlowRate, min_calls),
            Trigger::Latency { min_calls, .. } => (Cause::Latency, min_calls),
            _ => continue,
        };
        if most < u64::from(min_calls) {
            let min_calls = numbers::count(min_calls.into());
            let most = numbers::counted(most, "result");
            text += &format!(
                "The trigger {kind} was never judged: its min_calls is {min_calls}, and no breaker had more than {most}.\n"
            );
        }
    }
    text
}

/// An instant of a trace that lasts `whole_ns`: `60.038 s`, so that the points stand below each other.
fn instant(since_start_ns: u64, whole_ns: u64) -> String {
    match whole_ns {
        1_000_000_000..LONGEST_IN_SECONDS_NS => {
            let ms = since_start_ns / 1_000_000;
            format!("{}.{:03} s", ms / 1_000, ms % 1_000)
        }
        _ => numbers::instant(since_start_ns, whole_ns),
    }
}

/// The numbers.
pub(crate) fn numbers(summary: &Summary, slow_limit_ns: Option<u64>, screen: Screen) -> String {
    let mut lines = vec![
        counted("admitted", summary.admitted, summary.rows, "calls"),
        counted("refused", summary.refused, summary.rows, "calls"),
        part_of("failures kept away".to_owned(), summary.failures),
    ];
    if let (Some(slow), Some(limit_ns)) = (summary.slow, slow_limit_ns) {
        let limit = numbers::rounded(limit_ns);
        lines.push(part_of(
            format!("slow calls kept away (above {limit})"),
            slow,
        ));
    }
    lines.push(part_of("good calls refused".to_owned(), summary.good));
    let mut text = aligned(&lines, &[false, true, false, true]);
    text.push('\n');
    let mut table = latencies(summary, ["before (all calls)", "after (admitted calls)"]);
    let is_wide = |line: &str| line.chars().count() > screen.width;
    if screen.is_terminal && table.lines().any(is_wide) {
        table = latencies(summary, ["all calls", "admitted"]);
    }
    text += &table;
    text += &screen.fitted(&format!("  {PRECISION}"));
    text += "\n\n";
    text + NOTE + "\n"
}

fn counted(what: &str, part: u64, whole: u64, of: &str) -> Vec<String> {
    let share = numbers::percent(part, whole);
    let of = format!("of {} {of}", numbers::count(whole));
    vec![what.to_owned(), numbers::count(part), of, share]
}

fn part_of(what: String, tally: Tally) -> Vec<String> {
    let of = format!("of {}", numbers::count(tally.seen));
    let share = numbers::percent(tally.avoided, tally.seen);
    vec![what, numbers::count(tally.avoided), of, share]
}

fn latencies(summary: &Summary, [before, after]: [&str; 2]) -> String {
    let names = [
        "latency", "p50", "p90", "p95", "p99", "p99.9", "max", "mean",
    ];
    let mut lines = vec![names.map(str::to_owned).to_vec()];
    let mut line = |name: &str, latency: Option<LatencySummary>| {
        let values = latency.map_or([None; 7], |l| {
            [l.p50, l.p90, l.p95, l.p99, l.p999, l.max, l.mean].map(Some)
        });
        let shown = values.map(|value| value.map_or_else(|| "-".to_owned(), numbers::rounded));
        lines.push([name.to_owned()].into_iter().chain(shown).collect());
    };
    line(before, summary.latency_before);
    line(after, summary.latency_after);
    aligned(&lines, &[false, true, true, true, true, true, true, true])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evenkeel_core::backoff::BackoffPolicy;

    use super::*;
    use crate::timeline::fixtures::{SECOND, round_trip, summary};

    #[test]
    fn a_long_list_leaves_the_picture_of_a_terminal_in_sight() {
        let open = BackoffPolicy::builder(Duration::from_secs(1));
        let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
            .trigger(Trigger::Consecutive { failures: 5 })
            .build()
            .unwrap();
        let lines = |openings: u64, is_terminal| {
            let made = (0..openings).flat_map(|i| round_trip(None, i * 10 * SECOND, SECOND));
            let summary = summary(1_000 * SECOND, &[], made.collect());
            let screen = Screen {
                width: 80,
                colour: false,
                is_terminal,
            };
            let text = transitions(&summary, &policy, screen);
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let (short, all) = (lines(50, true), lines(50, false));
        assert_eq!((short.len(), all.len()), (21, 150));
        assert_eq!(short[..12], all[..12]);
        assert_eq!(
            short[12],
            "  .. 130 more: in a pipe, with --json and --report"
        );
        assert_eq!(short[13..], all[142..]);
        assert_eq!(lines(13, true), lines(13, false));
    }
}
