//! The waits of a backoff policy one by one, as far as they differ, and how many of them there can be.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::time::MAX_SPAN;

use crate::numbers::exact;

/// Rows from the first on; after them only the row from which nothing changes any more.
const FIRST_ROWS: u32 = 12;
/// Beyond so many waits nobody counts (and counting would take long).
const COUNTED: u64 = 1_000_000;

/// One wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// What it is drawn below (or around).
    pub(crate) ceiling: Duration,
    pub(crate) least: Duration,
    pub(crate) most: Duration,
    /// The longest that this and all waits before it can be together, in ns.
    pub(crate) total_ns: u128,
}

/// How many waits there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    AtMost(u64),
    /// There is a bound, but it is above this.
    Above(u64),
    None,
}

/// The wait number from which on all are alike; `None` if they grow for as long as they can be counted, or, beyond
/// the first rows, until there is no longer span: nobody waits for that.
pub(crate) fn steady_from(policy: &BackoffPolicy) -> Option<u32> {
    if look(policy, u32::MAX).0 >= MAX_SPAN
        && look(policy, FIRST_ROWS) != look(policy, FIRST_ROWS + 1)
    {
        return None;
    }
    // Once the waits stop growing they never grow again, so the place can be searched by halving.
    let steady = |number: u32| look(policy, number) == look(policy, number.saturating_add(1));
    let (mut growing, mut found) = (0, u32::MAX - 1);
    if !steady(found) {
        return None;
    }
    while found - growing > 1 {
        let middle = growing + (found - growing) / 2;
        if steady(middle) {
            found = middle;
        } else {
            growing = middle;
        }
    }
    Some(found)
}

/// How the waits go on after the last row of the table; `what` names them, say "waits".
pub(crate) fn after(policy: &BackoffPolicy, last: u32, what: &str) -> String {
    let steady = steady_from(policy);
    if steady == Some(last) {
        return format!("All {what} after no. {last} are like it.");
    }
    let end = match steady {
        Some(end) => format!(", up to {}", exact(look(policy, end).2)),
        None if look(policy, u32::MAX).0 >= MAX_SPAN => {
            ", up to the longest span there is, 2^62 ns (146 years)".to_owned()
        }
        None => String::new(),
    };
    format!("Later {what} are longer still{end}.")
}

/// The rows of a table: the first waits, and the first of those that are all alike.
pub(crate) fn rows(policy: &BackoffPolicy) -> Vec<Wait> {
    let possible = match waits_at_most(policy) {
        Bound::AtMost(n) => u32::try_from(n).unwrap_or(u32::MAX),
        _ => u32::MAX,
    };
    let steady = steady_from(policy).unwrap_or(u32::MAX);
    let first = FIRST_ROWS.min(steady).min(possible);
    let mut rows = Vec::new();
    let mut total_ns = 0;
    let last = steady.min(possible);
    for number in 1..=last {
        let (ceiling, least, most) = look(policy, number);
        total_ns += most.as_nanos();
        if let Some(limit) = policy.max_total_wait() {
            total_ns = total_ns.min(limit.as_nanos());
        }
        if number <= first || number == last {
            rows.push(Wait {
                number,
                ceiling,
                least,
                most,
                total_ns,
            });
        }
        if number == first && u64::from(last) > COUNTED {
            break;
        }
    }
    rows
}

/// The longest that the first `waits` waits can last together, each as `longest` makes it of what the backoff draws
/// at most; `None` where there is no bound, or nobody can count so far.
pub(crate) fn longest_sum(
    policy: &BackoffPolicy,
    waits: u64,
    longest: impl Fn(u128) -> Option<u128>,
) -> Option<u128> {
    let steady = steady_from(policy).map_or(u64::MAX, u64::from);
    let growing = waits.min(steady);
    if growing > COUNTED {
        return None;
    }
    let most = |number: u64| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        longest(look(policy, number).2.as_nanos())
    };
    let mut sum_ns = 0_u128;
    for number in 1..=growing {
        sum_ns = sum_ns.saturating_add(most(number)?);
    }
    let alike = waits - growing;
    if alike == 0 {
        return Some(sum_ns);
    }
    Some(sum_ns.saturating_add(most(steady)?.saturating_mul(alike.into())))
}

/// The same of the shortest.
pub(crate) fn shortest_sum(policy: &BackoffPolicy, waits: u32) -> u128 {
    let steady = steady_from(policy).unwrap_or(u32::MAX);
    let least = |number: u32| look(policy, number).1.as_nanos();
    let growing = waits.min(steady);
    let sum_ns: u128 = (1..=growing).map(least).sum();
    sum_ns + least(steady) * u128::from(waits - growing)
}

/// How many waits one operation can have at most.
pub(crate) fn waits_at_most(policy: &BackoffPolicy) -> Bound {
    let retries = policy.max_retries().map(u64::from);
    let by_time = policy
        .max_total_wait()
        .map_or(Bound::None, |total| waits_within(policy, total));
    match (retries, by_time) {
        (Some(retries), Bound::AtMost(n)) => Bound::AtMost(retries.min(n)),
        (Some(retries), _) => Bound::AtMost(retries),
        (None, by_time) => by_time,
    }
}

/// How many waits fit into `total` if each is as short as it can be.
pub(crate) fn waits_within(policy: &BackoffPolicy, total: Duration) -> Bound {
    let steady = steady_from(policy).unwrap_or(u32::MAX);
    let (_, least_at_last, _) = look(policy, steady);
    if least_at_last.is_zero() {
        return Bound::None;
    }
    let mut left_ns = total.as_nanos();
    for number in 1..steady {
        let least_ns = look(policy, number).1.as_nanos();
        if least_ns > left_ns {
            return Bound::AtMost(u64::from(number - 1));
        }
        left_ns -= least_ns;
        if u64::from(number) >= COUNTED {
            return Bound::Above(COUNTED);
        }
    }
    let rest = u64::try_from(left_ns / least_at_last.as_nanos()).unwrap_or(u64::MAX);
    Bound::AtMost(u64::from(steady - 1).saturating_add(rest))
}

/// Ceiling, least and most of a wait. Decorrelated jitter has no ceiling but the most it can be.
fn look(policy: &BackoffPolicy, number: u32) -> (Duration, Duration, Duration) {
    let (least, most) = policy.range(number);
    let ceiling = match policy.jitter() {
        Jitter::Decorrelated => most,
        _ => policy.ceiling(number),
    };
    (ceiling, least, most)
}
