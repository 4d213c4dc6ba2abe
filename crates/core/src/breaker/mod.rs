//! Circuit breaker: stop calling what does not answer, find out when it does again.
//!
//! ```text
//!                 a trigger fires, Overloaded
//!      ┌────────┐ ─────────────────────────▶ ┌──────┐
//!      │ closed │                            │ open │ ◀─────────────┐
//!      └────────┘                            └──────┘               │
//!          ▲                                    │ the wait is over  │ so many probes failed or
//!          │ enough probes passed               ▼ (and it is up)    │ were lost that the trials
//!          │                               ┌───────────┐            │ cannot pass; Overloaded
//!          └────────────────────────────── │ half-open │ ───────────┘
//!                                          └───────────┘
//! ```
//!
//! | phase | ask | success | failure | ignored | overloaded | time |
//! |---|---|---|---|---|---|---|
//! | closed | yes; on the ramp by draw | counts, triggers judged → maybe **open** | counts, triggers judged → maybe **open** | nothing | → **open** | nothing |
//! | open | no | stale | stale | stale | stale | wait over (and up, with `until_healthy`) → **half-open** |
//! | half-open | yes if a place is free and the result can still count | passed + 1, at `successes` → **closed**; slow: as a failure | failed + 1, above `trials - successes` → **open** | place freed | → **open** | a place's lease ends: failed + 1, maybe → **open** |
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
//! **Cost.** Asking and reporting in closed: O(triggers), a few nanoseconds, no allocation. In half-open a report
//! searches at most `max_in_flight` places. A change of phase clears the window: O(its words). A time window moves at
//! most all its slices once, however long the silence was. Memory is fixed when the breaker is made.
//!
//! **Random words.** A trip draws one, the first probe of a half-open phase draws one for the wait that may follow (so
//! that time alone never needs one), each ask on the ramp draws one. Open waits without jitter draw none.
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
#[cfg(feature = "serde")]
mod fields;
mod foresight;
mod leases;
mod permit;
mod phases;
mod policy;
mod report;
mod state;
mod transition;
mod trigger;
mod window;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::refusal::Refusal;

pub use answer::{
    BreakerStats, Grant, Health, Mode, Outcome, Receipt, Refused, RefusedBy, WindowCounts,
};
pub use builder::BreakerBuilder;
pub use permit::{Permit, PermitId};
pub use policy::BreakerPolicy;
pub use state::BreakerState;
pub use transition::{Cause, Phase, Transition, Transitions, TransitionsIter};
pub use trigger::Trigger;
pub use window::Window;

/// A circuit breaker; see the [module](self) for its transition table.
///
/// `P` is the policy or any borrow of one: `Breaker::new(&policy)` lets a million breakers share one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker<P = BreakerPolicy> {
    policy: P,
    state: BreakerState,
}

impl<P: Borrow<BreakerPolicy>> Breaker<P> {
    /// A closed breaker, with tag 0; see [`tagged`](Self::tagged) where permits of several breakers are about.
    pub fn new(policy: P) -> Self {
        Self::tagged(policy, 0)
    }

    /// A closed breaker whose permits carry `tag`, so that another breaker with another tag knows them for foreign.
    /// Give each breaker of a program its own where permits of several are in flight side by side.
    pub fn tagged(policy: P, tag: u32) -> Self {
        let state = BreakerState::fresh(policy.borrow(), tag);
        Self { policy, state }
    }

    /// Takes over a stored state; permits given before it was stored stay valid. Its instants keep their origin: a
    /// process whose clock starts elsewhere must not take it over.
    ///
    /// # Errors
    /// When the state has another version, contradicts itself, or does not fit the policy. It is checked as untrusted
    /// input: O(words of the window).
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

    /// May this call be made now? Draws a word where the [module](self) says so.
    ///
    /// # Errors
    /// A [`Refused`] with the reason and the instant at which to ask again.
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
    pub fn on_health(&mut self, now_ns: u64, health: Health) -> Transitions {
        self.state.on_health(self.policy.borrow(), now_ns, health)
    }

    /// Makes and reports the transitions that have fallen due. Never needed for a right answer: every other call does
    /// the same first. Draws no word.
    pub fn poll(&mut self, now_ns: u64) -> Transitions {
        let now_ns = self.state.clock.observe(now_ns);
        self.state.advance(self.policy.borrow(), now_ns)
    }

    /// The next instant at which [`poll`](Self::poll) would report a transition if nothing is reported until then.
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns(self.policy.borrow())
    }

    /// The phase at `now_ns`; changes nothing.
    #[must_use]
    pub fn phase(&self, now_ns: u64) -> Phase {
        self.state.phase(self.policy.borrow(), now_ns)
    }

    /// What [`try_acquire`](Self::try_acquire) would answer at `now_ns`, without taking a place. On the ramp, where the
    /// answer is a draw, it is yes, also where that draw is sure to be lost.
    ///
    /// # Errors
    /// The refusal that the call would meet.
    pub fn peek(&self, now_ns: u64) -> Result<(), Refusal<RefusedBy>> {
        self.state.peek(self.policy.borrow(), now_ns)
    }

    /// An operator's command: see [`Mode`]. Draws no word.
    ///
    /// `ForcedOpen` and `ForcedClosed` move the phase there if it is elsewhere. Leaving `ForcedOpen` resumes the open
    /// wait that was cut short, or else goes on to half-open, so that traffic returns through probes; leaving
    /// `ForcedClosed` stays closed.
    pub fn set_mode(&mut self, now_ns: u64, mode: Mode) -> Transitions {
        self.state.set_mode(self.policy.borrow(), now_ns, mode)
    }

    /// An operator's command: closed and normal, earlier opens forgotten, no ramp; permits in flight become stale.
    pub fn reset(&mut self, now_ns: u64) -> Transitions {
        self.state.reset(self.policy.borrow(), now_ns)
    }

    /// The operator's mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.state.mode
    }

    /// How many transitions there were up to the last call.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.state.generation
    }

    /// The tag that its permits carry.
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.state.tag
    }

    /// How often it opened in a row, less what calm time had forgiven at the last trip: the number of the next open
    /// wait is one more.
    #[must_use]
    pub const fn consecutive_opens(&self) -> u32 {
        self.state.opens
    }

    /// Failures in a row, while closed.
    #[must_use]
    pub const fn consecutive_failures(&self) -> u32 {
        match self.state.stage {
            state::Stage::Closed { consecutive, .. } => consecutive,
            _ => 0,
        }
    }

    /// The counters at `now_ns`; changes nothing.
    #[must_use]
    pub fn stats(&self, now_ns: u64) -> BreakerStats {
        self.state.stats_at(self.policy.borrow(), now_ns)
    }

    /// What the window holds at `now_ns`; changes nothing. All zero while not closed: every change of phase starts the
    /// window afresh. O(slices) for a window of time, else O(1).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::Ratio;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger, Window};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).build()?;
    /// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
    ///     .window(Window::Time { span: Duration::from_nanos(100), slices: 10 })
    ///     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 20 })
    ///     .build()?;
    /// let mut breaker = Breaker::new(policy);
    /// for (now_ns, outcome) in [(10, Outcome::Failure), (60, Outcome::Success)] {
    ///     let grant = breaker.try_acquire(now_ns, &mut rng)?;
    ///     let _ = breaker.on_outcome(now_ns, grant.permit, outcome, 5, &mut rng);
    /// }
    /// let window = breaker.window(60);
    /// assert_eq!((window.calls, window.failures, window.slow), (2, Some(1), None));
    /// // The failure leaves the window with its slice.
    /// assert_eq!(breaker.window(110).failures, Some(0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn window(&self, now_ns: u64) -> WindowCounts {
        self.state.window_at(self.policy.borrow(), now_ns)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &BreakerPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore). O(words of the window).
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state.clone()
    }
}
