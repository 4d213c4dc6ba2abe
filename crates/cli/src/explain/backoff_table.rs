//! A backoff table explained: the rule, words, holds, and the memory that it can take.

use evenkeel_core::backoff::Jitter;
use evenkeel_core::table::BackoffTablePolicy;

use super::advice::Advised;
use super::diagram::{self, Stage};
use super::layout::Page;
use super::{memory, schedule, waits, words};
use crate::numbers::{counted, exact};

pub(super) fn explain(policy: &BackoffTablePolicy, page: &mut Page) {
    let backoff = policy.backoff();
    page.part("BACKOFF TABLE");
    page.line("");
    page.diagram(&diagram(policy, page.width));
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("Holds of one key");
    waits::table(backoff, &schedule::rows(backoff), page);
    page.heading("At worst");
    page.bullet(&format!(
        "A key that is asked for at once after each hold and always fails: {}",
        waits::pace(backoff, "tries")
    ));
    let wait = match backoff.jitter() {
        Jitter::Decorrelated => 8,
        _ => 0,
    };
    let queues = if policy.due_index() { 2 } else { 0 };
    let each = memory::of_slots(policy.max_keys(), 24 + wait, queues);
    page.bullet(&memory::sentence(policy.max_keys(), each));
}

fn diagram(policy: &BackoffTablePolicy, width: usize) -> Vec<String> {
    let passes = Stage {
        name: "passes",
        leaves: false,
        beside: "a key that is unknown, or whose hold is over".to_owned(),
        down: vec!["fails, or is advised to come back later".to_owned()],
    };
    let mut held = diagram::waiting(policy.backoff(), "held", "failure in a row");
    held.down = vec![
        "the hold is over: passes, the failures remembered".to_owned(),
        format!(
            "succeeds, or {} after the hold: forgotten",
            exact(policy.forget_after())
        ),
    ];
    diagram::cycle(&[passes, held], width)
}

fn words(policy: &BackoffTablePolicy) -> Vec<String> {
    let advised = Advised {
        rule: policy.advisory_rule(),
        cap: policy.advisory_cap(),
        spread: policy.advisory_spread(),
    };
    let index = if policy.due_index() {
        "An index finds the next end of a hold at once."
    } else {
        "Without due_index, finding the next end of a hold goes through all keys."
    };
    vec![
        format!(
            "A key that fails is held back for {}.",
            words::schedule(policy.backoff(), "failure in a row")
        ),
        advised.sentence(),
        format!(
            "A success, or {} after the end of a hold, makes a key unknown again.",
            exact(policy.forget_after())
        ),
        format!(
            "It tracks at most {}. When it is full and none can be forgotten, those that fail beyond that share one \
             hold.",
            counted(policy.max_keys().into(), "key")
        ),
        index.to_owned(),
    ]
}
