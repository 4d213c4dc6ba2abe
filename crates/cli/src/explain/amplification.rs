//! How much load retries can become, for all operations together: what a budget allows while every attempt fails.

use evenkeel_core::budget::{AllowedWhen, RetryCause, RetryRatioPolicy, RetryTokensPolicy};

use crate::numbers::{count, exact, thousandths};

/// Layers that each make so many attempts.
pub(super) fn layers(attempts: u64) -> String {
    match (attempts.checked_pow(2), attempts.checked_pow(3)) {
        (Some(two), Some(three)) => format!(
            "Layers that each retry like this multiply: {} attempts through two, {} through three.",
            count(two),
            count(three)
        ),
        _ => "Layers that each retry like this multiply.".to_owned(),
    }
}

pub(super) fn of_ratio(policy: &RetryRatioPolicy) -> String {
    let (num, den) = (policy.ratio().numerator(), policy.ratio().denominator());
    let load = load(num.into(), den.into());
    let floor = match policy.floor_per_second() {
        0 => String::new(),
        n => format!(", and {} a second on top", retries(u128::from(n) * 1000)),
    };
    format!("in an outage load is at most {load}{floor}.")
}

pub(super) fn of_tokens(policy: &RetryTokensPolicy) -> String {
    let cost = least_cost(policy);
    if policy.capacity_milli() == 0 {
        return "no retry is ever made.".to_owned();
    }
    if cost == 0 {
        return "unbounded, since a retry of one cause costs nothing.".to_owned();
    }
    let burst = retries(u128::from(burst(policy)) * 1000);
    let mut after = Vec::new();
    if policy.deposit_milli() > 0 {
        after.push(format!(
            "load is at most {}",
            load(policy.deposit_milli(), cost)
        ));
    }
    if policy.refill_milli() > 0 {
        after.push(format!(
            "there are at most {} in each {}",
            retries((u128::from(policy.refill_milli()) * 1000).div_ceil(cost.into())),
            exact(policy.refill_per())
        ));
    }
    if policy.deposit_milli() > 0 && policy.refill_milli() > 0 {
        // Both come together.
        let refilled = after.pop().unwrap_or_default();
        let refilled = refilled.trim_start_matches("there are ");
        after.push(format!("{refilled} on top"));
    }
    if after.is_empty() {
        after.push("there are no more until calls succeed".to_owned());
    }
    format!(
        "in an outage at most {burst} from a full bucket, then {}.",
        after.join(", and ")
    )
}

/// `1 retry`, `2.5 retries`, of thousandths.
pub(super) fn retries(n: u128) -> String {
    match n {
        1000 => "1 retry".to_owned(),
        _ => format!("{} retries", thousandths(n)),
    }
}

/// `1.2 x the requests`, rounded up.
fn load(retries: u64, requests: u64) -> String {
    let load = 1000 + (u128::from(retries) * 1000).div_ceil(requests.into());
    match load {
        1000 => "that of the requests".to_owned(),
        _ => format!("{} x the requests", thousandths(load)),
    }
}

/// The cost of the cheapest retry.
pub(super) fn least_cost(policy: &RetryTokensPolicy) -> u64 {
    let causes = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ];
    let costs = causes.map(|cause| policy.cost_milli(cause));
    costs.into_iter().min().unwrap_or(0)
}

/// How many of the cheapest retries a full bucket allows; its cost is not 0.
pub(super) fn burst(policy: &RetryTokensPolicy) -> u64 {
    let (capacity, cost) = (policy.capacity_milli(), least_cost(policy).max(1));
    match policy.allowed_when() {
        // What is left, doubled, must be above the capacity.
        AllowedWhen::AboveHalf => (capacity - 1).saturating_sub(capacity / 2) / cost,
        _ => capacity / cost,
    }
}
