//! What a replay went through of late, so that the state before any call can be told afterwards.

use crate::any::{AnyMachine, AnyOp};
use crate::group::Group;
use crate::words::{Replaying, Words};

/// Between copies of all machines there are at least, and at most, so many calls.
const AT_LEAST: u64 = 1 << 10;
const AT_MOST: u64 = 1 << 16;

/// A copy of the machines and what happened to them since. Copies are made the more rarely the larger the machines can
/// be, so that a copy costs each call a bounded share.
#[derive(Debug, Default)]
pub(crate) struct Past {
    base: Group,
    since: Vec<Step>,
    /// How long the headers were, and how many calls there were: what bounds the machines' size.
    size: u64,
}

#[derive(Debug)]
enum Step {
    Machine(u64, AnyMachine),
    Call(u64, u64, AnyOp, Words),
}

impl Past {
    /// A machine that was put in the place of another, or for the first time; `length` is that of its header.
    pub(crate) fn put(&mut self, id: u64, machine: AnyMachine, length: usize) {
        self.size += length as u64 / 8;
        self.since.push(Step::Machine(id, machine));
    }

    /// A call that was made; `now` are the machines after it.
    pub(crate) fn called(&mut self, id: u64, t_ns: u64, op: AnyOp, words: Words, now: &Group) {
        self.size += 1;
        self.since.push(Step::Call(id, t_ns, op, words));
        if self.since.len() as u64 >= (self.size / 8).clamp(AT_LEAST, AT_MOST) {
            self.base = now.clone();
            self.since.clear();
        }
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
