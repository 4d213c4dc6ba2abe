//! The cuts: each is kept only if the fact is still shown.

use std::collections::{BTreeMap, BTreeSet};

use super::property::Fact;
use super::simpler::{lent_to, simpler, with_less_lent};
use super::trial::{Candidate, Start, Step, Trials};
use crate::any::{AnyMachine, AnyOp};
use crate::moved::Move;

const SECOND_NS: u64 = 1_000_000_000;

impl<'a> Trials<'a> {
    /// Puts `other` in the place of `candidate` if it shows the fact.
    fn keep(&mut self, candidate: &mut Candidate<'a>, mut other: Candidate<'a>) -> bool {
        match self.shows(&other, 0..0) {
            Some(at) => {
                other.steps.truncate(at + 1);
                *candidate = other;
                true
            }
            None => false,
        }
    }

    /// Leaves these steps out if the fact is shown without them.
    fn drop(&mut self, candidate: &mut Candidate<'a>, begin: usize, end: usize) -> bool {
        match self.shows(candidate, begin..end) {
            Some(at) => {
                candidate.steps.truncate(at + 1);
                candidate.steps.drain(begin..end.min(at + 1));
                true
            }
            None => false,
        }
    }

    /// Each machine that has a gap begins behind its last one.
    pub(super) fn begin_at_snapshots(&mut self, candidate: &mut Candidate<'a>) {
        let mut last = BTreeMap::new();
        for (at, step) in candidate.steps.iter().enumerate() {
            if let Step::Snapshot { header } = step {
                let (of, machine) = (self.loaded.headers.get(*header), self.snapshots.get(header));
                if let (Some(of), Some(machine)) = (of, machine) {
                    let start = Start {
                        header: of,
                        machine: machine.clone(),
                        is_fresh: false,
                        has_past: true,
                    };
                    last.insert(of.id, (at, start));
                }
            }
        }
        if last.is_empty() {
            return;
        }
        let mut other = candidate.clone();
        let mut at = 0;
        other.steps.retain(|step| {
            at += 1;
            let gap = self.machine_of(step).and_then(|id| last.get(&id));
            gap.is_none_or(|(gap, _)| at - 1 > *gap)
        });
        let starts = last.into_iter().map(|(id, (_, start))| (id, start));
        other.starts.extend(starts);
        self.keep(candidate, other);
    }

    /// Fresh machines in place of snapshots: all at once, or those that can.
    pub(super) fn begin_fresh(&mut self, candidate: &mut Candidate<'a>) {
        let old = candidate.starts.iter().filter(|(_, start)| !start.is_fresh);
        let old: Vec<u64> = old.map(|(id, _)| *id).collect();
        let mut all = candidate.clone();
        for (id, start) in &mut all.starts {
            if !start.is_fresh {
                start.freshen(self.first_ns(*id));
            }
        }
        if old.is_empty() || self.keep(candidate, all) || old.len() == 1 {
            return;
        }
        for id in old {
            if self.is_over() {
                return;
            }
            let mut other = candidate.clone();
            if let Some(start) = other.starts.get_mut(&id) {
                start.freshen(self.first_ns(id));
            }
            self.keep(candidate, other);
        }
    }

    /// Machines that are not needed, with all their calls. What borrows them borrows less.
    pub(super) fn drop_machines(&mut self, candidate: &mut Candidate<'a>) {
        let ids: Vec<u64> = candidate.starts.keys().copied().collect();
        if ids.len() < 2 {
            return;
        }
        // Most machines are not needed: the one that shows the fact may do alone, or with those that it shares with.
        let last = candidate.steps.last();
        let Some(last) = last.and_then(|step| self.machine_of(step)) else {
            return;
        };
        for near in [BTreeSet::from([last]), self.sharing_with(candidate, last)] {
            let far = ids.iter().copied().filter(|id| !near.contains(id));
            let other = self.without_machines(candidate, &far.collect());
            if self.keep(candidate, other) {
                break;
            }
        }
        let left: Vec<u64> = candidate.starts.keys().copied().collect();
        for id in left {
            if candidate.starts.len() < 2 || self.is_over() {
                return;
            }
            let other = self.without_machines(candidate, &BTreeSet::from([id]));
            self.keep(candidate, other);
        }
    }

    /// This machine, what it borrows, who borrows that too, and so on.
    fn sharing_with(&self, candidate: &Candidate<'a>, id: u64) -> BTreeSet<u64> {
        let mut lent: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for step in &candidate.steps {
            if let (Some(one), Some(op)) = (self.machine_of(step), self.op_of(step)) {
                for other in lent_to(op) {
                    lent.entry(one).or_default().insert(other);
                    lent.entry(other).or_default().insert(one);
                }
            }
        }
        let mut all = BTreeSet::from([id]);
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            let others = lent.get(&id).into_iter().flatten();
            next.extend(others.copied().filter(|other| all.insert(*other)));
        }
        all
    }

    fn without_machines(&self, candidate: &Candidate<'a>, ids: &BTreeSet<u64>) -> Candidate<'a> {
        let mut other = candidate.clone();
        other.starts.retain(|id, _| !ids.contains(id));
        other.steps.retain(|step| {
            let id = self.machine_of(step);
            id.is_none_or(|id| !ids.contains(&id))
        });
        if self.property.fact == Fact::Differs {
            return other;
        }
        for step in &mut other.steps {
            for id in ids {
                let less = self.op_of(step).and_then(|op| with_less_lent(op, *id));
                if let (Some(less), Step::Call { simpler, .. }) = (less, &mut *step) {
                    *simpler = Some(less.into());
                }
            }
        }
        other
    }

    /// Runs of calls: halves, quarters, and so on.
    pub(super) fn drop_chunks(&mut self, candidate: &mut Candidate<'a>) {
        let mut size = candidate.steps.len() / 2;
        while size > 1 && !self.is_over() {
            let mut begin = 0;
            while begin < candidate.steps.len() && !self.is_over() {
                let end = (begin + size).min(candidate.steps.len());
                if !self.drop(candidate, begin, end) {
                    begin = end;
                }
            }
            size = (size / 2).min(candidate.steps.len() / 2);
        }
    }

    /// Single calls, until each is needed. Whether any was not.
    pub(super) fn drop_single(&mut self, candidate: &mut Candidate<'a>) -> bool {
        let mut has_dropped = false;
        loop {
            let mut is_needed = true;
            let mut at = candidate.steps.len();
            while at > 0 && !self.is_over() {
                at = (at - 1).min(candidate.steps.len().saturating_sub(1));
                is_needed &= !self.drop(candidate, at, at + 1);
            }
            if is_needed {
                return has_dropped;
            }
            has_dropped = true;
        }
    }

    /// Simpler calls in the place of calls. Whether there were any.
    pub(super) fn simplify(&mut self, candidate: &mut Candidate<'a>) -> bool {
        let mut has_simplified = false;
        if self.property.fact == Fact::Differs {
            return has_simplified;
        }
        let mut at = 0;
        while at < candidate.steps.len() && !self.is_over() {
            let others = self.op_of(&candidate.steps[at]).map(simpler);
            for op in others.unwrap_or_default() {
                let mut other = candidate.clone();
                if let Some(Step::Call { simpler, .. }) = other.steps.get_mut(at) {
                    *simpler = Some(op.into());
                }
                if self.keep(candidate, other) {
                    has_simplified = true;
                    break;
                }
            }
            at += 1;
        }
        has_simplified
    }

    /// The whole to near time 0, by whole seconds, where nothing has a past.
    pub(super) fn shift(&mut self, candidate: &mut Candidate<'a>) {
        let times = candidate.steps.iter().map(|step| match step {
            Step::Call { t_ns, .. } => Some(*t_ns),
            Step::Snapshot { .. } => None,
        });
        let first_ns = times
            .collect::<Option<Vec<u64>>>()
            .and_then(|times| times.into_iter().min());
        let by_ns = first_ns.map_or(0, |ns| ns / SECOND_NS * SECOND_NS);
        let is_fresh = candidate.starts.values().all(|start| start.is_fresh);
        if by_ns == 0 || !is_fresh || self.property.fact == Fact::Differs {
            return;
        }
        let mut other = candidate.clone();
        for (id, start) in &mut other.starts {
            start.freshen(self.first_ns(*id).saturating_sub(by_ns));
        }
        for step in &mut other.steps {
            let Some(op) = self.op_of(step).cloned() else {
                continue;
            };
            if let Step::Call { t_ns, simpler, .. } = step {
                let way = Move {
                    from_ns: *t_ns,
                    to_ns: *t_ns - by_ns,
                };
                *t_ns = way.to_ns;
                let moved = way.op(op.clone());
                if moved != op {
                    *simpler = Some(moved.into());
                }
            }
        }
        self.keep(candidate, other);
    }

    /// When a machine's first call was made.
    fn first_ns(&self, id: u64) -> u64 {
        self.first_ns.get(&id).copied().unwrap_or(0)
    }

    fn machine_of(&self, step: &Step) -> Option<u64> {
        match step {
            Step::Call { entry, .. } => self.loaded.entries.get(*entry).map(|entry| entry.id),
            Step::Snapshot { header } => self.loaded.headers.get(*header).map(|header| header.id),
        }
    }

    fn op_of<'b>(&'b self, step: &'b Step) -> Option<&'b AnyOp> {
        match step {
            Step::Call { entry, simpler, .. } => match simpler {
                Some(op) => Some(op),
                None => self.loaded.entries.get(*entry).map(|entry| &entry.op),
            },
            Step::Snapshot { .. } => None,
        }
    }
}

impl Start<'_> {
    fn freshen(&mut self, now_ns: u64) {
        let fresh = AnyMachine::begin(self.header.kind, &self.header.policy, now_ns);
        if let Ok(machine) = fresh {
            self.machine = machine;
            self.is_fresh = true;
            self.has_past = false;
        }
    }
}
