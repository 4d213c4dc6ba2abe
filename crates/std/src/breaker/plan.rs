//! What a policy allows to be done without the lock, worked out once.

use std::time::Duration;

use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};

/// What the report of a plain success does, where it needs no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Success {
    /// Nothing: only failures in a row count, and there is none.
    Nothing,
    /// It is counted in a stripe.
    Count,
    /// It is counted in a stripe that carries the slice of time.
    CountIn { slice_ns: u64 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) success: Success,
    /// Whether it is counted and nothing else matters: not how long it took, and not when it came.
    pub(super) counts_alone: bool,
    /// A success that took longer is not plain.
    pub(super) least_limit_ns: u64,
    /// From so many results in the window on, no trigger waits for more.
    pub(super) min_calls: u32,
    /// Whether a window without failures and slow results is known to hold nothing above any limit.
    pub(super) sees_all_limits: bool,
    /// How many successes in a row, told one by one, leave a machine as any larger number would.
    pub(super) most_told: u64,
}

impl Plan {
    pub(super) fn new(policy: &BreakerPolicy, count_all: bool) -> Self {
        let windowed = |trigger: &Trigger| !matches!(trigger, Trigger::Consecutive { .. });
        let window = policy
            .window()
            .filter(|_| policy.triggers().any(|trigger| windowed(&trigger)));
        let (success, most_told) = match window {
            // A success ends a row of failures; a second one finds it ended.
            None if count_all => (Success::Count, 1),
            None => (Success::Nothing, 1),
            Some(Window::Count { calls }) => (Success::Count, calls.into()),
            Some(Window::Time { span, slices }) => {
                // A whole number: the policy was checked.
                let slice_ns = nanos(span) / u64::from(slices.max(1));
                (
                    Success::CountIn {
                        slice_ns: slice_ns.max(1),
                    },
                    u64::MAX,
                )
            }
            // A kind of window that this version does not know: nothing is plain.
            Some(_) => (Success::CountIn { slice_ns: u64::MAX }, u64::MAX),
        };
        let limits = policy.triggers().filter_map(|trigger| limit(&trigger));
        let least_limit_ns = limits.map(nanos).min().unwrap_or(u64::MAX);
        let min_calls = policy.triggers().map(|trigger| min_calls(&trigger)).max();
        let is_known = matches!(
            window,
            None | Some(Window::Count { .. } | Window::Time { .. })
        );
        Self {
            success,
            counts_alone: success == Success::Count && least_limit_ns == u64::MAX,
            least_limit_ns,
            min_calls: match is_known {
                true => min_calls.unwrap_or(0),
                false => u32::MAX,
            },
            sees_all_limits: is_known
                && policy.slow_limit().map_or(u64::MAX, nanos) == least_limit_ns,
            most_told,
        }
    }

    /// Whether latencies matter, so that they must be measured.
    #[inline]
    pub(super) const fn measures(&self) -> bool {
        self.least_limit_ns != u64::MAX
    }

    /// The slice of `now_ns`; 0 where time is not sliced.
    #[inline]
    pub(super) const fn slice(&self, now_ns: u64) -> u64 {
        match self.success {
            Success::CountIn { slice_ns } => now_ns / slice_ns,
            _ => 0,
        }
    }
}

const fn limit(trigger: &Trigger) -> Option<Duration> {
    match *trigger {
        Trigger::SlowRate { slower_than, .. } => Some(slower_than),
        Trigger::Latency { above, .. } => Some(above),
        _ => None,
    }
}

/// A trigger that this version does not know waits for more than there can be.
const fn min_calls(trigger: &Trigger) -> u32 {
    match *trigger {
        Trigger::Consecutive { .. } | Trigger::Failures { .. } => 0,
        Trigger::FailureRate { min_calls, .. }
        | Trigger::SlowRate { min_calls, .. }
        | Trigger::Latency { min_calls, .. } => min_calls,
        _ => u32::MAX,
    }
}

/// Spans of a policy are at most 2^62 ns.
fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
