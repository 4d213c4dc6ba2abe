//! A breaker table explained: what it adds to the breaker of each key, and the memory that it can take.

use std::mem::size_of;

use evenkeel_core::breaker::{BreakerPolicy, BreakerState, Trigger, Window};
use evenkeel_core::table::BreakerTablePolicy;

use super::layout::Page;
use super::{breaker, memory};
use crate::numbers::{counted, exact};

/// What a breaker keeps without the heap.
const INLINE_WORDS: u64 = 4;

pub(super) fn explain(policy: &BreakerTablePolicy, page: &mut Page) {
    page.part("BREAKER TABLE");
    page.line("");
    page.paragraph("A breaker for each key, from its first ask on; all have the policy below.");
    page.heading("The table in words");
    page.bullet(&format!(
        "A key that is not held back and was neither asked for nor reported for {} is forgotten: as if it had never \
         been there.",
        exact(policy.forget_after())
    ));
    page.bullet(&format!(
        "It tracks at most {}. When it is full and none can be forgotten, all further keys share one breaker.",
        counted(policy.max_keys().into(), "key")
    ));
    page.bullet(&memory::sentence(
        policy.max_keys(),
        memory::of_slots(policy.max_keys(), size_of::<BreakerState>() as u64 + 40, 1)
            + on_heap(policy.breaker()),
    ));
    page.heading("The breaker of one key");
    breaker::body(policy.breaker(), page);
}

/// What the window and the trials of one breaker take on the heap.
fn on_heap(policy: &BreakerPolicy) -> u64 {
    let conditions = conditions(policy);
    let window = match policy.window() {
        _ if conditions == 0 => 0,
        // A result has as many bits as there are conditions, rounded up to a power of two.
        Some(Window::Count { calls }) => {
            (u64::from(calls) * conditions.next_power_of_two()).div_ceil(64)
        }
        Some(Window::Time { slices, .. }) => (u64::from(slices) * (conditions + 1)).div_ceil(2),
        _ => 0,
    };
    let trials = 2 * u64::from(policy.max_in_flight().min(policy.trials()));
    let words = window.max(trials);
    if words > INLINE_WORDS { words * 8 } else { 0 }
}

/// How many different things the window counts: failures, and each limit of latency.
fn conditions(policy: &BreakerPolicy) -> u64 {
    let mut seen = Vec::new();
    for trigger in policy.triggers() {
        let condition = match trigger {
            Trigger::Failures { .. } | Trigger::FailureRate { .. } => None,
            Trigger::SlowRate { slower_than, .. } => Some(slower_than),
            Trigger::Latency { above, .. } => Some(above),
            _ => continue,
        };
        if !seen.contains(&condition) {
            seen.push(condition);
        }
    }
    seen.len() as u64
}
