//! What a replay went through of late, so that the state before any call can be told afterwards.

use std::collections::BTreeSet;

use crate::any::{AnyMachine, AnyOp};
use crate::group::Group;
use crate::words::{Replaying, Words};

/// Between copies there are at least, and at most, so many calls.
const AT_LEAST: u64 = 1 << 10;
const AT_MOST: u64 = 1 << 16;

/// So long may the texts of the calls be between copies: what is kept of them is bounded, however large each one is.
const AT_MOST_TEXT: u64 = 1 << 22;

/// A copy of the machines and what happened to them since. A machine is copied again only if it was called; and the
/// more rarely the larger machines can be, so that a copy costs each call a bounded share.
#[derive(Debug, Default)]
pub(crate) struct Past {
    base: Group,
    since: Vec<Step>,
    /// The machines that `since` has to do with.
    moved: BTreeSet<u64>,
    /// How long the texts of `since` are.
    text: u64,
    /// How long the headers were, and how many calls there were: what bounds the machines' size.
    size: u64,
}

#[derive(Debug)]
enum Step {
    Machine(u64, AnyMachine),
    Call(u64, u64, AnyOp, Words),
}

impl Past {
    /// A machine that was put in the place of another, or for the first time; `length` is that of its header, and `now`
    /// are the machines with it.
    pub(crate) fn put(&mut self, id: u64, length: usize, now: &Group) {
        self.size += length as u64 / 8;
        let Some(machine) = now.get(id) else {
            return;
        };
        if !self.moved.contains(&id) {
            self.base.insert(id, machine.clone());
            return;
        }
        self.since.push(Step::Machine(id, machine.clone()));
        self.text += length as u64;
        self.settle(now);
    }

    /// A call that was made; `length` is that of its text, and `now` are the machines after it.
    pub(crate) fn called(
        &mut self,
        id: u64,
        t_ns: u64,
        op: AnyOp,
        words: Words,
        length: usize,
        now: &Group,
    ) {
        self.size += 1;
        self.text += length as u64;
        self.moved.insert(id);
        if let AnyOp::Retry(op) = &op {
            let lent = op.lent();
            self.moved
                .extend(lent.breaker.as_ref().map(|lent| lent.id()));
            self.moved.extend(lent.budget);
        }
        self.since.push(Step::Call(id, t_ns, op, words));
        self.settle(now);
    }

    /// Copies what has moved, if that is due.
    fn settle(&mut self, now: &Group) {
        let is_due = self.since.len() as u64 >= (self.size / 8).clamp(AT_LEAST, AT_MOST);
        if !is_due && self.text < AT_MOST_TEXT {
            return;
        }
        for id in core::mem::take(&mut self.moved) {
            if let Some(machine) = now.get(id) {
                self.base.insert(id, machine.clone());
            }
        }
        self.since.clear();
        self.text = 0;
    }

    /// The machines after all that was told.
    pub(crate) fn machines(&self) -> Group {
        let mut group = self.base.clone();
        for step in &self.since {
            match step {
                Step::Machine(id, machine) => {
                    group.insert(*id, machine.clone());
                }
                Step::Call(id, t_ns, op, words) => {
                    group.apply(*id, *t_ns, op, &mut Replaying::new(words));
                }
            }
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;
    use crate::journal::{Entry, LoadedLine, load};

    /// Tells of a journal, each call as of so long a text, and looks at what is kept after each line.
    fn tell(length: usize, look: impl Fn(&Past, &Group)) -> usize {
        let loaded = load(&golden::lending().unwrap()[..]);
        let (mut past, mut now) = (Past::default(), Group::new());
        for line in loaded.lines() {
            match line {
                LoadedLine::Header(header) => {
                    let [policy, state] = [&header.policy, &header.state];
                    let machine = AnyMachine::restore(header.kind, policy, state).unwrap();
                    now.insert(header.id, machine);
                    past.put(header.id, 1, &now);
                }
                LoadedLine::Entry(entry) => {
                    let Entry {
                        id,
                        t_ns,
                        op,
                        words,
                        ..
                    } = entry.clone();
                    now.apply(id, t_ns, &op, &mut Replaying::new(&words));
                    past.called(id, t_ns, op, words, length, &now);
                }
            }
            look(&past, &now);
        }
        loaded.entries.len()
    }

    /// Those that were lent have moved, too.
    #[test]
    fn the_machines_are_those_of_now_however_often_they_are_copied() {
        for every in [1, 3, 10_000] {
            tell(AT_MOST_TEXT as usize / every + 1, |past, now| {
                let told = past.machines();
                for (id, machine) in now.iter() {
                    let before = told.get(id).map(|machine| machine.state().unwrap());
                    assert_eq!(before, Some(machine.state().unwrap()));
                }
            });
        }
    }

    #[test]
    fn what_is_kept_of_long_calls_is_bounded() {
        let calls = tell(AT_MOST_TEXT as usize / 4, |past, _| {
            assert!(past.since.len() <= 4 && past.text < AT_MOST_TEXT);
        });
        assert!(calls > 100);
    }
}
