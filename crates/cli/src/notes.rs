//! What a replay notes at its end: where the trace or the policy is probably not what its owner means.

use evenkeel_core::breaker::{BreakerPolicy, Cause};

use crate::numbers;
use crate::summary::Summary;

/// One sentence each.
pub(crate) fn notes(summary: &Summary, policy: &BreakerPolicy, per_key: bool) -> Vec<String> {
    let gap = summary.extent.gap_note();
    let keys = (!per_key && summary.key_count.is_several()).then(|| {
        let keys = summary.key_count;
        format!(
            "the trace has {keys}, and one breaker stands for all: --per-key gives each its own"
        )
    });
    [gap, keys, lost_probes(summary, policy)]
        .into_iter()
        .flatten()
        .collect()
}

/// A `probe_timeout` below what the calls themselves take: each slow probe counts as lost.
fn lost_probes(summary: &Summary, policy: &BreakerPolicy) -> Option<String> {
    let made = &summary.transitions;
    let lost = made
        .iter()
        .filter(|made| made.transition.cause == Cause::ProbeLost)
        .count() as u64;
    let longest_ns = summary.latency_before?.max;
    let timeout = policy.probe_timeout();
    if lost == 0 || u128::from(longest_ns) <= timeout.as_nanos() {
        return None;
    }
    Some(format!(
        "{} without an answer after {} opened it again; calls of this trace take up to {}: probe_timeout belongs above that",
        numbers::counted(lost, "probe"),
        numbers::exact(timeout),
        numbers::rounded(longest_ns)
    ))
}
