//! A retry ratio explained: the rule, words, and what it allows in an outage.

use evenkeel_core::Ratio;
use evenkeel_core::budget::RetryRatioPolicy;

use super::layout::Page;
use super::{amplification, retry};
use crate::numbers::{count, counted, exact, ratio, thousandths};
use crate::policy::Policies;

/// Rates of requests a second, from a quiet client to a busy one.
const RATES: [u64; 5] = [1, 10, 100, 1_000, 10_000];

pub(super) fn explain(policy: &RetryRatioPolicy, policies: &Policies, page: &mut Page) {
    page.part("RETRY RATIO");
    page.line("");
    page.rule(
        "allowed while",
        &format!("retries + 1 ≤ {}", allowance(policy)),
        &format!("of the last {}", exact(policy.ttl())),
    );
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("While every attempt fails");
    let limit = policies.retry.as_ref().and_then(retry::attempts_at_most);
    page.table(&rates(policy, limit));
    if let Some(attempts) = limit {
        let retries = counted(attempts.saturating_sub(1), "time");
        page.paragraph(&format!(
            "No operation is retried more than {retries}, by [retry]."
        ));
    }
    page.heading("At worst");
    page.bullet(&format!(
        "However long it lasts, {}",
        amplification::of_ratio(policy)
    ));
    page.bullet(&burst(policy));
}

/// `20 % of requests + 100`.
fn allowance(policy: &RetryRatioPolicy) -> String {
    let share = format!("{} of requests", ratio(policy.ratio()));
    // The floor as it counts over the span, exact to thousandths.
    let floor_milli = u128::from(policy.floor_per_second()) * policy.ttl().as_nanos() / 1_000_000;
    match (policy.ratio() > Ratio::ZERO, floor_milli) {
        (true, 0) => share,
        (true, floor) => format!("{share} + {}", thousandths(floor)),
        (false, floor) => thousandths(floor),
    }
}

fn words(policy: &RetryRatioPolicy) -> Vec<String> {
    let ttl = exact(policy.ttl());
    let slice = policy.ttl() / policy.slices();
    let mut sentences = Vec::new();
    if policy.ratio() > Ratio::ZERO {
        sentences.push(format!(
            "All operations together may make {} as many retries as requests.",
            ratio(policy.ratio())
        ));
    }
    match policy.floor_per_second() {
        0 => sentences
            .push("There is no floor: a client of few requests has hardly any retries.".to_owned()),
        n => sentences.push(format!(
            "{} a floor of {} a second, so that a client of few requests may retry at all.",
            if policy.ratio() > Ratio::ZERO {
                "On top there is"
            } else {
                "There is only"
            },
            amplification::retries(u128::from(n) * 1000)
        )),
    }
    sentences.push(match policy.slices() {
        1 => format!("Requests and retries count until the end of the {ttl} that they fall into."),
        slices => format!(
            "A request or a retry counts for {} to {ttl}: the span is cut into {slices} slices of {}.",
            exact(policy.ttl() - slice),
            exact(slice)
        ),
    });
    sentences.push(
        "A retry that is refused is not counted; the refusal says when to ask again.".to_owned(),
    );
    sentences
}

/// What each rate of requests becomes, in thousandths, rounded up.
fn rates(policy: &RetryRatioPolicy, limit: Option<u64>) -> Vec<Vec<String>> {
    let head = [
        "requests a second",
        "retries a second at most",
        "load at most",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let (num, den) = (policy.ratio().numerator(), policy.ratio().denominator());
    for rate in RATES {
        let by_ratio = (u128::from(rate) * u128::from(num) * 1000).div_ceil(den.into());
        let allowed = by_ratio + u128::from(policy.floor_per_second()) * 1000;
        let wanted =
            limit.map(|attempts| u128::from(attempts.saturating_sub(1)) * u128::from(rate) * 1000);
        let retries = wanted.map_or(allowed, |wanted| wanted.min(allowed));
        let load = 1000 + retries.div_ceil(rate.into());
        table.push(vec![
            count(rate),
            thousandths(retries),
            format!("{} x", thousandths(load)),
        ]);
    }
    table
}

/// What can come at once.
fn burst(policy: &RetryRatioPolicy) -> String {
    let floor = policy.allowance(0);
    let busy = policy.allowance(1_000);
    let ttl = exact(policy.ttl());
    let quiet = match floor {
        0 => "After a quiet time no retry is allowed".to_owned(),
        1 => format!("After a quiet time 1 retry is allowed at once, the floor of {ttl}"),
        n => format!(
            "After a quiet time {} retries are allowed at once, the floor of {ttl}",
            count(n)
        ),
    };
    format!(
        "{quiet}; after 1,000 requests in {ttl} without a retry {} are.",
        count(busy)
    )
}
