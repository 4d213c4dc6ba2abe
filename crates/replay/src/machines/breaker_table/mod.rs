//! What can happen to a [`BreakerTable`].

mod answer;
#[cfg(feature = "std")]
mod gate;
mod generate;
mod op;
#[cfg(feature = "std")]
mod recorder;

use core::hash::BuildHasher;

use evenkeel_core::breaker::{Outcome, Permit, PermitId};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy, BreakerTableState};

use crate::any::{AnyAnswer, AnyOp, Journaled, Kind};
use crate::key::Key;
use crate::machine::{Assumed, Change, Machine, Verdict};
use crate::machines::own::own;
use crate::table_key::TableKey;

pub use answer::{Answer, Due};
#[cfg(feature = "std")]
pub use gate::RecordedGate;
pub use op::Op;

impl<K: TableKey, S: BuildHasher + Default> Machine for BreakerTable<K, S> {
    const NAME: &'static str = "breaker_table";

    type Policy = BreakerTablePolicy;
    type State = BreakerTableState<K>;
    type Op = Op<K>;
    type Answer = Answer<K>;
    /// A report is made for a key: the permit alone does not say for which.
    type Id = (K, PermitId);

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op<K>, rng: &mut R) -> Answer<K> {
        match op {
            Op::TryAcquire { key } => Answer::asked(&self.try_acquire(now_ns, key, rng)),
            Op::OnOutcome {
                key,
                permit,
                outcome,
                latency_ns,
            } => {
                let permit = Permit::from_id(*permit);
                Answer::Receipt(self.on_outcome(now_ns, key, permit, *outcome, *latency_ns, rng))
            }
            Op::OnHealth { key, health } => Answer::Health(self.on_health(now_ns, key, *health)),
            Op::Poll => Answer::Due(self.poll(now_ns).map(Due::from)),
            Op::SetMode { key, mode } => Answer::mode(&self.set_mode(now_ns, key, *mode)),
            Op::Reset { key } => Answer::Transitions(self.reset(now_ns, key)),
            Op::Forget { key } => Answer::Forgotten(self.forget(now_ns, key)),
            Op::Phase { key } => Answer::Phase(self.phase(now_ns, key)),
            Op::Peek { key } => Answer::Peek(self.peek(now_ns, key)),
            Op::Tracks { key } => Answer::Tracks(self.tracks(now_ns, key)),
            Op::StatsOf { key } => Answer::StatsOf(self.stats_of(now_ns, key)),
            Op::OverflowPhase => Answer::Phase(self.overflow_phase(now_ns)),
            Op::Stats => Answer::Stats(self.stats(now_ns)),
            Op::Iter => {
                let phases = self.iter().map(|(key, phase)| (key.clone(), phase));
                Answer::Phases(phases.collect())
            }
        }
    }

    fn given(op: &Op<K>, answer: &Answer<K>) -> Option<(K, PermitId)> {
        match (op, answer) {
            (Op::TryAcquire { key }, Answer::Granted { permit, .. }) => {
                Some((key.clone(), *permit))
            }
            _ => None,
        }
    }

    fn reported(op: &Op<K>) -> Option<(K, PermitId)> {
        match op {
            Op::OnOutcome { key, permit, .. } => Some((key.clone(), *permit)),
            _ => None,
        }
    }

    fn with_id(op: &Op<K>, id: (K, PermitId)) -> Op<K> {
        let mut op = op.clone();
        if let Op::OnOutcome { key, permit, .. } = &mut op {
            (*key, *permit) = id;
        }
        op
    }

    fn unknown((key, permit): (K, PermitId), assumed: Assumed) -> Option<Op<K>> {
        Some(Op::OnOutcome {
            key,
            permit,
            outcome: match assumed {
                Assumed::Ignored => Outcome::Ignored,
                Assumed::Success => Outcome::Success,
                Assumed::Failure => Outcome::Failure,
            },
            latency_ns: 0,
        })
    }

    fn poll() -> Option<Op<K>> {
        Some(Op::Poll)
    }

    fn key(op: &Op<K>, answer: &Answer<K>) -> Option<Key> {
        match answer {
            Answer::Due(due) => due.as_ref()?.key.as_ref().map(K::to_key),
            _ => op.key().map(K::to_key),
        }
    }

    fn verdict(_: &Op<K>, answer: &Answer<K>) -> Option<Verdict> {
        match answer {
            Answer::Granted { .. } => Some(Verdict::Admitted),
            Answer::Refused(refused) => Some(Verdict::Refused {
                reason: refused.answer.reason().name(),
                retry_at_ns: refused.answer.retry_at_ns(),
            }),
            _ => None,
        }
    }

    fn changes(_: u64, _: &Op<K>, answer: &Answer<K>, show: &mut dyn FnMut(Change)) {
        answer.transitions().iter().map(Change::from).for_each(show);
    }
}

impl<K: TableKey, S: BuildHasher + Default> Journaled for BreakerTable<K, S> {
    const KIND: Kind = Kind::BreakerTable;

    fn any_op(op: Op<K>) -> AnyOp {
        AnyOp::BreakerTable(op.map_keys(|key| key.to_key()))
    }

    fn any_answer(answer: Answer<K>) -> AnyAnswer {
        AnyAnswer::BreakerTable(answer.map_keys(|key| key.to_key()))
    }
}
