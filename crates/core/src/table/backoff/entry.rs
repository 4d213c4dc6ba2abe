//! What is known of one key, or of all that could not be tracked: a hold, how many attempts led to it, and how a
//! failure or a server's advice makes the next.

use super::answer::{HeldBy, Hold};
use super::policy::BackoffTablePolicy;
use crate::advice::{Advice, AdvisoryRule};
use crate::random::Rng;
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::table::keyed::{NOTE_MASK, Queue};
use crate::time::Monotone;

const REASON_BITS: u32 = 3;

/// Attempts are counted up to this: the schedule has long reached its cap.
pub(super) const MAX_ATTEMPTS: u32 = NOTE_MASK >> REASON_BITS;

/// What made the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Kind {
    Backoff,
    Advice,
    Stopped,
    /// A backoff whose end lies past the last instant: 2^64 ns after what is kept of it.
    EndlessBackoff,
    /// Advice whose end lies past the last instant: 2^64 ns after what is kept of it.
    EndlessAdvice,
}

impl Kind {
    const fn of(number: u32) -> Self {
        match number {
            0 => Self::Backoff,
            1 => Self::Advice,
            2 => Self::Stopped,
            3 => Self::EndlessBackoff,
            _ => Self::EndlessAdvice,
        }
    }

    pub(super) const fn is_endless(self) -> bool {
        matches!(self, Self::EndlessBackoff | Self::EndlessAdvice)
    }

    /// The same with an end past the last instant, or before it.
    const fn with_end(self, endless: bool) -> Self {
        match (self, endless) {
            (Self::Backoff, true) => Self::EndlessBackoff,
            (Self::Advice, true) => Self::EndlessAdvice,
            (Self::EndlessBackoff, false) => Self::Backoff,
            (Self::EndlessAdvice, false) => Self::Advice,
            (kind, _) => kind,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Entry {
    /// The end of the hold, less 2^64 where its kind is endless; the instant of the advice where it was to stop.
    pub(super) at_ns: u64,
    pub(super) attempts: u32,
    pub(super) kind: Kind,
    /// Whether the end of the hold was reported.
    pub(super) reported: bool,
    /// The last wait drawn, where the jitter needs it.
    pub(super) previous_ns: u64,
}

impl Entry {
    pub(super) const FRESH: Self = Self {
        at_ns: 0,
        attempts: 0,
        kind: Kind::Backoff,
        reported: true,
        previous_ns: 0,
    };

    #[inline]
    pub(super) const fn unpacked(at_ns: u64, note: u32, queue: Queue, previous_ns: u64) -> Self {
        let kind = Kind::of(note & ((1 << REASON_BITS) - 1));
        Self {
            at_ns,
            attempts: note >> REASON_BITS,
            kind,
            reported: matches!(queue, Queue::Idle) && !matches!(kind, Kind::Stopped),
            previous_ns,
        }
    }

    #[inline]
    pub(super) const fn note(&self) -> u32 {
        (self.attempts << REASON_BITS) | self.kind as u32
    }

    #[inline]
    pub(super) const fn queue(&self) -> Queue {
        if self.kind.is_endless() {
            Queue::Parked
        } else if self.reported || matches!(self.kind, Kind::Stopped) {
            Queue::Idle
        } else {
            Queue::Due
        }
    }

    /// Where it stands among others: by the true end, or the instant of the stop.
    #[inline]
    pub(super) fn place_ns(&self) -> u128 {
        let past = u128::from(self.kind.is_endless()) << 64;
        past | u128::from(self.at_ns)
    }

    /// The true end of the hold.
    fn end_ns(&self, policy: &BackoffTablePolicy) -> u128 {
        match self.kind {
            Kind::Stopped => self
                .place_ns()
                .saturating_add(policy.forget_after_ns.into()),
            _ => self.place_ns(),
        }
    }

    /// Whether nothing is known any more: an endless hold is never forgotten.
    #[inline]
    pub(super) fn is_forgotten(&self, policy: &BackoffTablePolicy, now_ns: u64) -> bool {
        let forgotten_ns = policy.forgotten_at_ns(self.at_ns);
        !self.kind.is_endless() && forgotten_ns.is_some_and(|at_ns| at_ns <= now_ns)
    }

    /// No key is forgotten sooner than `forget_after` after the earliest of these.
    #[inline]
    pub(super) const fn oldest_ns(&self) -> u64 {
        if self.kind.is_endless() {
            u64::MAX
        } else {
            self.at_ns
        }
    }

    pub(super) fn until_ns(&self, policy: &BackoffTablePolicy) -> Option<u64> {
        match self.kind {
            Kind::Stopped => policy.forgotten_at_ns(self.at_ns),
            kind if kind.is_endless() => None,
            _ => Some(self.at_ns),
        }
    }

    pub(super) const fn reason(&self) -> HeldBy {
        match self.kind {
            Kind::Backoff | Kind::EndlessBackoff => HeldBy::Backoff,
            Kind::Advice | Kind::EndlessAdvice => HeldBy::Advice,
            Kind::Stopped => HeldBy::Stopped,
        }
    }

    pub(super) fn hold(&self, policy: &BackoffTablePolicy) -> Hold {
        Hold {
            until_ns: self.until_ns(policy),
            attempt: self.attempts,
            reason: self.reason(),
        }
    }

    /// Whether it holds back at `now_ns`.
    #[inline]
    pub(super) fn holds(&self, policy: &BackoffTablePolicy, now_ns: u64) -> bool {
        match self.kind {
            Kind::Backoff | Kind::Advice => now_ns < self.at_ns,
            Kind::Stopped => !self.is_forgotten(policy, now_ns),
            Kind::EndlessBackoff | Kind::EndlessAdvice => true,
        }
    }

    #[inline]
    pub(super) fn ask(
        &self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
    ) -> Result<(), Refusal<HeldBy>> {
        if self.holds(policy, now_ns) {
            Err(Refusal::new(self.reason(), self.until_ns(policy)))
        } else {
            Ok(())
        }
    }

    #[inline]
    pub(super) fn fail<R: Rng + ?Sized>(
        self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Self {
        let own_ns = self.own_ns(policy, rng);
        let next = self.next(policy, Kind::Backoff, now_ns, own_ns, own_ns);
        if self.kind == Kind::Stopped || policy.keeps_longer_hold() {
            self.or_longer(policy, next)
        } else {
            next
        }
    }

    pub(super) fn advise<R: Rng + ?Sized>(
        self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
        advice: Advice,
        rng: &mut R,
    ) -> Self {
        let next = match advice {
            Advice::RetryAt { at_ns } => self.heed(policy, now_ns, at_ns, rng),
            Advice::Stop => self.stop(now_ns),
        };
        if policy.keeps_longer_hold() {
            self.or_longer(policy, next)
        } else {
            next
        }
    }

    /// The hold that the advice makes.
    fn heed<R: Rng + ?Sized>(
        self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
        at_ns: u64,
        rng: &mut R,
    ) -> Self {
        let advisory = policy.advisory();
        let own_ns = if advisory.asks_own() {
            self.own_ns(policy, rng)
        } else {
            self.previous_ns
        };
        let wait_ns = advisory.wait_ns(now_ns, at_ns, own_ns, rng);
        self.next(policy, Kind::Advice, now_ns, wait_ns, own_ns)
    }

    const fn stop(self, now_ns: u64) -> Self {
        Self {
            at_ns: now_ns,
            attempts: self.counted(),
            kind: Kind::Stopped,
            reported: false,
            previous_ns: self.previous_ns,
        }
    }

    const fn counted(&self) -> u32 {
        if self.attempts < MAX_ATTEMPTS {
            self.attempts.wrapping_add(1)
        } else {
            MAX_ATTEMPTS
        }
    }

    #[inline]
    fn own_ns<R: Rng + ?Sized>(&self, policy: &BackoffTablePolicy, rng: &mut R) -> u64 {
        let backoff = policy.backoff();
        let ceiling_ns = backoff.ceiling_ns(self.counted());
        backoff.draw_ns(ceiling_ns, self.previous_ns, rng)
    }

    #[inline]
    fn next(
        &self,
        policy: &BackoffTablePolicy,
        kind: Kind,
        now_ns: u64,
        wait_ns: u64,
        own_ns: u64,
    ) -> Self {
        let (at_ns, endless) = now_ns.overflowing_add(wait_ns);
        Self {
            at_ns,
            attempts: self.counted(),
            kind: kind.with_end(endless),
            reported: false,
            previous_ns: if policy.backoff().remembers_wait() {
                own_ns
            } else {
                0
            },
        }
    }

    /// `next`, but with the hold that stands where that one ends later. (One that is over ended before `next` does.)
    #[inline]
    pub(super) fn or_longer(self, policy: &BackoffTablePolicy, next: Self) -> Self {
        if self.end_ns(policy) > next.end_ns(policy) {
            Self {
                at_ns: self.at_ns,
                kind: self.kind,
                ..next
            }
        } else {
            next
        }
    }

    /// Why it cannot be the state of a key under `policy`, at the instant of `clock`.
    pub(super) fn flaw(&self, policy: &BackoffTablePolicy, clock: Monotone) -> Option<Flaw> {
        let now_ns = clock.latest_ns();
        if self.attempts == 0 || self.attempts > MAX_ATTEMPTS {
            return Some(Flaw::Corrupt("a key without an attempt, or with too many"));
        }
        if self.reported && (self.queue() != Queue::Idle || self.kind == Kind::Stopped) {
            return Some(Flaw::Corrupt(
                "the end of a hold without an end was reported",
            ));
        }
        if (self.reported || self.kind == Kind::Stopped) && self.at_ns > now_ns {
            return Some(Flaw::Corrupt("a hold ended, or advice came, in the future"));
        }
        if self.place_ns() > u128::from(now_ns).saturating_add(policy.longest_ns().into()) {
            return Some(Flaw::Misfit("a hold is longer than the policy allows"));
        }
        let longest_ns = if policy.backoff().remembers_wait() {
            policy.backoff().longest_ns()
        } else {
            0
        };
        (self.previous_ns > longest_ns)
            .then_some(Flaw::Misfit("a wait is longer than the policy allows"))
    }

    /// On another origin of time; `clock` is already there.
    pub(super) fn rebased(
        self,
        policy: &BackoffTablePolicy,
        rebase: &Rebase,
        clock: Monotone,
    ) -> Self {
        let now_ns = clock.latest_ns();
        if self.reported || self.kind == Kind::Stopped {
            let at_ns = rebase.past_ns(self.at_ns).min(now_ns);
            return Self { at_ns, ..self };
        }
        // The true end, on the other origin, and no later than the policy allows.
        let gone_ns = u128::from(rebase.taken_at_ns).saturating_add(rebase.away.as_nanos());
        let end_ns = self.place_ns().saturating_add(rebase.now_ns.into());
        let latest_ns = u128::from(now_ns).saturating_add(policy.longest_ns().into());
        let end_ns = end_ns.saturating_sub(gone_ns).min(latest_ns);
        Self {
            at_ns: u64::try_from(end_ns & u128::from(u64::MAX)).unwrap_or(u64::MAX),
            kind: self.kind.with_end(end_ns > u128::from(u64::MAX)),
            ..self
        }
    }
}

/// What is wrong with a stored entry.
pub(super) enum Flaw {
    Corrupt(&'static str),
    Misfit(&'static str),
}

const _: () = assert!(matches!(
    Kind::of(Kind::EndlessAdvice as u32),
    Kind::EndlessAdvice
));
const _: () = assert!(matches!(Kind::of(Kind::Stopped as u32), Kind::Stopped));

impl BackoffTablePolicy {
    /// Whether a hold that stands is never shortened: unless advice is taken exactly.
    #[inline]
    pub(super) const fn keeps_longer_hold(&self) -> bool {
        !matches!(self.advisory().rule, AdvisoryRule::Exact)
    }
}
