//! A health probe's policy explained: diagram, words, waits, and how soon an outage and its end are noticed.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::health::HealthProbePolicy;

use super::diagram::{self, Stage};
use super::layout::Page;
use super::waits::{self, total};
use super::{schedule, words};
use crate::numbers::{count, exact};

pub(super) fn explain(policy: &HealthProbePolicy, page: &mut Page) {
    page.part("HEALTH PROBE");
    page.line("");
    page.diagram(&diagram(policy, page.width));
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    if let Some(down) = policy.down() {
        page.heading("Waits between probes while down");
        waits::table(down, &schedule::rows(down), page);
    }
    page.heading("At worst");
    for sentence in at_worst(policy) {
        page.bullet(&sentence);
    }
}

fn diagram(policy: &HealthProbePolicy, width: usize) -> Vec<String> {
    let up = Stage {
        name: "up",
        leaves: false,
        beside: format!("a probe every {}", every(policy)),
        down: vec![in_a_row(policy.fall(), "failed")],
    };
    let while_down = match policy.down() {
        Some(down) => format!("a probe after {}", words::schedule(down, "failed probe")),
        None => format!("a probe every {}", every(policy)),
    };
    let down = Stage {
        name: "down",
        leaves: false,
        beside: while_down,
        down: vec![in_a_row(policy.rise(), "passed")],
    };
    diagram::cycle(&[up, down], width)
}

fn in_a_row(n: u32, what: &str) -> String {
    match n {
        1 => format!("a probe or a call {what}"),
        n => format!("{n} probes or calls in a row {what}"),
    }
}

/// `9 s to 11 s`.
fn every(policy: &HealthProbePolicy) -> String {
    words::range(interval(policy))
}

/// The shortest and the longest wait between two probes while up.
fn interval(policy: &HealthProbePolicy) -> (Duration, Duration) {
    let steady = BackoffPolicy::builder(policy.interval())
        .growth(Growth::Constant)
        .jitter(policy.jitter())
        .build();
    steady.map_or_else(
        |_| (policy.interval(), policy.interval()),
        |steady| steady.range(1),
    )
}

fn words(policy: &HealthProbePolicy) -> Vec<String> {
    let first = if policy.jitter() == Jitter::None {
        String::new()
    } else {
        format!(
            "; the second within {} of the first, so that those who started together part",
            exact(policy.interval())
        )
    };
    let timeout = exact(policy.timeout());
    let mut sentences = vec![
        format!(
            "Probes at once, then {} after each probe's end{first}.",
            every(policy)
        ),
        format!("A probe without an answer within {timeout} is abandoned and counts as failed."),
        format!(
            "Down when {}, up when {}: results of probes and of traffic count together.",
            in_a_row(policy.fall(), "failed"),
            in_a_row(policy.rise(), "passed")
        ),
    ];
    if let Some(down) = policy.down() {
        sentences.push(format!(
            "While down it waits {}; a probe that passes takes that back to the first wait.",
            words::schedule(down, "failed probe")
        ));
    }
    sentences
}

/// By probes alone: traffic can only be sooner.
fn at_worst(policy: &HealthProbePolicy) -> Vec<String> {
    let (_, most) = interval(policy);
    let (wait_ns, timeout_ns) = (most.as_nanos(), policy.timeout().as_nanos());
    let (fall, rise) = (u128::from(policy.fall()), u128::from(policy.rise()));
    // It begins right after a probe passed. The waits come before each probe, and each takes all its time.
    let noticed_ns = fall * (wait_ns + timeout_ns);
    let mut sentences = vec![format!(
        "Without traffic an outage is noticed after {} at the latest: {} x (a wait of {} and a timeout of {}).",
        total(noticed_ns),
        count(policy.fall().into()),
        exact(most),
        exact(policy.timeout())
    )];
    let (longest_ns, next_ns) = match policy.down() {
        None => (Some(wait_ns), wait_ns),
        Some(down) => (
            schedule::steady_from(down).map(|last| down.range(last).1.as_nanos()),
            down.range(1).1.as_nanos(),
        ),
    };
    sentences.push(match longest_ns {
        // A probe may be under way that still fails; then one whole wait, and a short one before each that must follow.
        Some(longest_ns) => format!(
            "Its end is noticed after {} at the latest, where probes then take no time.",
            total(timeout_ns + longest_ns + (rise - 1) * next_ns)
        ),
        None => "Its end may be noticed hours late: the waits while down have no cap.".to_owned(),
    });
    sentences
}
