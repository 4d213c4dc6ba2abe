//! Four minutes side by side, as text: the same clients with and without breaker and budget.

use std::fmt::Write;

use evenkeel_core::ConfigError;

use crate::server::STALL_NS;
use crate::world::{self, Outcome, SECOND, SECONDS, Variant};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The variants, by what they have besides retries.
pub(crate) const VARIANTS: [(&str, Variant); 4] = [
    ("retries alone", variant(false, false)),
    ("and a budget", variant(false, true)),
    ("and a breaker", variant(true, false)),
    ("and both", variant(true, true)),
];

const fn variant(breaker: bool, budget: bool) -> Variant {
    Variant { breaker, budget }
}

/// How many seconds after the stall at least 95 % of the operations of each second are answered, for good.
pub(crate) fn recovery(outcome: &Outcome) -> Option<usize> {
    let end = (STALL_NS.end / SECOND) as usize;
    let is_bad = |second: &usize| outcome.answered[*second] * 100 < outcome.begun[*second] * 95;
    let last_bad = (end..SECONDS).rev().find(is_bad);
    match last_bad {
        None => Some(0),
        Some(second) if second + 1 == SECONDS => None,
        Some(second) => Some(second + 1 - end),
    }
}

/// The comparison for one seed.
pub(crate) fn compare(seed: u64) -> Result<String, ConfigError> {
    let mut text = String::from(
        "100 clients, 500 operations a second; the server stalls from 20 s to 25 s\n\n\
         clients with     answered  requests  in vain  recovered after\n",
    );
    let mut lines = String::from("\nanswered, by the second of the operation's beginning\n");
    for (name, variant) in VARIANTS {
        let outcome = world::run(seed, variant)?;
        let answered: u32 = outcome.answered.iter().sum();
        let per_mille = answered as usize * 1_000 / outcome.operations;
        let recovered = match recovery(&outcome) {
            Some(seconds) => format!("{seconds} s"),
            None => "never".to_owned(),
        };
        let percent = format!("{}.{} %", per_mille / 10, per_mille % 10);
        let (requests, in_vain) = (outcome.requests, outcome.in_vain);
        let _ = writeln!(
            text,
            "{name:15} {percent:>9} {requests:>9} {in_vain:>8} {recovered:>16}"
        );
        let bars = outcome.answered.iter().zip(outcome.begun).map(bar);
        let _ = writeln!(lines, "{name:15} {}", bars.collect::<String>());
    }
    Ok(text + &lines)
}

fn bar((answered, begun): (&u32, u32)) -> char {
    let eighths = (answered * 7).div_ceil(begun.max(1)) as usize;
    BARS[eighths.min(7)]
}
