//! What is known of one key, or of all that could not be tracked: a hold, how many attempts led to it, and how a
//! failure or a server's advice makes the next.

use super::answer::{HeldBy, Hold};
use super::policy::BackoffTablePolicy;
use crate::advice::{Advice, AdvisoryRule};
use crate::random::Rng;
use crate::refusal::Refusal;
use crate::table::keyed::{NOTE_MASK, Queue};

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

    #[inline]
    pub(super) const fn is_endless(self) -> bool {
        matches!(self, Self::EndlessBackoff | Self::EndlessAdvice)
    }

    /// The same with an end past the last instant, or before it.
    pub(super) const fn with_end(self, endless: bool) -> Self {
        match (self, endless) {
            (Self::Backoff, true) => Self::EndlessBackoff,
            (Self::Advice, true) => Self::EndlessAdvice,
            (Self::EndlessBackoff, false) => Self::Backoff,
            (Self::EndlessAdvice, false) => Self::Advice,
            (kind, _) => kind,
        }
    }
}

/// What is reported of a key.
#[derive(Clone, Copy)]
pub(super) enum Fact {
    Failure,
    Advice(Advice),
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

    /// The same if it is a backoff that has an end, and its jitter remembers no wait: the usual case, `None` where it is
    /// not, so that what follows is compiled for just that.
    #[inline]
    pub(super) const fn backing_off(at_ns: u64, note: u32, queue: Queue) -> Option<Self> {
        if note & ((1 << REASON_BITS) - 1) != Kind::Backoff as u32 {
            return None;
        }
        Some(Self {
            at_ns,
            attempts: note >> REASON_BITS,
            kind: Kind::Backoff,
            reported: matches!(queue, Queue::Idle),
            previous_ns: 0,
        })
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

    #[cold]
    #[inline(never)]
    fn ends_after(policy: &BackoffTablePolicy, one: Self, other: Self) -> bool {
        one.end_ns(policy) > other.end_ns(policy)
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
        !self.kind.is_endless() && policy.is_forgotten(self.at_ns, now_ns)
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

    #[inline]
    pub(super) fn until_ns(&self, policy: &BackoffTablePolicy) -> Option<u64> {
        match self.kind {
            Kind::Stopped => policy.forgotten_at_ns(self.at_ns),
            kind if kind.is_endless() => None,
            _ => Some(self.at_ns),
        }
    }

    #[inline]
    pub(super) const fn reason(&self) -> HeldBy {
        match self.kind {
            Kind::Backoff | Kind::EndlessBackoff => HeldBy::Backoff,
            Kind::Advice | Kind::EndlessAdvice => HeldBy::Advice,
            Kind::Stopped => HeldBy::Stopped,
        }
    }

    #[inline]
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

    // Always, here and below: a report is one way through, and its entry stays in registers.
    #[inline(always)]
    pub(super) fn after<R: Rng + ?Sized>(
        self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
        fact: Fact,
        rng: &mut R,
    ) -> Self {
        match fact {
            Fact::Failure => self.fail(policy, now_ns, rng),
            Fact::Advice(advice) => self.advise(policy, now_ns, advice, rng),
        }
    }

    #[inline(always)]
    fn fail<R: Rng + ?Sized>(self, policy: &BackoffTablePolicy, now_ns: u64, rng: &mut R) -> Self {
        let own_ns = self.own_ns(policy, rng);
        self.failed(policy, now_ns, own_ns)
    }

    /// After a failure whose wait was drawn.
    #[inline]
    pub(super) fn failed(self, policy: &BackoffTablePolicy, now_ns: u64, own_ns: u64) -> Self {
        let next = self.next(policy, Kind::Backoff, now_ns, own_ns, own_ns);
        let keeps = self.kind == Kind::Stopped || policy.keeps_longer_hold();
        next.or(self, keeps && self.is_longer(policy, &next))
    }

    /// The same for a backoff that has an end and jitter that remembers no wait: `None` where the next has no end.
    #[inline]
    pub(super) fn failed_in_time(
        self,
        policy: &BackoffTablePolicy,
        now_ns: u64,
        own_ns: u64,
    ) -> Option<Self> {
        let end_ns = now_ns.checked_add(own_ns)?;
        let stays = policy.keeps_longer_hold() && self.at_ns > end_ns;
        Some(Self {
            at_ns: if stays { self.at_ns } else { end_ns },
            attempts: self.counted(),
            kind: Kind::Backoff,
            reported: false,
            previous_ns: 0,
        })
    }

    #[inline(never)]
    fn advise<R: Rng + ?Sized>(
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
        next.or(
            self,
            policy.keeps_longer_hold() && self.is_longer(policy, &next),
        )
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

    #[inline]
    const fn counted(&self) -> u32 {
        let before = if self.attempts < MAX_ATTEMPTS {
            self.attempts
        } else {
            MAX_ATTEMPTS - 1
        };
        before.wrapping_add(1)
    }

    #[inline(always)]
    pub(super) fn own_ns<R: Rng + ?Sized>(&self, policy: &BackoffTablePolicy, rng: &mut R) -> u64 {
        let ceiling_ns = policy.ceiling_ns(self.counted());
        policy.backoff().draw_ns(ceiling_ns, self.previous_ns, rng)
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

    /// Whether the hold that stands ends later than that of `next`. (One that is over ended before `next` does.)
    #[inline]
    pub(super) fn is_longer(&self, policy: &BackoffTablePolicy, next: &Self) -> bool {
        if matches!(self.kind, Kind::Stopped) || matches!(next.kind, Kind::Stopped) {
            return Self::ends_after(policy, *self, *next);
        }
        self.place_ns() > next.place_ns()
    }

    /// The same with the hold of `standing`, if it stays. Word by word: a copy of the whole would go through memory, and
    /// what reads it there would wait until all that was written before has reached the cache.
    #[inline]
    pub(super) const fn or(self, standing: Self, stays: bool) -> Self {
        Self {
            at_ns: if stays { standing.at_ns } else { self.at_ns },
            kind: if stays { standing.kind } else { self.kind },
            attempts: self.attempts,
            reported: self.reported,
            previous_ns: self.previous_ns,
        }
    }
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
