//! One step of the second run: a recorded call, a deadline of its own, or a report that has moved.

use super::agenda::{Moved, Next};
use super::driver::is_poll;
use super::recorded::begins_anew;
use super::result::First;
use super::run::{Member, Run};
use crate::any::{AnyId, AnyMachine, AnyOp};
use crate::group::Group;
use crate::journal::Entry;
use crate::moved::Move;

impl Run<'_> {
    /// A gate, an estimator or a schedule.
    pub(super) fn ask(&mut self, entry: &Entry) {
        let Some(member) = self.members.get_mut(&entry.id) else {
            return;
        };
        let op = match entry.op.reported() {
            None => entry.op.clone(),
            Some(id) => match member.ids.take(entry.t_ns, &entry.op, &id) {
                Some(id) => entry.op.with_id(id),
                None => {
                    member.compared.skipped += 1;
                    self.compare(entry, &entry.op, None);
                    return;
                }
            },
        };
        let answer = self.second(entry.id, entry.t_ns, &op, &entry.words);
        self.compare(entry, &op, answer.as_ref());
        let before = entry.answer.given(&entry.op);
        let after = answer.and_then(|answer| answer.given(&op));
        let Some(member) = self.members.get_mut(&entry.id) else {
            return;
        };
        let unknown = after.clone().filter(|_| before.is_none());
        member.ids.give(entry.t_ns, before, after);
        if let Some(id) = unknown {
            member.compared.unknown += 1;
            if let Some(op) = AnyOp::unknown(id, self.result.assumed) {
                self.second(entry.id, entry.t_ns, &op, &[]);
            }
        }
    }

    /// A recorded call of a driver.
    pub(super) fn drive(&mut self, number: usize, entry: &Entry) {
        let id = entry.id;
        if begins_anew(&entry.op) {
            self.end_operation(id);
        }
        let Some(Member {
            drive: Some(drive),
            ids,
            compared,
            watches,
            ..
        }) = self.members.get_mut(&id)
        else {
            return;
        };
        if begins_anew(&entry.op) {
            watches
                .iter_mut()
                .for_each(|watch| watch.begin_anew(self.clock_ns));
        }
        drive.see(&entry.op);
        drive.owes_poll &= !is_poll(&entry.op, compared.kind);
        let op = match (self.recorded.reported(number), entry.op.reported()) {
            (Some(which), _) => match drive.begun.get(which) {
                Some((id, true)) => Some(entry.op.with_id(id.clone())),
                // It moves with what it reports, or comes later, or never.
                _ => return,
            },
            (None, Some(stranger)) => ids.stranger(&stranger).map(|_| entry.op.clone()),
            (None, None) => Some(entry.op.clone()),
        };
        let Some(op) = op else {
            compared.skipped += 1;
            self.compare(entry, &entry.op, None);
            return;
        };
        let answer = self.second(id, entry.t_ns, &op, &entry.words);
        self.compare(entry, &op, answer.as_ref());
        if let Some(begun) = answer.and_then(|answer| answer.given(&op)) {
            self.begun(number, id, begun);
        }
        self.set_due(id);
    }

    /// A driver of the second run has begun something, at or before the call `number`.
    pub(super) fn begun(&mut self, number: usize, id: u64, begun: AnyId) {
        let Some(Member {
            drive: Some(drive),
            ids,
            compared,
            ..
        }) = self.members.get_mut(&id)
        else {
            return;
        };
        ids.give(self.clock_ns, None, Some(begun.clone()));
        let which = drive.begun.len();
        if let Some(recorded) = self.recorded.begun(id, drive.operation, which) {
            let in_place = recorded.at_ns == self.clock_ns;
            for report in &recorded.reports {
                if !in_place || report.entry < number {
                    let moved = Moved {
                        id,
                        operation: drive.operation,
                        entry: report.entry,
                        with: begun.clone(),
                    };
                    let at_ns = self.clock_ns.saturating_add(report.after_ns);
                    self.agenda.report(at_ns, moved);
                }
            }
            drive.begun.push((begun, in_place));
            return;
        }
        compared.unknown += 1;
        let unknown = drive.unknown(begun.clone(), self.result.assumed);
        drive.begun.push((begun, true));
        match unknown {
            Some(op) => {
                drive.owes_poll = true;
                self.second(id, self.clock_ns, &op, &[]);
            }
            None => compared.known_until_ns = Some(self.clock_ns),
        }
    }

    /// What the second run does by itself before a recorded call.
    pub(super) fn catch_up(&mut self, number: usize, until_ns: u64, polled: Option<u64>) {
        while let Some(next) = self.agenda.next(self.clock_ns, until_ns, polled) {
            match next {
                Next::Due { at_ns, id } => {
                    self.clock_ns = at_ns;
                    self.poll(number, id);
                }
                Next::Report { at_ns, report } => {
                    self.clock_ns = at_ns;
                    self.report(report);
                }
            }
        }
    }

    pub(super) fn poll(&mut self, number: usize, id: u64) {
        let Some(Member {
            drive: Some(drive),
            compared,
            ..
        }) = self.members.get_mut(&id)
        else {
            return;
        };
        let op = drive.poll(compared.kind).filter(|_| drive.polls_left > 0);
        let Some(op) = op else {
            compared.known_until_ns = Some(self.clock_ns);
            self.set_due(id);
            return;
        };
        drive.polls_left -= 1;
        drive.owes_poll = false;
        compared.added_polls += 1;
        let answer = self.second(id, self.clock_ns, &op, &[]);
        let begun = answer.as_ref().and_then(|answer| answer.given(&op));
        let entries = &self.loaded.entries;
        let line = entries.get(number).or_else(|| entries.last());
        let line = line.map_or(0, |entry| entry.line);
        if let Some(member) = self.members.get_mut(&id) {
            member.compared.parted.get_or_insert_with(|| First {
                line,
                t_ns: self.clock_ns,
                op,
                before: None,
                after: answer,
            });
        }
        if let Some(begun) = begun {
            self.begun(number, id, begun);
        }
        self.set_due(id);
    }

    pub(super) fn report(&mut self, report: Moved) {
        let Some(member) = self.members.get_mut(&report.id) else {
            return;
        };
        let operation = member.drive.as_ref().map(|drive| drive.operation);
        if operation != Some(report.operation) {
            member.compared.skipped += 1;
        } else if member.compared.known_until_ns.is_none() {
            let entry = &self.loaded.entries[report.entry];
            let way = Move {
                from_ns: entry.t_ns,
                to_ns: self.clock_ns,
            };
            let op = way.op(entry.op.clone()).with_id(report.with);
            if let Some(drive) = &mut member.drive {
                drive.owes_poll = true;
            }
            self.second(report.id, self.clock_ns, &op, &entry.words);
            self.set_due(report.id);
        }
    }

    /// What is left of a driver's operation is over.
    pub(super) fn end_operation(&mut self, id: u64) {
        if let Some(Member {
            drive: Some(drive),
            ids,
            compared,
            ..
        }) = self.members.get_mut(&id)
        {
            let never = self
                .recorded
                .never_begun(id, drive.operation, drive.begun.len());
            compared.skipped += never;
            drive.operation += 1;
            drive.owes_poll = false;
            drive.begun.clear();
            ids.clear();
        }
    }

    /// When the second run has to poll a driver by itself: at its deadline, unless the first is due there too.
    pub(super) fn set_due(&mut self, id: u64) {
        let Some(member) = self
            .members
            .get(&id)
            .filter(|member| member.drive.is_some())
        else {
            return;
        };
        let is_known = member.compared.known_until_ns.is_none();
        let due_ns = |group: &Group| group.get(id).and_then(AnyMachine::next_deadline_ns);
        let before_ns = due_ns(&self.before);
        let after_ns = due_ns(&self.after).filter(|_| is_known);
        let owes_poll = member.drive.as_ref().is_some_and(|drive| drive.owes_poll);
        let alone_ns = if owes_poll && is_known {
            Some(self.clock_ns)
        } else {
            after_ns.filter(|_| after_ns != before_ns)
        };
        self.agenda.set_due(id, alone_ns);
    }
}
