//! What a machine of a journal did, counted.

use std::collections::BTreeMap;

use evenkeel_replay::Verdict;
use evenkeel_replay::any::{AnyAnswer, AnyOp};
use serde::Serialize;

use crate::numbers;

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// What was answered to questions, and what changed.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Tally {
    /// Questions: all that follow up to `ended`.
    pub(crate) asked: u64,
    pub(crate) admitted: u64,
    /// By reason.
    pub(crate) refused: Counts,
    pub(crate) waits: u64,
    /// By reason.
    pub(crate) ended: Counts,
    /// By cause.
    pub(crate) changes: Counts,
}

impl Tally {
    pub(crate) fn count(&mut self, op: &AnyOp, answer: &AnyAnswer) {
        let verdict = answer.verdict(op);
        self.asked += u64::from(verdict.is_some());
        match verdict {
            Some(Verdict::Admitted) => self.admitted += 1,
            Some(Verdict::Refused { reason, .. }) => one_more(&mut self.refused, reason),
            Some(Verdict::Waits { .. }) => self.waits += 1,
            Some(Verdict::Ended { reason }) => one_more(&mut self.ended, reason),
            _ => {}
        }
    }

    /// What changed, of the machine itself or of a breaker that was lent to another.
    pub(crate) fn count_changes(&mut self, op: &AnyOp, answer: &AnyAnswer) {
        answer.changes(0, op, &mut |change| {
            one_more(&mut self.changes, change.cause);
        });
    }

    pub(crate) fn add(&mut self, of: &Self) {
        self.asked += of.asked;
        self.admitted += of.admitted;
        self.waits += of.waits;
        add(&mut self.refused, &of.refused);
        add(&mut self.ended, &of.ended);
        add(&mut self.changes, &of.changes);
    }

    /// `206: 150 admitted, 56 refused (open 50, ramp 6)`; `None` where nothing was asked.
    pub(crate) fn answers(&self) -> Option<String> {
        if self.asked == 0 {
            return None;
        }
        let mut parts = Vec::new();
        let mut part = |n: u64, what: &str, reasons: Option<&Counts>| {
            if n > 0 {
                let reasons = reasons.map_or_else(String::new, |by| format!(" ({})", listed(by)));
                parts.push(format!("{} {what}{reasons}", numbers::count(n)));
            }
        };
        part(self.admitted, "admitted", None);
        part(sum(&self.refused), "refused", Some(&self.refused));
        part(self.waits, "told to wait", None);
        part(sum(&self.ended), "ended", Some(&self.ended));
        Some(format!(
            "{}: {}",
            numbers::count(self.asked),
            parts.join(", ")
        ))
    }
}

pub(crate) fn one_more(counts: &mut Counts, name: &str) {
    // Names are few, and nearly always there already.
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

/// Adds counts by name.
pub(crate) fn add(counts: &mut Counts, more: &Counts) {
    for (name, count) in more {
        *counts.entry(name.clone()).or_default() += count;
    }
}

pub(crate) fn sum(counts: &Counts) -> u64 {
    counts.values().sum()
}

/// `open 50, ramp 6`: the most frequent first.
pub(crate) fn listed(counts: &Counts) -> String {
    let mut all: Vec<_> = counts.iter().collect();
    all.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let said: Vec<String> = all
        .into_iter()
        .map(|(name, count)| format!("{name} {}", numbers::count(*count)))
        .collect();
    said.join(", ")
}
