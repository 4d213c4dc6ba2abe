//! What the second run will do besides the recorded calls: drivers that fall due, reports that do not stay at their places.

use std::collections::{BTreeMap, BTreeSet};

use crate::any::AnyId;

/// Deadlines and reports, by instant.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// By instant, then in order of arrival.
    moved: BTreeMap<(u64, u64), Moved>,
    arrivals: u64,
    due: BTreeSet<(u64, u64)>,
    due_of: BTreeMap<u64, u64>,
}

/// A report that does not stay at its place.
#[derive(Debug)]
pub(super) struct Moved {
    /// Of which machine.
    pub(super) id: u64,
    pub(super) operation: usize,
    /// Which call of the journal it is.
    pub(super) entry: usize,
    /// The id with which it is reported.
    pub(super) with: AnyId,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A driver's deadline.
    Due { at_ns: u64, id: u64 },
    /// A report.
    Report { at_ns: u64, report: Moved },
}

impl Agenda {
    pub(super) fn report(&mut self, at_ns: u64, report: Moved) {
        self.arrivals += 1;
        self.moved.insert((at_ns, self.arrivals), report);
    }

    /// The instant at which this driver has to be polled, if nobody does it.
    pub(super) fn set_due(&mut self, id: u64, at_ns: Option<u64>) {
        let last_ns = match at_ns {
            Some(at_ns) => self.due_of.insert(id, at_ns),
            None => self.due_of.remove(&id),
        };
        if let Some(last_ns) = last_ns {
            self.due.remove(&(last_ns, id));
        }
        if let Some(at_ns) = at_ns {
            self.due.insert((at_ns, id));
        }
    }

    /// The first thing at or before `until_ns`: deadlines, then reports. `polled` is polled at `until_ns` anyway.
    pub(super) fn next(&mut self, now_ns: u64, until_ns: u64, polled: Option<u64>) -> Option<Next> {
        let due = self
            .due
            .iter()
            .map(|&(at_ns, id)| (at_ns.max(now_ns), id))
            .take_while(|&(at_ns, _)| at_ns <= until_ns)
            .find(|&(at_ns, id)| at_ns < until_ns || Some(id) != polled);
        let report = self.moved.first_entry();
        let report = report.filter(|first| first.key().0 <= until_ns);
        match (due, report) {
            (Some((at_ns, id)), report)
                if report.as_ref().is_none_or(|report| at_ns <= report.key().0) =>
            {
                Some(Next::Due { at_ns, id })
            }
            (_, Some(report)) => {
                let ((at_ns, _), report) = report.remove_entry();
                let at_ns = at_ns.max(now_ns);
                Some(Next::Report { at_ns, report })
            }
            _ => None,
        }
    }

    /// The reports that did not come.
    pub(super) fn into_reports(self) -> impl Iterator<Item = Moved> {
        self.moved.into_values()
    }
}
