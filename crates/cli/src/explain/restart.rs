//! A restart policy explained: diagram, words, waits, and when it escalates.

use evenkeel_core::restart::{Intensity, RestartOn, RestartPolicy};

use super::diagram::{self, Stage};
use super::layout::Page;
use super::waits::{self, total};
use super::{schedule, words};
use crate::numbers::{count, counted, exact};

pub(super) fn explain(policy: &RestartPolicy, page: &mut Page) {
    page.part("RESTART");
    if policy.restart_on() == RestartOn::Never {
        page.line("");
        page.paragraph("It runs once and is never started again: restart_on is never.");
        return;
    }
    page.line("");
    page.diagram(&diagram(policy, page.width));
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("Waits before the restarts");
    waits::table(policy.backoff(), &schedule::rows(policy.backoff()), page);
    page.heading("At worst");
    for sentence in at_worst(policy) {
        page.bullet(&sentence);
    }
}

fn diagram(policy: &RestartPolicy, width: usize) -> Vec<String> {
    let (stops, again) = match policy.restart_on() {
        RestartOn::Always => (None, "ends, with or without a failure"),
        _ => (Some("ends without a failure: stopped"), "fails"),
    };
    let mut down = vec![again.to_owned()];
    if let Some(limit) = policy.intensity() {
        down.push(format!(
            "escalated with failure no. {} within {}",
            count(u64::from(limit.max_restarts) + 1),
            exact(limit.window)
        ));
    }
    let running = Stage {
        name: "running",
        leaves: stops.is_some(),
        beside: stops.unwrap_or_default().to_owned(),
        down,
    };
    let waiting = diagram::waiting(policy.backoff(), "waiting", "restart");
    diagram::cycle(&[running, waiting], width)
}

fn words(policy: &RestartPolicy) -> Vec<String> {
    let again = match policy.restart_on() {
        RestartOn::Always => {
            "Starts it again whenever it ends; an end without a failure waits as well, but counts as no failure."
        }
        _ => "Starts it again when it fails; an end without a failure stops it.",
    };
    let mut sentences = vec![again.to_owned()];
    sentences.push(format!(
        "Before a restart it waits {}.",
        words::schedule(policy.backoff(), "restart")
    ));
    sentences.push(match policy.cooldown() {
        Some(cooldown) => format!(
            "A run that was up for {} or longer makes good what was: the waits begin anew, and earlier failures are \
             forgotten.",
            exact(cooldown)
        ),
        None => "No uptime takes the waits back to the first: cooldown is not set.".to_owned(),
    });
    sentences.push(match policy.intensity() {
        Some(limit) => format!(
            "More than {} within {} are passed up (escalated): it is then not started again by itself.",
            counted(limit.max_restarts.into(), "failure"),
            exact(limit.window)
        ),
        None => "It never escalates: intensity is not set.".to_owned(),
    });
    sentences
}

fn at_worst(policy: &RestartPolicy) -> Vec<String> {
    let backoff = policy.backoff();
    let mut sentences = Vec::new();
    match policy.intensity() {
        Some(limit) => sentences.extend(until_escalation(policy, limit)),
        None => sentences.push(format!(
            "While every run fails at once it is started again for ever: {}",
            waits::pace(backoff, "restarts")
        )),
    }
    let restarts = policy
        .intensity()
        .is_none_or(|limit| limit.max_restarts > 0);
    if let Some(cooldown) = policy.cooldown().filter(|_| restarts) {
        sentences.push(format!(
            "One that always fails after {} or more is restarted after the first wait each time, without end.",
            exact(cooldown)
        ));
    }
    sentences
}

/// How many restarts there are before it escalates, and how long that takes if every run fails at once.
fn until_escalation(policy: &RestartPolicy, limit: Intensity) -> Vec<String> {
    let backoff = policy.backoff();
    let restarts = limit.max_restarts;
    if restarts == 0 {
        return vec!["The first failure escalates: there is no restart after it.".to_owned()];
    }
    let made = counted(restarts.into(), "restart");
    let least_ns = schedule::shortest_sum(backoff, restarts);
    let most_ns = schedule::longest_sum(backoff, restarts.into(), Some).unwrap_or(u128::MAX);
    let window = exact(limit.window);
    let soonest = if least_ns == most_ns {
        String::new()
    } else {
        format!("after {} at the earliest", total(least_ns))
    };
    let mut sentences = if most_ns <= limit.window.as_nanos() {
        let latest = if soonest.is_empty() {
            format!("after {}", total(most_ns))
        } else {
            format!("{soonest}, {} at the latest", total(most_ns))
        };
        vec![format!(
            "While every run fails at once it escalates after {made}, {latest}.",
        )]
    } else {
        vec![
            format!("While every run fails at once it can escalate after {made}, {soonest}."),
            format!(
                "It need not: the longest waits of {made} last {} together, more than the window of {window}, so that \
                 with unlucky draws it goes on at the cap. A longer window, fewer restarts or a lower cap mend that.",
                if most_ns == u128::MAX {
                    "too long to count".to_owned()
                } else {
                    total(most_ns)
                }
            ),
        ]
    };
    let apart_ns = limit.window.as_nanos() / u128::from(restarts);
    sentences.push(format!(
        "One whose failures are always more than {} apart (its uptime and the wait) never escalates.",
        total(apart_ns)
    ));
    sentences
}
