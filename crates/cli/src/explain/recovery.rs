//! A recovery budget explained: the rule, words, waits, and how many recoveries and how much memory it can take.

use evenkeel_core::backoff::Jitter;
use evenkeel_core::table::RecoveryBudgetPolicy;

use super::layout::Page;
use super::{memory, schedule, waits, words};
use crate::numbers::{count, counted, exact};

pub(super) fn explain(policy: &RecoveryBudgetPolicy, page: &mut Page) {
    let backoff = policy.backoff();
    let window = exact(policy.window());
    let grants = match policy.budget() {
        1 => "1 recovery".to_owned(),
        n => format!("{} recoveries", count(n.into())),
    };
    page.part("RECOVERY BUDGET");
    page.line("");
    page.rule(
        "allowed while",
        &format!("recoveries of the key < {}", count(policy.budget().into())),
        &format!("of the last {window}"),
    );
    page.heading("In words");
    page.bullet(&format!(
        "A key that crashed is recovered at most {} in any {window}, each time after {}.",
        counted(policy.budget().into(), "time"),
        words::schedule(backoff, "recovery")
    ));
    page.bullet(
        "Then it is refused until the oldest recovery has left the window; a refused crash does not extend that.",
    );
    page.bullet(&format!(
        "A success, or {} without a recovery, makes a key unknown again: the waits begin anew.",
        exact(policy.forget_after())
    ));
    page.bullet(&format!(
        "It tracks at most {}. When it is full and none can be forgotten, an unknown key is refused.",
        counted(policy.max_keys().into(), "key")
    ));
    page.heading("Waits before the recoveries of one key");
    waits::table(backoff, &schedule::rows(backoff), page);
    page.heading("At worst");
    let all = u64::from(policy.budget()) * u64::from(policy.max_keys());
    page.bullet(&format!(
        "One key has at most {grants} in any {window}, all keys together {}.",
        count(all)
    ));
    let wait = match backoff.jitter() {
        Jitter::Decorrelated => 8,
        _ => 0,
    };
    let slot = 32 + 8 * u64::from(policy.budget()) + wait;
    let each = memory::of_slots(policy.max_keys(), slot, 1);
    page.bullet(&memory::sentence(policy.max_keys(), each));
}
