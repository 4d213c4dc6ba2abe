//! The ids of a gate: which of the second run's stands for which of the first's.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::any::{AnyId, AnyOp};
use crate::{breaker, breaker_table};

/// What was given in one run for what was given in the other.
#[derive(Debug, Default)]
pub(super) struct Ids {
    theirs: HashMap<AnyId, Given>,
    asks: u64,
    ours: HashSet<AnyId>,
    /// Whether the second run's machine may know ids that were given before the journal, or in a gap.
    knows_strangers: bool,
}

impl Ids {
    pub(super) fn new(knows_strangers: bool) -> Self {
        Self {
            knows_strangers,
            ..Self::default()
        }
    }

    /// From here on the second run knows nothing but what it gives itself.
    pub(super) const fn know_no_strangers(&mut self) {
        self.knows_strangers = false;
    }

    /// The first run gave `before`, and the second `after`, at the same ask.
    pub(super) fn give(&mut self, now_ns: u64, before: Option<AnyId>, after: Option<AnyId>) {
        if let Some(id) = &after {
            self.ours.insert(id.clone());
        }
        if let Some(id) = before {
            self.asks += 1;
            let given = self.theirs.entry(id).or_default();
            given.open.insert((now_ns, self.asks), after);
        }
    }

    /// With which id the second run hears a report at `now_ns`; `None` if it does not.
    pub(super) fn take(&mut self, now_ns: u64, op: &AnyOp, id: &AnyId) -> Option<AnyId> {
        match self.theirs.get_mut(id) {
            Some(given) => given.take(now_ns.saturating_sub(latency_ns(op))),
            None => self.stranger(id),
        }
    }

    /// An id that was not given in the journal, as far as it is known now.
    pub(super) fn stranger(&self, id: &AnyId) -> Option<AnyId> {
        (self.knows_strangers && !self.ours.contains(id)).then(|| id.clone())
    }

    /// Forgets what was given so far.
    pub(super) fn clear(&mut self) {
        self.theirs.clear();
        self.ours.clear();
    }
}

/// What the second run gave where the first gave one id. While a breaker is closed all its permits have the same id,
/// and what is withdrawn is no more than an amount: so it may be many.
#[derive(Debug, Default)]
struct Given {
    /// Not yet reported, by the instant of the ask.
    open: BTreeMap<(u64, u64), Option<AnyId>>,
    /// For a report that comes twice.
    last: Option<AnyId>,
}

impl Given {
    /// What was asked at this instant, or else just before.
    fn take(&mut self, asked_ns: u64) -> Option<AnyId> {
        let before = self.open.range(..=(asked_ns, u64::MAX)).next_back();
        let asked = before.or_else(|| self.open.first_key_value());
        let asked = asked.map(|(asked, _)| *asked);
        if let Some(given) = asked.and_then(|asked| self.open.remove(&asked)) {
            self.last = given;
        }
        self.last.clone()
    }
}

/// How long before its report something was asked, as far as the report says it.
const fn latency_ns(op: &AnyOp) -> u64 {
    match op {
        AnyOp::Breaker(breaker::Op::OnOutcome { latency_ns, .. })
        | AnyOp::BreakerTable(breaker_table::Op::OnOutcome { latency_ns, .. }) => *latency_ns,
        _ => 0,
    }
}
