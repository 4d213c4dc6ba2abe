//! An adaptive throttle explained: the rule, words, and what share it rejects.

use evenkeel_core::Ratio;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;

use super::layout::Page;
use crate::numbers::{count, counted, exact, percent, ratio, thousandths};

/// The requests of the table, and how many of them were accepted.
const REQUESTS: u32 = 1_000;
const ACCEPTED: [u32; 8] = [1_000, 900, 750, 500, 250, 100, 10, 0];

pub(super) fn explain(policy: &AdaptiveThrottlePolicy, page: &mut Page) {
    page.part("ADAPTIVE THROTTLE");
    page.line("");
    page.rule(
        "rejected with probability",
        &format!(
            "(requests - {} x accepted) / (requests + 1)",
            times(policy.k())
        ),
        &format!("of the last {}", exact(policy.history())),
    );
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("What it rejects");
    page.table(&shares(policy));
    page.heading("At worst");
    for sentence in at_worst(policy) {
        page.bullet(&sentence);
    }
}

fn words(policy: &AdaptiveThrottlePolicy) -> Vec<String> {
    let slice = policy.history() / policy.slices();
    let mut sentences = vec![format!(
        "Nothing is rejected while there are at most {} requests for each that is accepted{}.",
        times(policy.k()),
        match policy.min_requests() {
            0 | 1 => String::new(),
            n => format!(
                ", nor with fewer than {} in the last {}",
                counted(n.into(), "request"),
                exact(policy.history())
            ),
        }
    )];
    sentences.push(
        "Beyond that a request is rejected by chance, and a rejected one counts as a request."
            .to_owned(),
    );
    if policy.max_rejection() < Ratio::ONE {
        sentences.push(format!(
            "The probability is never above {}.",
            ratio(policy.max_rejection())
        ));
    }
    if policy.slices() > 1 {
        sentences.push(format!(
            "What happened counts for {} to {}: the history is cut into {} slices of {}. It must be much longer than a \
             call takes, since one still under way is not accepted yet.",
            exact(policy.history() - slice),
            exact(policy.history()),
            policy.slices(),
            exact(slice)
        ));
    }
    sentences
}

fn shares(policy: &AdaptiveThrottlePolicy) -> Vec<Vec<String>> {
    let head = format!("accepted of {} requests", count(REQUESTS.into()));
    let mut table = vec![vec![head, "rejected here".to_owned(), String::new()]];
    for accepted in ACCEPTED {
        let probability = policy.probability(REQUESTS, accepted);
        let (num, den) = (probability.numerator(), probability.denominator());
        let cells = usize::try_from(num.saturating_mul(20).div_ceil(den.max(1))).unwrap_or(20);
        table.push(vec![
            count(accepted.into()),
            percent(num, den),
            "█".repeat(cells),
        ]);
    }
    table
}

fn at_worst(policy: &AdaptiveThrottlePolicy) -> Vec<String> {
    let history = exact(policy.history());
    let through = if policy.max_rejection() < Ratio::ONE {
        let (num, den) = (
            u64::from(policy.max_rejection().numerator()),
            u64::from(policy.max_rejection().denominator()),
        );
        format!(
            "at least {} of the requests still go out",
            percent(den - num, den)
        )
    } else {
        format!("of many requests about one in each {history} still goes out")
    };
    vec![
        format!(
            "A backend that accepts a part is sent at most about {} times what it accepts, once the history shows it.",
            times(policy.k())
        ),
        format!("While it accepts nothing, {through}: that is how its recovery is found."),
    ]
}

/// A ratio as a number of times: `2`, `1.1`, `4/3`.
fn times(k: Ratio) -> String {
    let scaled = u128::from(k.numerator()) * 1000;
    let den = u128::from(k.denominator());
    if scaled.is_multiple_of(den) {
        thousandths(scaled / den)
    } else {
        k.to_string()
    }
}
