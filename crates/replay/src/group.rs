//! Machines by id, which lend each other what a call borrows: what a replayer runs.

use alloc::collections::BTreeMap;

use evenkeel_core::random::Rng;
use evenkeel_core::retry::{Parts, Retry};

use crate::any::{AnyAnswer, AnyMachine, AnyOp};
use crate::retry::{self, Lent, LentBreaker};

/// The machines of one journal, by id.
///
/// All but a retry are machines by themselves. A retry borrows a breaker and a budget for a call; the call has their
/// ids, and the group lends them.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
/// use evenkeel_core::retry::{Retry, RetryPolicy};
/// use evenkeel_replay::any::{AnyMachine, AnyOp};
/// use evenkeel_replay::retry::{Lent, Op};
/// use evenkeel_replay::{Group, Machine};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let tokens = RetryTokensPolicy::builder(9_000).initial_milli(0).deposit_milli(500).build()?;
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut group = Group::new();
/// group.insert(1, AnyMachine::RetryTokens(RetryTokens::new(tokens).into()));
/// group.insert(2, AnyMachine::Retry(Retry::new(policy, 0).into()));
///
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let poll = |budget| AnyOp::Retry(Op::Poll { lent: Lent { breaker: None, budget } });
/// assert!(group.apply(2, 0, &poll(Some(1)), &mut rng).is_some());
/// let Some(AnyMachine::RetryTokens(tokens)) = group.get(1) else { return Err("no tokens".into()) };
/// assert_eq!(tokens.balance_milli(0), 500); // it heard of the first attempt
///
/// // There is no machine 3, and a retry is no budget.
/// assert_eq!(group.apply(2, 0, &poll(Some(3)), &mut rng), None);
/// assert_eq!(group.apply(2, 0, &poll(Some(2)), &mut rng), None);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Group {
    machines: BTreeMap<u64, AnyMachine>,
}

impl Group {
    /// No machine.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            machines: BTreeMap::new(),
        }
    }

    /// Puts a machine in; returns the one that had this id.
    pub fn insert(&mut self, id: u64, machine: AnyMachine) -> Option<AnyMachine> {
        self.machines.insert(id, machine)
    }

    /// Takes a machine out.
    pub fn remove(&mut self, id: u64) -> Option<AnyMachine> {
        self.machines.remove(&id)
    }

    /// The machine with this id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&AnyMachine> {
        self.machines.get(&id)
    }

    /// The machine with this id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut AnyMachine> {
        self.machines.get_mut(&id)
    }

    /// All machines, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, &AnyMachine)> {
        self.machines.iter().map(|(id, machine)| (*id, machine))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.machines.keys().copied()
    }

    /// Makes the call, and lends what it borrows. `None`, and nothing has changed: there is no machine with this id, or
    /// it is of another kind than the call; or what is lent is not there, or is of another kind.
    pub fn apply<R: Rng + ?Sized>(
        &mut self,
        id: u64,
        now_ns: u64,
        op: &AnyOp,
        rng: &mut R,
    ) -> Option<AnyAnswer> {
        match op {
            AnyOp::Retry(call) if !call.lent().is_none() => {
                self.apply_lending(id, now_ns, call, rng)
            }
            _ => self.machines.get_mut(&id)?.apply(now_ns, op, rng),
        }
    }

    fn apply_lending<R: Rng + ?Sized>(
        &mut self,
        id: u64,
        now_ns: u64,
        op: &retry::Op,
        rng: &mut R,
    ) -> Option<AnyAnswer> {
        let lent = op.lent();
        // Checked first, so that whatever is taken out is used and put back. The three are of different kinds, and so
        // none of them is another.
        if !matches!(self.get(id), Some(AnyMachine::Retry(_))) || !self.can_lend(lent) {
            return None;
        }
        let mut take = |id: u64| self.machines.remove_entry(&id);
        let mut breaker = lent
            .breaker
            .as_ref()
            .map(LentBreaker::id)
            .and_then(&mut take);
        let mut budget = lent.budget.and_then(take);
        let answer = match self.machines.get_mut(&id) {
            Some(AnyMachine::Retry(retry)) => {
                let breaker = breaker.as_mut().map(|(_, machine)| machine);
                let budget = budget.as_mut().map(|(_, machine)| machine);
                Some(apply_with(retry, now_ns, op, [breaker, budget], rng))
            }
            _ => None,
        };
        self.machines.extend(breaker);
        self.machines.extend(budget);
        answer.map(AnyAnswer::Retry)
    }

    /// Whether there are machines of the right kinds for all that is lent.
    fn can_lend(&self, lent: &Lent) -> bool {
        let breaker = lent.breaker.as_ref().is_none_or(|lent| {
            let breaker = self.get(lent.id());
            match lent {
                LentBreaker::Breaker(_) => matches!(breaker, Some(AnyMachine::Breaker(_))),
                LentBreaker::Key { .. } => matches!(breaker, Some(AnyMachine::BreakerTable(_))),
            }
        });
        let budget = lent.budget.is_none_or(|id| {
            let budget = self.get(id);
            matches!(
                budget,
                Some(AnyMachine::RetryTokens(_) | AnyMachine::RetryRatio(_))
            )
        });
        breaker && budget
    }
}

/// Makes the call with a breaker or a table of them, and a budget.
fn apply_with<R: Rng + ?Sized>(
    retry: &mut Retry,
    now_ns: u64,
    op: &retry::Op,
    [breaker, budget]: [Option<&mut AnyMachine>; 2],
    rng: &mut R,
) -> retry::Answer {
    let mut gate;
    let mut parts = Parts::none();
    match (breaker, &op.lent().breaker) {
        (Some(AnyMachine::Breaker(breaker)), _) => parts = parts.with_breaker(&mut **breaker),
        (Some(AnyMachine::BreakerTable(table)), Some(LentBreaker::Key { key, .. })) => {
            gate = table.gate(key);
            parts = parts.with_breaker(&mut gate);
        }
        _ => {}
    }
    match budget {
        Some(AnyMachine::RetryTokens(tokens)) => parts = parts.with_budget(&mut **tokens),
        Some(AnyMachine::RetryRatio(ratio)) => parts = parts.with_budget(&mut **ratio),
        _ => {}
    }
    retry::apply_with(retry, now_ns, op, &mut parts, rng)
}
