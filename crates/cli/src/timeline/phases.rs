//! The phases of each breaker over time, made from the transitions.

use evenkeel_core::breaker::Phase;

use super::axis::Axis;
use crate::summary::{KeyedTransition, Summary};

/// One breaker's history.
#[derive(Debug)]
pub(crate) struct History {
    /// Which key's breaker it is; `None` when one serves all.
    pub(crate) key: Option<u32>,
    /// Its transitions, in time order.
    pub(crate) transitions: Vec<KeyedTransition>,
    /// How long it was open or half-open.
    pub(crate) troubled_ns: u64,
}

impl History {
    /// The name of its key, or what to call the only breaker there is.
    pub(crate) fn name<'a>(&self, summary: &'a Summary) -> &'a str {
        let named = self.key.and_then(|id| summary.keys.get(id as usize));
        named.map_or("breaker", String::as_str)
    }

    /// How often it opened.
    pub(crate) fn openings(&self) -> u64 {
        let opens = |change: &&KeyedTransition| change.transition.to == Phase::Open;
        self.transitions.iter().filter(opens).count() as u64
    }

    /// The worst phase in each of `cells` equal stretches of the axis: even the shortest opening shows.
    pub(crate) fn raster(&self, axis: &Axis, cells: usize) -> Vec<Phase> {
        let mut worst = vec![Phase::Closed; cells];
        for (from_ns, to_ns, phase) in spans(&self.transitions, axis.end_ns()) {
            let first = axis.cell(from_ns, cells);
            let last = axis.cell(to_ns.saturating_sub(1), cells).max(first);
            for cell in worst.iter_mut().take(last + 1).skip(first) {
                if severity(phase) > severity(*cell) {
                    *cell = phase;
                }
            }
        }
        worst
    }
}

/// The breakers to draw, the longest troubled first: with one breaker for each key only those that had a
/// transition, else the only one.
pub(crate) fn histories(summary: &Summary, keyed: bool) -> Vec<History> {
    let mut all: Vec<History> = Vec::new();
    let mut place_of_key = vec![None; summary.keys.len() + 1];
    if !keyed {
        all.push(History::new(None));
        place_of_key[0] = Some(0);
    }
    for change in &summary.transitions {
        let slot = change.key.map_or(0, |id| id as usize + 1);
        let Some(place) = place_of_key.get_mut(slot) else {
            continue;
        };
        let place = *place.get_or_insert_with(|| {
            all.push(History::new(change.key));
            all.len() - 1
        });
        all[place].transitions.push(*change);
    }
    for history in &mut all {
        history.troubled_ns = spans(&history.transitions, summary.end_ns)
            .map(|(from_ns, to_ns, _)| to_ns.saturating_sub(from_ns))
            .sum();
    }
    all.sort_by_key(|history| (std::cmp::Reverse(history.troubled_ns), history.key));
    all
}

impl History {
    fn new(key: Option<u32>) -> Self {
        Self {
            key,
            transitions: Vec::new(),
            troubled_ns: 0,
        }
    }
}

/// The stretches in which a breaker was not closed: from, to, phase.
fn spans(transitions: &[KeyedTransition], end_ns: u64) -> impl Iterator<Item = (u64, u64, Phase)> {
    transitions
        .iter()
        .enumerate()
        .filter(|(_, change)| change.transition.to != Phase::Closed)
        .map(move |(i, change)| {
            let next = transitions.get(i + 1);
            let to_ns = next.map_or(end_ns, |next| next.transition.at_ns);
            (change.transition.at_ns, to_ns, change.transition.to)
        })
}

fn severity(phase: Phase) -> u8 {
    match phase {
        Phase::Closed => 0,
        Phase::HalfOpen => 1,
        Phase::Open => 2,
    }
}
