//! The ids of a gate: which of the second run's stands for which of the first's.

use std::collections::{HashMap, HashSet};

use crate::any::AnyId;

/// What was given in one run for what was given in the other.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// An id may be given more than once (an amount withdrawn): the last comes first.
    theirs: HashMap<AnyId, Vec<Option<AnyId>>>,
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
    pub(super) fn give(&mut self, before: Option<AnyId>, after: Option<AnyId>) {
        if let Some(id) = &after {
            self.ours.insert(id.clone());
        }
        if let Some(id) = before {
            self.theirs.entry(id).or_default().push(after);
        }
    }

    /// With which id the second run hears a report; `None` if it does not.
    pub(super) fn take(&mut self, id: &AnyId) -> Option<AnyId> {
        match self.theirs.get_mut(id) {
            // The last one is kept, for a report that comes twice.
            Some(given) if given.len() > 1 => given.pop().flatten(),
            Some(given) => given.first().cloned().flatten(),
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
