//! A retry policy explained: diagram, words, waits, and what one operation comes to at worst.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy};
use evenkeel_core::retry::{RetryPolicy, WhenRefused};

use super::advice::Advised;
use super::diagram::{self, Stage};
use super::layout::Page;
use super::schedule::{self, Bound};
use super::waits::{self, total};
use super::{amplification, words};
use crate::numbers::{count, counted, exact};
use crate::policy::Policies;

pub(super) fn explain(policy: &RetryPolicy, policies: &Policies, page: &mut Page) {
    page.part("RETRY");
    page.line("");
    page.diagram(&diagram(policy, policies, page.width));
    page.heading("In words");
    for sentence in words(policy, policies) {
        page.bullet(&sentence);
    }
    page.heading("Waits before the retries");
    let limited = limited(policy);
    let mut rows = schedule::rows(&limited);
    if let Some(deadline) = policy.deadline() {
        // The waits end before the deadline; a nanosecond less reads badly, and a bound may be wider.
        for row in &mut rows {
            if row.total_ns + 1 == deadline.as_nanos() {
                row.total_ns += 1;
            }
        }
    }
    if rows.is_empty() {
        page.paragraph("None: the limits leave room for no retry.");
    } else {
        waits::table(&limited, &rows, page);
    }
    page.heading("At worst");
    page.bullet(&attempts(policy));
    if let Some(attempts) = attempts_at_most(policy).filter(|attempts| *attempts > 1) {
        page.bullet(&amplification::layers(attempts));
    }
    for sentence in budgets(policies) {
        page.bullet(&sentence);
    }
    page.bullet(&longest(policy));
}

fn diagram(policy: &RetryPolicy, policies: &Policies, width: usize) -> Vec<String> {
    let mut fails = "fails".to_owned();
    if let Some(timeout) = policy.attempt_timeout() {
        fails += &format!(", or takes {}", exact(timeout));
    }
    let mut limits = Vec::new();
    if let Some(attempts) = attempts_allowed(policy) {
        limits.push(format!("after {}", counted(attempts, "attempt")));
    }
    limits.push("where the server says stop".to_owned());
    if let Some(deadline) = policy.deadline() {
        let deadline = exact(deadline);
        limits.push(format!(
            "where the wait would not end within {deadline} of the start"
        ));
    }
    limits.push(match paid_from(policies) {
        Some(table) => format!("where {table} has nothing left"),
        None => "where a budget has nothing left".to_owned(),
    });
    let refused = match policy.when_refused() {
        WhenRefused::Wait => "refused by the breaker: waits until it says",
        _ => "refused by the breaker: given up",
    };
    let attempt = Stage {
        name: "attempt",
        leaves: true,
        beside: "succeeds, or fails for good: done".to_owned(),
        down: vec![fails, format!("given up {}", limits.join(", or "))],
    };
    let mut wait = diagram::waiting(policy.backoff(), "wait", "retry");
    wait.down = vec![refused.to_owned()];
    diagram::cycle(&[attempt, wait], width)
}

fn words(policy: &RetryPolicy, policies: &Policies) -> Vec<String> {
    let attempts = match attempts_allowed(policy) {
        Some(1) => "An operation makes one attempt and no retry".to_owned(),
        Some(attempts) => format!("An operation makes up to {}", counted(attempts, "attempt")),
        None => "An operation makes as many attempts as its time allows".to_owned(),
    };
    let deadline = match policy.deadline() {
        Some(deadline) => format!("ends at the latest {} after it began", exact(deadline)),
        None => "has no deadline".to_owned(),
    };
    let timeout = match (policy.attempt_timeout(), policy.deadline()) {
        (Some(timeout), _) => format!(
            "An attempt without an answer within {} is abandoned and counts as failed.",
            exact(timeout)
        ),
        (None, Some(_)) => {
            "Nothing but the deadline ends an attempt that hangs: without attempt_timeout there is then no retry."
                .to_owned()
        }
        (None, None) => "Nothing ends an attempt that hangs: set attempt_timeout.".to_owned(),
    };
    let schedule = words::schedule(policy.backoff(), "retry");
    let refused = match policy.when_refused() {
        WhenRefused::Wait => {
            "waits until the instant that the breaker names and asks again, if that is before its deadline"
        }
        _ => "ends at once",
    };
    let paid = match paid_from(policies) {
        Some(table) => format!("Each retry is paid from {table}, which is asked last"),
        None => "A retry budget, where the program gives one, is asked last".to_owned(),
    };
    vec![
        format!("{attempts} and {deadline}."),
        timeout,
        format!("Before a retry it waits {schedule}."),
        advised(policy).sentence(),
        format!("An operation whose attempt an open breaker refuses {refused}."),
        format!("{paid}: nothing is taken for a retry that another check forbids."),
    ]
}

/// The budgets of the file, one of which the program gives the operation.
fn paid_from(policies: &Policies) -> Option<&'static str> {
    match (&policies.retry_ratio, &policies.retry_tokens) {
        (Some(_), Some(_)) => Some("[retry_ratio] or [retry_tokens]"),
        (Some(_), None) => Some("[retry_ratio]"),
        (None, Some(_)) => Some("[retry_tokens]"),
        (None, None) => None,
    }
}

fn advised(policy: &RetryPolicy) -> Advised {
    Advised {
        rule: policy.advisory_rule(),
        cap: policy.advisory_cap(),
        spread: policy.advisory_spread(),
    }
}

/// How many attempts are allowed by number.
fn attempts_allowed(policy: &RetryPolicy) -> Option<u64> {
    let retries = policy.backoff().max_retries();
    let by_retries = retries.map(|retries| u64::from(retries) + 1);
    policy.max_attempts().map(u64::from).or(by_retries)
}

/// The backoff with all limits of the operation as its own.
fn limited(policy: &RetryPolicy) -> BackoffPolicy {
    let backoff = *policy.backoff();
    let mut builder = BackoffBuilder::from(backoff);
    if let Some(retries) = attempts_allowed(policy).and_then(|n| u32::try_from(n - 1).ok()) {
        builder = builder.max_retries(retries);
    }
    if let Some(deadline) = policy.deadline() {
        let before = deadline.saturating_sub(Duration::from_nanos(1));
        let total = backoff.max_total_wait().unwrap_or(before);
        builder = builder.max_total_wait(total.min(before));
    }
    // One that could not be made has no room for a wait within the deadline.
    let none = BackoffBuilder::from(backoff).max_retries(0).build();
    builder.build().or(none).unwrap_or(backoff)
}

/// How many attempts one operation can make, if there is a bound that can be counted.
pub(super) fn attempts_at_most(policy: &RetryPolicy) -> Option<u64> {
    // Advice that can shorten waits to nothing leaves only the number as a bound.
    if advised(policy).shortens() {
        return attempts_allowed(policy);
    }
    match schedule::waits_at_most(&limited(policy)) {
        Bound::AtMost(retries) => Some(retries.saturating_add(1)),
        _ => None,
    }
}

/// How many attempts one operation can become, and what bounds it.
fn attempts(policy: &RetryPolicy) -> String {
    let Some(bound) = attempts_at_most(policy) else {
        let why = if advised(policy).shortens() {
            "a server's advice can make waits of 0 s"
        } else if policy.backoff().range(u32::MAX).0.is_zero() {
            "the jitter can draw waits of 0 s"
        } else {
            "the waits are far shorter than the time there is"
        };
        return format!(
            "Until its deadline one operation can become any number of attempts: max_attempts is not set, and {why}."
        );
    };
    let why = match (policy.max_attempts(), attempts_allowed(policy)) {
        (Some(attempts), _) if u64::from(attempts) == bound => format!("max_attempts is {bound}"),
        (_, Some(allowed)) if allowed == bound => {
            format!("backoff.max_retries is {}", count(bound - 1))
        }
        _ => "no more waits fit into its time, even the shortest possible".to_owned(),
    };
    let load = match bound {
        1 => "no more load than without retries".to_owned(),
        n => format!("{} times the load while every attempt fails", count(n)),
    };
    format!(
        "One operation becomes at most {}: {load}. Bounded: {why}.",
        counted(bound, "attempt")
    )
}

/// What the budgets of the file make of that.
fn budgets(policies: &Policies) -> Vec<String> {
    let by_ratio = policies
        .retry_ratio
        .as_ref()
        .map(|policy| ("retry_ratio", amplification::of_ratio(policy)));
    let by_tokens = policies
        .retry_tokens
        .as_ref()
        .map(|policy| ("retry_tokens", amplification::of_tokens(policy)));
    let bounds: Vec<String> = by_ratio
        .into_iter()
        .chain(by_tokens)
        .map(|(table, bound)| format!("All operations together, paying from [{table}]: {bound}"))
        .collect();
    if bounds.is_empty() {
        return vec![
            "No budget bounds all operations together: add [retry_ratio] or [retry_tokens], so that an outage is not \
             met with more load."
                .to_owned(),
        ];
    }
    bounds
}

/// How long an operation can take.
fn longest(policy: &RetryPolicy) -> String {
    let deadline = policy.deadline();
    let as_set = |deadline| {
        format!(
            "An operation takes at most {}: its deadline.",
            exact(deadline)
        )
    };
    if let (WhenRefused::Wait, Some(deadline)) = (policy.when_refused(), deadline) {
        return format!("{} It may wait for the breaker as long.", as_set(deadline));
    }
    let (own, advised) = sums(policy);
    match (own, advised, deadline) {
        (Some((own_ns, parts)), advised, deadline)
            if deadline.is_none_or(|deadline| own_ns < deadline.as_nanos()) =>
        {
            let advice = match (advised, deadline.map(|deadline| deadline.as_nanos())) {
                (Some(ns), limit) if ns > own_ns => {
                    let ns = limit.map_or(ns, |limit| ns.min(limit));
                    format!(
                        " Where a server asks for longer waits: at most {}.",
                        total(ns)
                    )
                }
                (Some(_), _) => String::new(),
                (None, Some(limit)) => format!(
                    " Where a server asks for longer waits: up to the deadline, {}.",
                    total(limit)
                ),
                (None, None) => " Nothing bounds the waits that a server asks for.".to_owned(),
            };
            format!(
                "An operation takes at most {}: {parts}.{advice}",
                total(own_ns)
            )
        }
        (_, _, Some(deadline)) => as_set(deadline),
        _ if policy.attempt_timeout().is_some() => {
            "An operation ends with its last attempt, after more of them than can be counted here."
                .to_owned()
        }
        _ => "Nothing bounds how long an operation takes: set attempt_timeout or deadline."
            .to_owned(),
    }
}

/// The longest that all attempts and waits can take, by the backoff (with its parts in words) and with advice.
fn sums(policy: &RetryPolicy) -> (Option<(u128, String)>, Option<u128>) {
    let (Some(timeout), Some(attempts)) = (policy.attempt_timeout(), attempts_at_most(policy))
    else {
        return (None, None);
    };
    let retries = attempts - 1;
    let limit_ns = policy
        .backoff()
        .max_total_wait()
        .map(|total| total.as_nanos());
    let limited = |ns: u128| limit_ns.map_or(ns, |limit| ns.min(limit));
    let tried_ns = timeout.as_nanos().saturating_mul(attempts.into());
    let own = schedule::longest_sum(policy.backoff(), retries, Some).map(limited);
    let longest_ns = |own_ns| advised(policy).longest_ns(own_ns);
    let advised = schedule::longest_sum(policy.backoff(), retries, longest_ns).map(limited);
    let parts = |waits_ns| match attempts {
        1 => format!("one attempt of at most {}", exact(timeout)),
        _ => format!(
            "{} attempts of at most {} and waits of at most {} together",
            count(attempts),
            exact(timeout),
            total(waits_ns)
        ),
    };
    (
        own.map(|waits_ns| (tried_ns.saturating_add(waits_ns), parts(waits_ns))),
        advised.map(|waits_ns| tried_ns.saturating_add(waits_ns)),
    )
}
