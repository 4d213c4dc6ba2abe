//! May this call be made now? Every ask, from the plain yes to a probe's place.

use super::answer::{Grant, Refused, RefusedBy};
use super::leases;
use super::permit::{Permit, PermitId};
use super::policy::BreakerPolicy;
use super::state::{BreakerState, Stage};
use super::told::Mode;
use super::transitions::Transitions;
use crate::random::{Rng, scaled};
use crate::refusal::Refusal;
use crate::time::Monotone;

impl BreakerState {
    #[inline]
    pub(crate) fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Grant, Refused> {
        // Further on, now is the latest instant of the clock: one argument less to carry.
        self.clock = Monotone::since(self.clock.peek(now_ns));
        if self.quiet.is_promised() {
            return Ok(self.grant(PermitId::CLOSED, None, Transitions::none()));
        }
        if let Some(until_ns) = self.refuses_all(policy) {
            let refusal = Refusal::new(RefusedBy::Open, Some(until_ns));
            return Err(self.refuse(refusal, Transitions::none()));
        }
        // Taken apart and put together: so no way writes its answer to memory but this one.
        match self.decide(policy, rng) {
            Ok(Grant {
                permit,
                would_refuse,
                transitions,
            }) => Ok(Grant {
                permit,
                would_refuse,
                transitions,
            }),
            Err(refused) => Err(refused),
        }
    }

    /// Open with its wait still on, no matter what a health probe said, and no operator's say: the end of the wait.
    #[inline]
    const fn refuses_all(&self, policy: &BreakerPolicy) -> Option<u64> {
        match self.stage {
            Stage::Open {
                until_ns: Some(until_ns),
            } if self.clock.latest_ns() < until_ns
                && matches!(self.mode, Mode::Normal)
                && !policy.until_healthy() =>
            {
                Some(until_ns)
            }
            _ => None,
        }
    }

    /// Closed, with no ramp and no operator's say.
    #[inline]
    const fn admits_all(&self) -> bool {
        match &self.stage {
            Stage::Closed { ramp_from_ns, .. } => ramp_from_ns.is_none() && !self.is_forced(),
            _ => false,
        }
    }

    /// An ask whose answer is not plain: the phase may change, a word may be drawn, an operator may have a say.
    ///
    /// Cold, though it is not rare: so the short way in its caller saves no registers for it, a tenth of its instructions.
    #[cold]
    #[inline(never)]
    pub(super) fn decide<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        rng: &mut R,
    ) -> Result<Grant, Refused> {
        if self.admits_all() {
            return Ok(self.grant(PermitId::CLOSED, None, Transitions::none()));
        }
        let now_ns = self.clock.latest_ns();
        let transitions = self.advance(policy, now_ns);
        let (number, would_refuse) = match self.admit(policy, now_ns, rng) {
            Ok(number) => (number, None),
            Err(refusal) if self.mode == Mode::Observe => {
                self.stats.would_refuse = self.stats.would_refuse.wrapping_add(1);
                (PermitId::UNCOUNTED, Some(refusal))
            }
            Err(refusal) => return Err(self.refuse(refusal, transitions)),
        };
        Ok(self.grant(number, would_refuse, transitions))
    }

    #[inline]
    fn grant(
        &mut self,
        number: u32,
        would_refuse: Option<Refusal<RefusedBy>>,
        transitions: Transitions,
    ) -> Grant {
        self.stats.admitted = self.stats.admitted.wrapping_add(1);
        Grant {
            permit: Permit::from_id(self.permit_id(number)),
            would_refuse,
            transitions,
        }
    }

    #[inline]
    fn refuse(&mut self, refusal: Refusal<RefusedBy>, transitions: Transitions) -> Refused {
        self.stats.refused = self.stats.refused.wrapping_add(1);
        Refused {
            refusal,
            transitions,
        }
    }

    #[inline]
    pub(super) const fn permit_id(&self, number: u32) -> PermitId {
        PermitId::new(self.generation, self.tag, number)
    }

    /// The number of the permit to give.
    fn admit<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<u32, Refusal<RefusedBy>> {
        match self.mode {
            Mode::Normal | Mode::Observe => {}
            Mode::ForcedOpen => return Err(Refusal::new(RefusedBy::ForcedOpen, None)),
            Mode::ForcedClosed => return Ok(PermitId::UNCOUNTED),
        }
        match self.stage {
            Stage::Closed { ramp_from_ns, .. } => match ramp_from_ns.get() {
                None => Ok(PermitId::CLOSED),
                Some(from_ns) => pass_ramp(policy, from_ns, now_ns, rng),
            },
            Stage::Open { until_ns } => Err(self.open_refusal(policy, until_ns, now_ns)),
            Stage::HalfOpen { .. } => self.admit_probe(policy, now_ns, rng),
        }
    }

    fn admit_probe<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<u32, Refusal<RefusedBy>> {
        self.take_off_lost(policy, now_ns);
        self.probe_room(policy, 0)?;
        let Stage::HalfOpen {
            leases,
            next,
            reopen_word,
            ..
        } = &mut self.stage
        else {
            return Ok(PermitId::CLOSED);
        };
        if reopen_word.is_none() && policy.open().draws() {
            *reopen_word = Some(rng.next_u64());
        }
        let number = *next;
        let words = self.words.words_mut();
        let deadline_ns = now_ns.checked_add(policy.probe_timeout_ns);
        leases::push(words, *leases, number, deadline_ns);
        *leases = leases.saturating_add(1);
        *next = leases::free_number_after(words, *leases, number);
        Ok(number)
    }
}

/// One word: the share that passes grows from nothing at the close to everything at the ramp's end.
fn pass_ramp<R: Rng + ?Sized>(
    policy: &BreakerPolicy,
    from_ns: u64,
    now_ns: u64,
    rng: &mut R,
) -> Result<u32, Refusal<RefusedBy>> {
    let ramp_ns = policy.ramp_ns.unwrap_or(0);
    let since_ns = now_ns.saturating_sub(from_ns);
    if since_ns >= ramp_ns || scaled(rng.next_u64(), ramp_ns) < since_ns {
        Ok(PermitId::CLOSED)
    } else {
        Err(Refusal::new(RefusedBy::Ramp, from_ns.checked_add(ramp_ns)))
    }
}
