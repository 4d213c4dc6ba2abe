//! What drivers began in a journal and what was reported of it: a what-if needs to know it ahead.

use std::collections::{BTreeMap, HashMap};

use crate::any::{AnyId, AnyOp};
use crate::journal::{Entry, Loaded, LoadedLine};
use crate::retry;

/// For each machine, which of its operation an id stands for.
type Ids = HashMap<u64, HashMap<AnyId, usize>>;

/// All that the drivers of a journal began.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    drivers: BTreeMap<u64, Vec<Operation>>,
    /// For each call that reports something a driver has begun: which one of its operation, from 0.
    reports: HashMap<usize, usize>,
    /// For each machine, the instant of its first call after its header.
    pub(super) first_ns: BTreeMap<u64, u64>,
    /// How many calls each machine has.
    pub(super) calls: BTreeMap<u64, u64>,
}

/// What a driver began from its begin, from a [`Begin`](retry::Op::Begin), or from a gap on: there the count starts
/// anew.
pub(super) type Operation = Vec<Begun>;

/// Something that a driver began: an attempt, a run, a link, a probe.
#[derive(Debug)]
pub(super) struct Begun {
    /// When, on a clock that never goes back.
    pub(super) at_ns: u64,
    /// What was reported of it.
    pub(super) reports: Vec<Report>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// Which call of the journal.
    pub(super) entry: usize,
    /// How long after the begin.
    pub(super) after_ns: u64,
}

/// Whether this call puts something new in the machine's place, whose ids are counted from one again.
pub(crate) const fn begins_anew(op: &AnyOp) -> bool {
    matches!(op, AnyOp::Retry(retry::Op::Begin))
}

impl Recorded {
    pub(super) fn new(loaded: &Loaded) -> Self {
        let mut all = Self::default();
        let mut ids = Ids::new();
        let mut now_ns = 0;
        let mut number = 0;
        for line in loaded.lines() {
            match line {
                LoadedLine::Header(header) if header.kind.poll_asks() => {
                    let operations = all.drivers.entry(header.id).or_default();
                    if operations.is_empty() || header.dropped.is_some() {
                        operations.push(Operation::new());
                        ids.remove(&header.id);
                    }
                }
                LoadedLine::Header(_) => {}
                LoadedLine::Entry(entry) => {
                    now_ns = entry.t_ns.max(now_ns);
                    all.first_ns.entry(entry.id).or_insert(entry.t_ns);
                    *all.calls.entry(entry.id).or_default() += 1;
                    all.add(number, now_ns, entry, ids.entry(entry.id).or_default());
                    number += 1;
                }
            }
        }
        all
    }

    /// Notes what a driver's call begins or reports.
    fn add(&mut self, number: usize, now_ns: u64, entry: &Entry, ids: &mut HashMap<AnyId, usize>) {
        let Some(operations) = self.drivers.get_mut(&entry.id) else {
            return;
        };
        if begins_anew(&entry.op) {
            operations.push(Operation::new());
            ids.clear();
        }
        let Some(operation) = operations.last_mut() else {
            return;
        };
        let known = entry.op.reported().and_then(|id| ids.get(&id).copied());
        if let Some((which, begun)) = known.and_then(|at| Some((at, operation.get_mut(at)?))) {
            self.reports.insert(number, which);
            begun.reports.push(Report {
                entry: number,
                after_ns: now_ns.saturating_sub(begun.at_ns),
            });
        }
        if let Some(id) = entry.answer.given(&entry.op) {
            ids.insert(id, operation.len());
            operation.push(Begun {
                at_ns: now_ns,
                reports: Vec::new(),
            });
        }
    }

    /// What this driver began in this operation, both counted from 0.
    pub(super) fn begun(&self, id: u64, operation: usize, which: usize) -> Option<&Begun> {
        self.drivers.get(&id)?.get(operation)?.get(which)
    }

    /// Of what this call is a report.
    pub(super) fn reported(&self, entry: usize) -> Option<usize> {
        self.reports.get(&entry).copied()
    }

    /// How many reports there are of what an operation began, but for the first `begun`.
    pub(super) fn never_begun(&self, id: u64, operation: usize, begun: usize) -> u64 {
        let operation = self.drivers.get(&id).and_then(|all| all.get(operation));
        let rest = operation.map_or(&[][..], |all| all.get(begun..).unwrap_or(&[]));
        rest.iter().map(|begun| begun.reports.len() as u64).sum()
    }
}
