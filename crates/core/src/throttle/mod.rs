//! Adaptive throttle: while a backend refuses, most requests are refused at home, where it costs it nothing.
//!
//! A backend that is overloaded spends its time on saying no. So a client counts its requests and how many of them were
//! accepted over the last two minutes, and once it sent more than `k` times what was accepted, it lets only so many go
//! out, by chance: `max(0, requests - k * accepts) / (requests + 1)` is the probability that one is rejected. Unlike a
//! breaker it has no phases: load sinks and comes back by degrees, and some requests always go out to see.
//!
//! | call | in the history | answer |
//! |---|---|---|
//! | [`try_request`](AdaptiveThrottle::try_request) | requests < `min_requests`, or <= `k` * accepts | yes; requests + 1; no word |
//! | [`try_request`](AdaptiveThrottle::try_request) | requests > `k` * accepts | one word: yes, or [`Throttled`]; requests + 1 both times |
//! | [`on_accepted`](AdaptiveThrottle::on_accepted) | any | accepts + 1 |
//!
//! "Accepted" means that the backend did the work or would have: an error of the application is accepted, "overloaded",
//! "unavailable" and a timeout are not. A request rejected here counts as a request, as in the book: that is what makes
//! the probability rise while it goes on asking. A request that is still on its way counts as not accepted, so the
//! history must be much longer than a call takes.
//!
//! - **Time.** The history is the current slice of an absolute grid and those before it. The answer may change with
//!   every call and at the start of every slice; there is no deadline and no poll.
//! - **Alive.** The probability is below 1 for any counts, and a history in which nothing is counted rejects nothing.
//! - **Words.** One for each request whose probability is above 0, none otherwise.
//! - **Cost.** Less than 200 bytes for up to 16 slices, else 8 bytes a slice on the heap (feature `alloc`). A call is
//!   O(1); the first in a new slice, and a refusal, take a step for each slice.
//! - **Defaults.** Two minutes in ten slices, `k` 2, nothing below ten requests, no bound on the probability: the
//!   book's, but for the floor. Reasons at the [setters](AdaptiveThrottleBuilder).
//! - **Counts** are 32 bits: in a history that holds 2^32 - 1 of a kind, further ones do not count.
//!
//! Not for errors that say nothing of load (a [`Breaker`](crate::breaker::Breaker) looks at those), and not for a fixed
//! rate.
//!
//! Source: Google, *Site Reliability Engineering*, chapter "Handling Overload", client-side throttling. Peers draw from
//! a generator of their own, so no decision can be replayed; go-zero counts a request when it ends, so a burst is not
//! seen until its answers come.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! const SECOND: u64 = 1_000_000_000;
//! let policy = AdaptiveThrottlePolicy::builder().history(Duration::from_secs(10)).build()?;
//! let mut throttle = AdaptiveThrottle::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! // A client asks 100 times a second. The backend accepts all for 20 s, then ten a second.
//! let (mut busy_until_ns, mut refused_by_backend) = (0, 0);
//! for n in 0..12_000 {
//!     let now_ns = n * SECOND / 100;
//!     if throttle.try_request(now_ns, &mut rng).is_err() {
//!         continue; // the caller has its answer at once, and the backend never hears of it
//!     }
//!     if now_ns >= busy_until_ns {
//!         throttle.on_accepted(now_ns);
//!         busy_until_ns = if n < 2_000 { now_ns } else { now_ns + SECOND / 10 };
//!     } else {
//!         refused_by_backend += 1;
//!     }
//! }
//! // Without the throttle it would have had to refuse 9 000 requests.
//! assert!((500..2_500).contains(&refused_by_backend), "{refused_by_backend}");
//! // No later than when the history has gone, nothing is rejected.
//! assert!(throttle.reject_probability(130 * SECOND).is_zero());
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod answer;
#[cfg(feature = "serde")]
mod fields;
mod policy;
mod state;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;
use crate::refusal::Refusal;

pub use answer::{RejectProbability, Throttled};
pub use policy::{AdaptiveThrottleBuilder, AdaptiveThrottlePolicy};
pub use state::AdaptiveThrottleState;

/// A gate before a backend that says itself when it has too much to do; see the [module](self).
///
/// `P` is the policy or any borrow of one.
///
/// ```
/// # use evenkeel_core::throttle::*;
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = AdaptiveThrottlePolicy::builder().min_requests(2).build()?;
/// let mut throttle = AdaptiveThrottle::new(&policy);
/// // Two requests are not accepted: the third is rejected with probability 2/3.
/// throttle.try_request(0, &mut rng)?;
/// throttle.try_request(0, &mut rng)?;
/// assert_eq!(throttle.reject_probability(0).to_string(), "2/3");
/// // One is, after all: 2 - 2 * 1 leaves nothing.
/// throttle.on_accepted(1);
/// assert!(throttle.reject_probability(1).is_zero());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdaptiveThrottle<P = AdaptiveThrottlePolicy> {
    policy: P,
    state: AdaptiveThrottleState,
}

impl<P: Borrow<AdaptiveThrottlePolicy>> AdaptiveThrottle<P> {
    /// A throttle with an empty history. Its memory is taken here.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// let throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// assert_eq!((throttle.requests(0), throttle.accepts(0)), (0, 0));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(policy: P) -> Self {
        let state = AdaptiveThrottleState::fresh(policy.borrow());
        Self { policy, state }
    }

    /// Takes over a stored state; also under another `k`, floor or most. One step a slice.
    ///
    /// # Errors
    /// When the state has other slices or contradicts itself.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let builder = AdaptiveThrottlePolicy::builder();
    /// let mut throttle = AdaptiveThrottle::new(builder.build()?);
    /// throttle.try_request(7, &mut rng)?;
    /// let stricter = AdaptiveThrottle::restore(builder.k(Ratio::ONE).build()?, throttle.state())?;
    /// assert_eq!(stricter.requests(7), 1);
    /// assert!(AdaptiveThrottle::restore(builder.slices(5).build()?, throttle.state()).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: AdaptiveThrottleState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// The same in a process whose clock starts elsewhere; see [`Rebase`]. Counts move by whole slices.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, throttle::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # const SECOND: u64 = 1_000_000_000;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// let mut throttle = AdaptiveThrottle::new(policy);
    /// throttle.try_request(1_000 * SECOND, &mut rng)?;
    ///
    /// // The next process starts a minute later, and its clock at 600 s.
    /// let rebase = Rebase { taken_at_ns: 1_000 * SECOND, now_ns: 600 * SECOND, away: Duration::from_secs(60) };
    /// let throttle = AdaptiveThrottle::restore_rebased(policy, throttle.state(), rebase)?;
    /// assert_eq!([600, 640, 660].map(|s| throttle.requests(s * SECOND)), [1, 1, 0]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: AdaptiveThrottleState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// May this request go out? It is counted either way. Draws one word if the probability is above 0.
    ///
    /// # Errors
    /// A [`Throttled`] with the probability. `retry_at_ns` is when a request will surely pass if none is made before;
    /// one that asks earlier has its chance, so it is a hint for a caller that would rather wait than be refused again.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # const SECOND: u64 = 1_000_000_000;
    /// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// // At 5 s something goes out; nothing is accepted.
    /// let refused = (0..100).find_map(|_| throttle.try_request(5 * SECOND, &mut rng).err()).expect("a refusal");
    /// // The slice that began at 0 leaves the history of 120 s at its end.
    /// assert_eq!(refused.retry_at_ns, Some(120 * SECOND));
    /// assert_eq!(throttle.try_request(120 * SECOND, &mut rng), Ok(()));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn try_request<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<(), Refusal<Throttled>> {
        self.state.try_request(self.policy.borrow(), now_ns, rng)
    }

    /// The backend accepted a request: it did not say that it has too much to do.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// throttle.try_request(0, &mut rng)?;
    /// throttle.on_accepted(30);
    /// assert_eq!(throttle.accepts(30), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn on_accepted(&mut self, now_ns: u64) {
        self.state.on_accepted(self.policy.borrow(), now_ns);
    }

    /// With which probability a request at `now_ns` is rejected. One step for each slice that has left since the last
    /// call.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().min_requests(1).build()?);
    /// assert!(throttle.reject_probability(0).is_zero());
    /// throttle.try_request(0, &mut rng)?;
    /// assert_eq!(throttle.reject_probability(0).to_string(), "1/2");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reject_probability(&self, now_ns: u64) -> RejectProbability {
        self.state.reject_probability(self.policy.borrow(), now_ns)
    }

    /// How many requests the history holds at `now_ns`, rejected ones too.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// for _ in 0..50 {
    ///     let _ = throttle.try_request(0, &mut rng);
    /// }
    /// assert_eq!((throttle.requests(0), throttle.requests(120_000_000_000)), (50, 0));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn requests(&self, now_ns: u64) -> u32 {
        self.state.sums_at(self.policy.borrow(), now_ns).requests
    }

    /// How many accepts the history holds at `now_ns`.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// throttle.on_accepted(0);
    /// assert_eq!((throttle.accepts(0), throttle.accepts(120_000_000_000)), (1, 0));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn accepts(&self, now_ns: u64) -> u32 {
        self.state.sums_at(self.policy.borrow(), now_ns).others
    }

    /// The policy.
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// let policy = AdaptiveThrottlePolicy::builder().min_requests(3).build()?;
    /// assert_eq!(AdaptiveThrottle::new(policy).policy().min_requests(), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &AdaptiveThrottlePolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use evenkeel_core::throttle::*;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// let mut throttle = AdaptiveThrottle::new(policy);
    /// let before = throttle.state();
    /// throttle.on_accepted(0);
    /// assert_ne!(throttle.state(), before);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> AdaptiveThrottleState {
        self.state.clone()
    }
}
