//! The machines of a what-if as people read them: those of one kind and name are one block.

use std::collections::BTreeMap;

use evenkeel_replay::any::Kind;
use evenkeel_replay::what_if::{Changed, Compared, Start, Tally, WhatIf};

use super::roster::{title, titled};
use super::what_if::begun;

/// Machines of the same kind and name. Programs make a new one for each client or worker, and people mean all of them.
pub(crate) struct Block {
    /// Their sums, with the first difference among them; the id is that of the first.
    pub(crate) sum: Compared,
    pub(crate) machines: u64,
    /// Whether all of them did the same, with whichever policy.
    pub(crate) is_untouched: bool,
    /// Whether only some have another policy.
    is_mixed: bool,
}

impl Block {
    /// `breaker "db" (machine 3)`, or `retry "call" (18 machines)`.
    pub(crate) fn title(&self) -> String {
        let of = &self.sum;
        match self.machines {
            1 => title(of.kind, of.id, of.name.as_deref()),
            machines => titled(of.kind, machines, of.name.as_deref()),
        }
    }

    /// With which policies the second run began.
    pub(crate) fn begun(&self) -> &'static str {
        match self.is_mixed {
            true => "with the recorded and with the new policy",
            false => begun(self.sum.start),
        }
    }

    /// Whether it has phases to draw: several breakers are in several at once.
    pub(crate) fn has_phases(&self) -> bool {
        self.machines == 1 && matches!(self.sum.kind, Kind::Breaker | Kind::HealthProbe)
    }

    /// Whether nobody asked it itself: it was lent, and its calls are in the lines of others.
    pub(crate) fn is_only_lent(&self) -> bool {
        let of = &self.sum;
        of.before.asked == 0 && of.after.asked == 0 && of.parted.is_none()
    }

    fn differs(&self) -> bool {
        self.sum.differing > 0 || self.sum.before.changes != self.sum.after.changes || {
            let [before, after] = [&self.sum.changes_before, &self.sum.changes_after];
            before.list != after.list
        }
    }

    fn add(&mut self, of: &Compared) {
        let sum = &mut self.sum;
        self.machines += 1;
        self.is_untouched &= is_untouched(of);
        self.is_mixed |= (sum.start == Start::Recorded) != (of.start == Start::Recorded);
        add(&mut sum.before, &of.before);
        add(&mut sum.after, &of.after);
        let first = |of: &Compared| of.parted.as_ref().map(|first| (first.t_ns, first.line));
        if first(of).is_some_and(|one| first(sum).is_none_or(|other| one < other)) {
            sum.parted.clone_from(&of.parted);
        }
        sum.differing += of.differing;
        sum.skipped += of.skipped;
        sum.unknown += of.unknown;
        sum.pending += of.pending;
        sum.added_polls += of.added_polls;
        let known = [sum.known_until_ns, of.known_until_ns];
        sum.known_until_ns = known.into_iter().flatten().min();
        append(&mut sum.changes_before, &of.changes_before);
        append(&mut sum.changes_after, &of.changes_after);
        if sum.series.len() < of.series.len() {
            sum.series.resize(of.series.len(), Default::default());
        }
        for (sum, of) in sum.series.iter_mut().zip(&of.series) {
            sum.admitted_before = sum.admitted_before.saturating_add(of.admitted_before);
            sum.refused_before = sum.refused_before.saturating_add(of.refused_before);
            sum.admitted_after = sum.admitted_after.saturating_add(of.admitted_after);
            sum.refused_after = sum.refused_after.saturating_add(of.refused_after);
        }
    }
}

/// The blocks of a what-if: what differs first, breakers before those that they are lent to; of equals where most does.
pub(crate) fn blocks(found: &WhatIf) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for of in &found.machines {
        let name = of.name.as_deref().filter(|name| !name.is_empty());
        let place = name.map(|name| (of.kind.name(), name));
        match place.and_then(|place| places.get(&place)) {
            Some(&at) => blocks[at].add(of),
            None => {
                if let Some(place) = place {
                    places.insert(place, blocks.len());
                }
                blocks.push(Block {
                    sum: of.clone(),
                    machines: 1,
                    is_untouched: is_untouched(of),
                    is_mixed: false,
                });
            }
        }
    }
    for block in &mut blocks {
        let sum = &mut block.sum;
        for changed in [&mut sum.changes_before, &mut sum.changes_after] {
            changed.list.sort_by_key(|change| change.at_ns);
        }
    }
    blocks.sort_by_key(|block| {
        let most = core::cmp::Reverse(block.sum.differing);
        (!block.differs(), rank(block.sum.kind), most, block.sum.id)
    });
    blocks
}

/// Whether it did the same, with whichever policy.
fn is_untouched(of: &Compared) -> bool {
    of.parted.is_none()
        && of.before == of.after
        && of.changes_before == of.changes_after
        && of.known_until_ns.is_none()
}

const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Breaker | Kind::BreakerTable => 0,
        _ if kind.poll_asks() => 2,
        _ => 1,
    }
}

fn add(sum: &mut Tally, of: &Tally) {
    sum.asked += of.asked;
    sum.admitted += of.admitted;
    sum.waits += of.waits;
    sum.waited_ns = sum.waited_ns.saturating_add(of.waited_ns);
    for (sum, of) in [
        (&mut sum.refused, &of.refused),
        (&mut sum.ended, &of.ended),
        (&mut sum.changes, &of.changes),
    ] {
        for (name, count) in of {
            *sum.entry(name).or_default() += count;
        }
    }
}

fn append(sum: &mut Changed, of: &Changed) {
    sum.list.extend_from_slice(&of.list);
    sum.left_out += of.left_out;
}
