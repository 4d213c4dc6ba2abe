//! Which calls of a journal are wanted: by machine, key and time.

use evenkeel_replay::any::{AnyAnswer, AnyOp};

use super::clock::{Clock, Moment};
use super::roster::Member;

/// What `--machine`, `--key`, `--from` and `--to` say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) machines: &'a [String],
    pub(crate) key: Option<&'a str>,
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
}

impl Filter<'_> {
    pub(crate) fn wants_machine(&self, member: &Member) -> bool {
        self.machines.is_empty() || self.machines.iter().any(|name| member.is_called(name))
    }

    pub(crate) fn wants_instant(&self, t_ns: u64, clock: Clock) -> bool {
        self.from.is_none_or(|from| t_ns >= from.at_ns(clock))
            && self.to.is_none_or(|to| t_ns <= to.at_ns(clock))
    }

    /// Whether the call is about the key that is wanted.
    pub(crate) fn wants_key(&self, op: &AnyOp, answer: &AnyAnswer) -> bool {
        let Some(wanted) = self.key else {
            return true;
        };
        answer.key(op).is_some_and(|key| key.to_string() == wanted)
    }
}
