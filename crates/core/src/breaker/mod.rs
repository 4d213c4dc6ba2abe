//! Circuit breaker: stop calling what does not answer, find out when it does again.
//!
#![doc = include_str!("../../diagrams/breaker.svg")]
//!
//! | phase | ask | success | failure | ignored | overloaded | time |
//! |---|---|---|---|---|---|---|
//! | closed | yes; on the ramp by draw | counts; a trigger fires → **open** | counts; a trigger fires → **open** | nothing | → **open** | nothing |
//! | open | no | stale | stale | stale | stale | wait over (and up, with `until_healthy`) → **half-open** |
//! | half-open | yes if a place is free and the result can still count | passed + 1; `successes` passed → **closed**; slow: as a failure | failed + 1; more than `trials - successes` failed → **open** | place freed | → **open** | a place's lease ends: failed + 1; more than `trials - successes` failed → **open** |
//!
//! Every change of phase starts a new generation: counters and window begin afresh, and results of calls that were
//! let through before are [stale](Receipt::Stale). The n-th open in a row waits the n-th wait of the policy's
//! backoff.
//!
//! [`Mode`] is an operator's switch beside the phase: `Observe` lets pass what would be refused, the forced modes stop
//! time and results.
//!
//! **Deadlines.** [`next_deadline_ns`](Breaker::next_deadline_ns) may change after any call that takes `&mut self`.
//! [`poll`](Breaker::poll) is never needed for a right answer; it only reports transitions earlier.
//!
//! **Cost.** Asking and reporting in closed: O(triggers), a few nanoseconds, no allocation; most successes of a healthy
//! dependency need no trigger judged, and cost the same with one or four. In half-open an ask or a report searches at most
//! `max_in_flight` places. A change of phase clears the window: O(its words). A time window moves at
//! most all its slices once, however long the silence was.
//!
//! **Memory** is fixed when the breaker is made: 208 bytes beside the policy or the reference to it. Two probes in flight
//! lie within, and so does a window of 256 bits (256 calls where the triggers look at one condition, 128 for two, 64 for
//! three or four; 4 slices of time for one condition). What needs more takes it from the heap, once, where the feature
//! `alloc` is on; without it a breaker is larger and has no heap.
//!
//! **Random words.** A trip draws one, the first probe of a half-open phase draws one for the wait that may follow (so
//! that time alone never needs one), each ask on the ramp draws one. Open waits without jitter draw none.
//!
//! **Defaults.** One probe decides, a close forgives all earlier opens, an open wait has equal jitter: reasons at the
//! [setters](BreakerBuilder). Thresholds, the open wait and `probe_timeout` have none, because they mean something
//! with your traffic only.
//!
//! **Not for** errors that are the caller's own (report those as `Ignored`), nor for a limit of load in normal
//! operation; where a backend refuses a part of its load, the [throttle](crate::throttle) is smoother.
//!
//! Prior art: Nygard's *Release It!*; Resilience4j for windows and slow calls; gobreaker for generations.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Cause, Outcome, Phase, Trigger};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! const SECOND: u64 = 1_000_000_000;
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
//!     .trigger(Trigger::Consecutive { failures: 2 })
//!     .build()?;
//! let mut breaker = Breaker::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! // Two calls fail, and the breaker opens.
//! for now_ns in [10, 20] {
//!     let grant = breaker.try_acquire(now_ns, &mut rng)?;
//!     let _ = breaker.on_outcome(now_ns, grant.permit, Outcome::Failure, 5_000, &mut rng);
//! }
//! let refused = breaker.try_acquire(30, &mut rng).unwrap_err();
//! let retry_at_ns = refused.retry_at_ns().expect("an open breaker says when");
//! assert!(retry_at_ns <= 20 + SECOND);
//!
//! // The same question at that instant is answered with yes, and one probe that passes closes it.
//! let probe = breaker.try_acquire(retry_at_ns, &mut rng)?;
//! assert_eq!(breaker.phase(retry_at_ns), Phase::HalfOpen);
//! let receipt = breaker.on_outcome(retry_at_ns, probe.permit, Outcome::Success, 5_000, &mut rng);
//! let closed = receipt.transitions().last().expect("the trials passed");
//! assert_eq!((closed.to, closed.cause), (Phase::Closed, Cause::TrialsPassed));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
mod ask;
mod builder;
mod counters;
#[cfg(feature = "serde")]
mod fields;
mod foresight;
mod leases;
mod permit;
mod phases;
mod policy;
mod queries;
mod quiet;
mod rebased;
mod report;
mod state;
mod told;
mod transition;
mod transitions;
mod trigger;
mod window;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;

pub use answer::{Grant, Receipt, Refused, RefusedBy};
pub use builder::BreakerBuilder;
pub use counters::{BreakerStats, WindowCounts};
pub use permit::{Permit, PermitId};
pub use policy::BreakerPolicy;
pub use state::BreakerState;
pub use told::{Health, Mode, Outcome};
pub use transition::{Cause, Phase, Transition};
pub use transitions::{Transitions, TransitionsIter};
pub use trigger::Trigger;
pub use window::Window;

/// A circuit breaker; see the [module](self) for its transition table.
///
/// `P` is the policy or any borrow of one: `Breaker::new(&policy)` lets a million breakers share one policy.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let policy = builder.build()?;
/// let mut breakers = [(); 3].map(|()| Breaker::new(&policy));
/// let _ = breakers[1].set_mode(0, Mode::ForcedOpen);
/// let phases = breakers.map(|breaker| breaker.phase(0));
/// assert_eq!(phases, [Phase::Closed, Phase::Open, Phase::Closed]);
/// # #[cfg(all(feature = "alloc", target_pointer_width = "64"))]
/// assert_eq!(size_of::<Breaker<&BreakerPolicy>>(), 208 + size_of::<&BreakerPolicy>());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker<P = BreakerPolicy> {
    policy: P,
    state: BreakerState,
}

impl<P: Borrow<BreakerPolicy>> Breaker<P> {
    /// A closed breaker, with tag 0; see [`tagged`](Self::tagged) where permits of several breakers are about.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = builder.build()?;
    /// let breaker = Breaker::new(&policy);
    /// assert_eq!((breaker.phase(0), breaker.tag()), (Phase::Closed, 0));
    /// assert!(breaker.peek(0).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn new(policy: P) -> Self {
        Self::tagged(policy, 0)
    }

    /// A closed breaker whose permits carry `tag`, so that another breaker with another tag knows them for foreign.
    /// Give each breaker of a program its own where permits of several are in flight side by side.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = builder.build()?;
    /// let [mut ours, mut theirs] = [1, 2].map(|tag| Breaker::tagged(&policy, tag));
    /// let grant = ours.try_acquire(0, &mut rng)?;
    /// let receipt = theirs.on_outcome(5, grant.permit, Outcome::Failure, 5, &mut rng);
    /// assert!(receipt.is_stale());
    /// assert_eq!(theirs.stats(5).failures, 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn tagged(policy: P, tag: u32) -> Self {
        let state = BreakerState::fresh(policy.borrow(), tag);
        Self { policy, state }
    }

    /// Takes over a stored state; permits given before it was stored stay valid. Its instants keep their origin: a
    /// process whose clock starts elsewhere takes it over with [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When the state contradicts itself or does not fit the policy. It is checked as untrusted input: O(words of the
    /// window), and all probes in flight are compared with each other.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// # use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).build()?;
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 2 })
    /// #     .build()?;
    /// let breaker = Breaker::new(&policy);
    /// let restored = Breaker::restore(&policy, breaker.state())?;
    /// assert_eq!(restored.state(), breaker.state());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: BreakerState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// Takes over the state of another process, whose clock started elsewhere: see [`Rebase`].
    ///
    /// - No permit given before is valid any more: the generation grows by one, and late results are stale.
    /// - In half-open, places of probes that were still in flight are free and count for nothing; what was counted
    ///   stays, and so does the word drawn for the wait that may follow. A probe that was lost before
    ///   [`taken_at_ns`](Rebase::taken_at_ns) still counts as failed.
    /// - A time window drops what has left it by now.
    /// - An open wait that ended while nobody ran it is over; it is never longer than the policy allows.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = builder.build()?;
    /// # let mut breaker = Breaker::new(&policy);
    /// # let call = breaker.try_acquire(7_000, &mut rng)?;
    /// # let _ = breaker.on_outcome(7_000, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 7 000 opened it, for 100 ns. A probe is out when the process ends.
    /// let probe = breaker.try_acquire(7_100, &mut rng)?.permit;
    /// let rebase = Rebase { taken_at_ns: 7_110, now_ns: 0, away: Duration::ZERO };
    ///
    /// // Here time begins at 0. The probe's place is free, and its result comes too late.
    /// let mut breaker = Breaker::restore_rebased(&policy, breaker.state(), rebase)?;
    /// assert!(breaker.on_outcome(5, probe, Outcome::Success, 5, &mut rng).is_stale());
    /// let second = breaker.try_acquire(5, &mut rng)?.permit;
    /// assert!(!breaker.on_outcome(9, second, Outcome::Success, 4, &mut rng).is_stale());
    /// assert_eq!(breaker.phase(9), Phase::Closed);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: BreakerState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// May this call be made now? Draws a word where the [module](self) says so.
    ///
    /// # Errors
    /// A [`Refused`] with the reason and the instant at which to ask again.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// let refused = breaker.try_acquire(40, &mut rng).unwrap_err();
    /// assert_eq!((refused.reason(), refused.retry_at_ns()), (RefusedBy::Open, Some(100)));
    ///
    /// let grant = breaker.try_acquire(100, &mut rng)?;
    /// assert!(grant.permit.id().is_probe());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Grant, Refused> {
        self.state.try_acquire(self.policy.borrow(), now_ns, rng)
    }

    /// The call ended: `outcome`, after `latency_ns`. Draws one word when it opens a closed breaker.
    ///
    /// `latency_ns` counts for slow-rate and latency triggers and is otherwise not looked at; 0 where it was not
    /// measured is never slow. The receipt says whether the outcome counted.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// // One failure opens this breaker.
    /// let calls = [breaker.try_acquire(0, &mut rng)?, breaker.try_acquire(0, &mut rng)?];
    /// let outcomes = [(Outcome::Success, Phase::Closed), (Outcome::Failure, Phase::Open)];
    /// for (call, (outcome, phase)) in calls.into_iter().zip(outcomes) {
    ///     let receipt = breaker.on_outcome(7, call.permit, outcome, 7, &mut rng);
    ///     assert!(matches!(receipt, Receipt::Counted(_)));
    ///     assert_eq!(breaker.phase(7), phase);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        self.state.on_outcome(
            self.policy.borrow(),
            now_ns,
            permit.id(),
            outcome,
            latency_ns,
            rng,
        )
    }

    /// The health of the dependency as something else sees it, say an active probe. Only with `until_healthy` does it
    /// matter: the end of the open wait then also needs the last word to have been [`Health::Up`]. Draws no word.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// let mut breaker = Breaker::new(builder.until_healthy(true).build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // The open wait ended at 100, but nobody has said that the dependency is up.
    /// assert_eq!(breaker.phase(200), Phase::Open);
    /// let made = breaker.on_health(250, Health::Up);
    /// assert_eq!(made.last().map(|made| (made.at_ns, made.to)), Some((250, Phase::HalfOpen)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn on_health(&mut self, now_ns: u64, health: Health) -> Transitions {
        self.state.on_health(self.policy.borrow(), now_ns, health)
    }

    /// Makes and reports the transitions that have fallen due. Never needed for a right answer: every other call does
    /// the same first. Draws no word.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // Open until 100; noticed only at 130, and reported once.
    /// assert!(breaker.poll(99).is_empty());
    /// let made = breaker.poll(130);
    /// assert_eq!(made.last().map(|made| (made.at_ns, made.to)), Some((100, Phase::HalfOpen)));
    /// assert!(breaker.poll(130).is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn poll(&mut self, now_ns: u64) -> Transitions {
        let now_ns = self.state.clock.observe(now_ns);
        self.state.advance(self.policy.borrow(), now_ns)
    }

    /// An operator's command: see [`Mode`]. Draws no word.
    ///
    /// `ForcedOpen` and `ForcedClosed` move the phase there if it is elsewhere. Leaving `ForcedOpen` resumes the open
    /// wait that was cut short, or else goes on to half-open, so that traffic returns through probes; leaving
    /// `ForcedClosed` stays closed.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// let _ = breaker.set_mode(10, Mode::ForcedOpen);
    /// assert_eq!(breaker.peek(9_000).map_err(|no| no.reason), Err(RefusedBy::ForcedOpen));
    ///
    /// // Traffic returns through probes.
    /// let made = breaker.set_mode(9_000, Mode::Normal);
    /// assert_eq!(made.last().map(|made| made.to), Some(Phase::HalfOpen));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_mode(&mut self, now_ns: u64, mode: Mode) -> Transitions {
        self.state.set_mode(self.policy.borrow(), now_ns, mode)
    }

    /// An operator's command: closed and normal, earlier opens forgotten, no ramp; permits in flight become stale.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it.
    /// let made = breaker.reset(10).last().ok_or("closed before")?;
    /// assert_eq!((made.from, made.to, made.cause), (Phase::Open, Phase::Closed, Cause::Reset));
    /// assert_eq!(breaker.consecutive_opens(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn reset(&mut self, now_ns: u64) -> Transitions {
        self.state.reset(self.policy.borrow(), now_ns)
    }
}
