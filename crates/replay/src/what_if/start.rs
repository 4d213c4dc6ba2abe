//! Which policies are changed, and where a machine with another policy begins.

use super::WhatIfError;
use super::result::Start;
use crate::any::{AnyMachine, Kind};
use crate::journal::Header;

/// Policies in place of recorded ones, as JSON.
///
/// ```
/// use evenkeel_replay::any::Kind;
/// use evenkeel_replay::what_if::Policies;
///
/// let (strict, lax) = ("{..}", "{..}"); // as in a journal's header
/// let policies = Policies::new().of_kind(Kind::Breaker, strict).of_machine(7, lax);
/// assert!(policies.concern(Kind::Breaker, 1) && !policies.concern(Kind::Retry, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    all: Vec<(Whose, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Kind(Kind),
    Machine(u64),
}

impl Policies {
    /// Nothing is changed.
    #[must_use]
    pub const fn new() -> Self {
        Self { all: Vec::new() }
    }

    /// This policy for all machines of this kind. What is said later is preferred.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind, policy: impl Into<String>) -> Self {
        self.all.push((Whose::Kind(kind), policy.into()));
        self
    }

    /// This policy for this machine, whatever is said of its kind.
    #[must_use]
    pub fn of_machine(mut self, id: u64, policy: impl Into<String>) -> Self {
        self.all.push((Whose::Machine(id), policy.into()));
        self
    }

    /// Whether there is a policy for this machine.
    #[must_use]
    pub fn concern(&self, kind: Kind, id: u64) -> bool {
        self.policy(kind, id).is_some()
    }

    fn policy(&self, kind: Kind, id: u64) -> Option<&str> {
        let of = |wanted| {
            let mut all = self.all.iter().rev();
            all.find(|(whose, _)| *whose == wanted)
        };
        let (_, policy) = of(Whose::Machine(id)).or_else(|| of(Whose::Kind(kind)))?;
        Some(policy)
    }

    /// The machine that stands in the second run for the one that `header` begins and `before` is.
    pub(super) fn machine(
        &self,
        header: &Header,
        before: &AnyMachine,
        first_ns: u64,
    ) -> Result<(AnyMachine, Start), WhatIfError> {
        let Some(policy) = self.policy(header.kind, header.id) else {
            return Ok((before.clone(), Start::Recorded));
        };
        let wrong = |source| WhatIfError::Policy {
            kind: header.kind,
            id: header.id,
            source,
        };
        let fresh = AnyMachine::begin(header.kind, policy, first_ns).map_err(wrong)?;
        let was_fresh = AnyMachine::begin(header.kind, &header.policy, first_ns).map_err(wrong)?;
        if is_same(fresh.policy(), before.policy()) {
            return Ok((before.clone(), Start::Recorded));
        }
        if is_same(was_fresh.state(), before.state()) {
            return Ok((fresh, Start::Fresh));
        }
        Ok(
            match AnyMachine::restore(header.kind, policy, &header.state) {
                Ok(restored) => (restored, Start::Restored),
                Err(_) => (fresh, Start::Afresh),
            },
        )
    }
}

/// Whether both could be written and are the same text.
pub(super) fn is_same(one: serde_json::Result<String>, other: serde_json::Result<String>) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}
