//! A backoff policy explained: diagram, waits, limits, and how much load one call can become.

use evenkeel_core::backoff::BackoffPolicy;

use super::layout::Page;
use super::schedule::{self, Bound};
use super::waits::{self, total};
use super::{amplification, diagram};
use crate::numbers::{count, counted, exact};

pub(crate) fn explain(policy: &BackoffPolicy, page: &mut Page) {
    page.part("BACKOFF");
    page.line("");
    page.diagram(&diagram::backoff(policy, page.width));
    let rows = schedule::rows(policy);
    page.heading("Waits");
    if rows.is_empty() {
        page.paragraph("None: the limits leave room for no retry.");
    } else {
        waits::table(policy, &rows, page);
    }
    page.heading("At worst");
    for sentence in at_worst(policy) {
        page.bullet(&sentence);
    }
}

/// What the limits leave possible.
fn at_worst(policy: &BackoffPolicy) -> Vec<String> {
    let mut sentences = vec![amplification(policy)];
    match schedule::waits_at_most(policy) {
        Bound::AtMost(0) => {}
        Bound::AtMost(retries) => {
            let attempts = retries.saturating_add(1);
            sentences.push(amplification::layers(attempts));
        }
        _ => sentences.extend(pace(policy)),
    }
    sentences.push(longest(policy));
    sentences
}

/// How many attempts one call can become, and what bounds it.
fn amplification(policy: &BackoffPolicy) -> String {
    let by_time = policy
        .max_total_wait()
        .map(|total| (total, schedule::waits_within(policy, total)));
    let bound = schedule::waits_at_most(policy);
    let why = match (policy.max_retries(), by_time) {
        (Some(retries), Some((total, Bound::AtMost(n)))) if n < u64::from(retries) => {
            format!(
                "max_total_wait ({}) is used up before max_retries ({retries})",
                exact(total)
            )
        }
        (Some(retries), _) => format!("max_retries is {retries}"),
        (None, Some((total, Bound::AtMost(n)))) => {
            let waits = counted(n, "wait");
            format!(
                "no more than {waits} fit into max_total_wait ({}), even the shortest possible",
                exact(total)
            )
        }
        (None, Some((total, Bound::Above(_)))) => format!("max_total_wait is {}", exact(total)),
        (None, Some((_, Bound::None))) => {
            return "One call can become any number of attempts: unbounded. max_retries is not set, and \
                    max_total_wait does not bound the number, because the jitter can draw waits of 0 s."
                .to_owned();
        }
        (None, None) => {
            return "One call can become any number of attempts: unbounded. Neither max_retries nor max_total_wait \
                    is set."
                .to_owned();
        }
    };
    match bound {
        Bound::AtMost(retries) => {
            let attempts = counted(retries.saturating_add(1), "attempt");
            let load = if retries == 0 {
                "no more load than without retries".to_owned()
            } else {
                format!(
                    "{} times the load while every attempt fails",
                    count(retries.saturating_add(1))
                )
            };
            format!("One call becomes at most {attempts}: {load}. Bounded: {why}.")
        }
        Bound::Above(n) => format!(
            "One call becomes a bounded number of attempts, but more than {}: {why}.",
            count(n)
        ),
        Bound::None => "One call can become any number of attempts: unbounded.".to_owned(),
    }
}

/// How fast the attempts of one call can follow each other, where their number has no bound.
fn pace(policy: &BackoffPolicy) -> Option<String> {
    let steady = schedule::steady_from(policy)?;
    let (least, _) = policy.range(steady);
    (!least.is_zero()).then(|| {
        format!(
            "From wait no. {} on, one call makes at most one attempt every {}.",
            count(steady.into()),
            exact(least)
        )
    })
}

/// How long a call can be kept waiting.
fn longest(policy: &BackoffPolicy) -> String {
    let rows = schedule::rows(policy);
    let by_retries = match (policy.max_retries(), rows.last()) {
        (Some(0), _) | (_, None) => return "A call is never kept waiting.".to_owned(),
        (Some(retries), Some(last)) if last.number <= retries => {
            let alike = u128::from(retries - last.number);
            let is_end = alike == 0 || schedule::steady_from(policy) == Some(last.number);
            is_end.then(|| last.total_ns + alike * last.most.as_nanos())
        }
        _ => None,
    };
    let limit_ns = policy.max_total_wait().map(|total| total.as_nanos());
    match (by_retries, limit_ns) {
        (Some(sum), Some(limit)) if limit < sum => waiting(limit, "max_total_wait"),
        (Some(sum), _) => waiting(sum, "max_retries"),
        (None, Some(limit)) => waiting(limit, "max_total_wait"),
        (None, None) => "Nothing bounds how long a call is kept waiting.".to_owned(),
    }
}

fn waiting(ns: u128, bound: &str) -> String {
    format!(
        "The waits of one call last at most {} together (bounded by {bound}); the attempts come on top.",
        total(ns)
    )
}
