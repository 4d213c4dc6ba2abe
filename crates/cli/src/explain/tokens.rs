//! A token bucket for retries explained: the rule, words, and what it allows in an outage.

use evenkeel_core::budget::{AllowedWhen, RetryCause, RetryTokensPolicy};

use super::amplification;
use super::layout::Page;
use crate::numbers::{count, counted, decimal, exact, thousandths};

pub(super) fn explain(policy: &RetryTokensPolicy, page: &mut Page) {
    page.part("RETRY TOKENS");
    page.line("");
    let capacity = policy.capacity_milli();
    let (formula, of) = match policy.allowed_when() {
        AllowedWhen::AboveHalf => (
            format!(
                "tokens - cost > {}",
                decimal(u128::from(capacity) * 5, 10_000)
            ),
            format!("half of {}", milli(capacity)),
        ),
        _ => (
            "tokens ≥ cost".to_owned(),
            format!("of at most {}", tokens(capacity)),
        ),
    };
    page.rule("allowed while", &formula, &of);
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("At worst");
    page.bullet(&format!(
        "All operations together: {}",
        amplification::of_tokens(policy)
    ));
    if policy.capacity_milli() > 0 {
        page.bullet(&from_empty(policy));
    }
}

fn words(policy: &RetryTokensPolicy) -> Vec<String> {
    let mut sentences = vec![
        format!(
            "The bucket holds at most {}, and {} at first.",
            tokens(policy.capacity_milli()),
            milli(policy.initial_milli())
        ),
        costs(policy),
    ];
    if policy.allowed_when() == AllowedWhen::AboveHalf {
        sentences.push(
            "The cost is that of the failure (gRPC's rule): a retry that is refused takes it as well, down to nothing."
                .to_owned(),
        );
    }
    let mut gives = Vec::new();
    if policy.credit_milli() > 0 {
        let but = if policy.refund() {
            ", or, where a retry succeeded, that retry's cost back instead"
        } else {
            ""
        };
        gives.push(format!(
            "a success gives {}{but}",
            tokens(policy.credit_milli())
        ));
    } else if policy.refund() {
        gives.push("a retry that succeeded gets its cost back".to_owned());
    }
    if policy.deposit_milli() > 0 {
        gives.push(format!(
            "each request gives {}, whatever becomes of it",
            tokens(policy.deposit_milli())
        ));
    }
    if policy.refill_milli() > 0 {
        gives.push(format!(
            "the bucket gets {} in each {}",
            tokens(policy.refill_milli()),
            exact(policy.refill_per())
        ));
    }
    sentences.extend(gives.into_iter().map(|text| format!("{}.", upper(&text))));
    sentences
}

fn costs(policy: &RetryTokensPolicy) -> String {
    let [failure, timeout, throttled] = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ]
    .map(|cause| policy.cost_milli(cause));
    if failure == timeout && timeout == throttled {
        return format!("A retry costs {}, whatever its cause.", tokens(failure));
    }
    format!(
        "A retry costs {} after a failure, {} after a timeout, {} where fewer calls were asked for.",
        tokens(failure),
        milli(timeout),
        milli(throttled)
    )
}

/// How long an empty bucket allows nothing.
fn from_empty(policy: &RetryTokensPolicy) -> String {
    let cost = amplification::least_cost(policy);
    let needed = match policy.allowed_when() {
        AllowedWhen::AboveHalf => cost + policy.capacity_milli() / 2 + 1,
        _ => cost,
    };
    let mut ways = Vec::new();
    let each = |gain: u64, what: &str| {
        let n = needed.div_ceil(gain);
        let plural = if n == 1 { "" } else { "es" };
        match what {
            "success" => format!("{} {what}{plural}", count(n)),
            _ => counted(n, what),
        }
    };
    if policy.credit_milli() > 0 {
        ways.push(each(policy.credit_milli(), "success"));
    }
    if policy.deposit_milli() > 0 {
        ways.push(each(policy.deposit_milli(), "request"));
    }
    if policy.refill_milli() > 0 {
        let ns = policy.refill_per().as_nanos() * u128::from(needed);
        let ns = ns.div_ceil(policy.refill_milli().into());
        ways.push(super::waits::total(ns));
    }
    let ways = ways.join(", or ");
    format!("An empty bucket allows the next retry after {ways}.")
}

/// `1 token`, `0.1 tokens`.
fn tokens(amount_milli: u64) -> String {
    let plural = if amount_milli == 1000 { "" } else { "s" };
    format!("{} token{plural}", milli(amount_milli))
}

fn milli(amount_milli: u64) -> String {
    thousandths(amount_milli.into())
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), letters.as_str())
    })
}
