//! Health probing: ask a dependency at intervals whether it is up, and take note of what the traffic shows.
//!
//! Traffic tells of a dependency only while there is traffic; a breaker that is open has none. A probe asks on its own,
//! and so finds the end of an outage without risking a caller's request. So many results in a row, of probes and of
//! traffic together, make a verdict: [`rise`](HealthProbeBuilder::rise) passed mean up,
//! [`fall`](HealthProbeBuilder::fall) failed mean down. [`poll`](HealthProbe::poll) says when to send a probe,
//! [`on_report`](HealthProbe::on_report) takes what it found, [`on_traffic`](HealthProbe::on_traffic) what a call
//! found, and the verdict goes to [`Breaker::on_health`](crate::breaker::Breaker::on_health).
//!
//! Feed a breaker the level, [`health`](HealthProbe::health), after every result and every abandoned probe, not only
//! the change: a change is told once, in one answer, and a breaker that missed it (it was made or restored later, there
//! is one for each caller, the answer was dropped) would wait for it for ever. To tell it twice does nothing.
//!
#![doc = include_str!("../../diagrams/health_verdict.svg")]
//!
//! | health | a result passed | a result failed |
//! |---|---|---|
//! | none yet | the `rise`-th in a row → **up** | the `fall`-th in a row → **down** |
//! | up | nothing | the `fall`-th in a row → **down** |
//! | down | the `rise`-th in a row → **up** | nothing |
//!
#![doc = include_str!("../../diagrams/health_probe.svg")]
//!
//! | stage | poll | report of the probe | time |
//! |---|---|---|---|
//! | waiting | before its instant `WaitUntil`; at its instant `Send` → **probing** | stale: there is none | |
//! | probing | `Probing` | counts → **waiting** | at the timeout it has failed → **lost** |
//! | lost | `Abandon`, once → **waiting** | stale: it came after its time | |
//!
//! The first probe is sent at the first poll: whoever starts wants to know. The wait after it is drawn from all of
//! `0..=interval`, so that those who started together do not probe in step; every later wait is the interval with its
//! jitter, or, while down, one of the [`down`](HealthProbeBuilder::down) waits. A wait counts from the end of a probe,
//! and once drawn it stays, whatever the traffic shows meanwhile. At most one probe is in flight.
//!
//! **Deadlines.** [`next_deadline_ns`](HealthProbe::next_deadline_ns) is the next send or the end of the probe's time;
//! it may change after any call that takes `&mut self`. A timeout that was not polled in time counts from the instant
//! at which it fell due.
//!
//! **Cost.** 80 bytes, no heap. Every call is O(1), but for the ceiling of a wait while down: at most 4 096 steps (one,
//! for a factor that is a power of two).
//!
//! **Random words.** `Send` draws the one for the wait that follows the probe, because its time may end in a call
//! that has no generator; none if neither the interval nor the waits while down have jitter. Nothing else draws.
//!
//! **Defaults.** Two passed in a row are up, three failed are down, an interval give or take 10 %, and the same while
//! down: reasons at the [setters](HealthProbeBuilder). Interval and timeout have none.
//!
//! **Not for** choosing among replicas (it is the health of one), and no replacement for a breaker: a dependency can
//! pass its health check and fail every request.
//!
//! Prior art: HAProxy's `inter`, `rise`, `fall` and `observe`; Envoy's active health checks and outlier detection.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Phase, Trigger};
//! use evenkeel_core::health::{HealthProbe, HealthProbePolicy, ProbeAction, Probed};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! const SECOND: u64 = 1_000_000_000;
//! let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
//! let open = BackoffPolicy::builder(Duration::from_secs(5)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
//!     .trigger(Trigger::Consecutive { failures: 1 })
//!     .until_healthy(true)
//!     .build()?;
//! let (mut probe, mut breaker) = (HealthProbe::new(policy), Breaker::new(breaker));
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! // A call fails: the breaker opens, and stays open until the probe has found the dependency up.
//! let call = breaker.try_acquire(0, &mut rng)?;
//! let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5_000, &mut rng);
//!
//! let mut now_ns = 0;
//! while breaker.phase(now_ns) == Phase::Open {
//!     match probe.poll(now_ns, &mut rng) {
//!         ProbeAction::Send { probe: id, .. } => {
//!             now_ns += 2_000_000; // the probe takes 2 ms; the outage lasts for a minute
//!             let found = if now_ns < 60 * SECOND { Probed::Failed } else { Probed::Passed };
//!             if let Some(change) = probe.on_report(now_ns, id, found).change {
//!                 println!("{} at {}", change.to, change.at_ns);
//!             }
//!         }
//!         ProbeAction::Abandon { .. } => {} // drop the call; it has failed
//!         ProbeAction::WaitUntil { at_ns } => now_ns = at_ns, // a real one sleeps
//!         other => panic!("{other:?}"),
//!     }
//!     if let Some(health) = probe.health(now_ns) {
//!         let _ = breaker.on_health(now_ns, health);
//!     }
//! }
//! // Two probes passed after the outage, at most 11 s apart, and nothing was asked of it before.
//! assert_eq!(breaker.phase(now_ns), Phase::HalfOpen);
//! assert!((60 * SECOND..83 * SECOND).contains(&now_ns));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
mod builder;
#[cfg(feature = "serde")]
mod fields;
mod policy;
mod state;
mod steps;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;

pub use crate::breaker::Health;
pub use answer::{HealthChange, ProbeAction, ProbeId, ProbeReceipt, Probed, TrafficReceipt};
pub use builder::HealthProbeBuilder;
pub use policy::HealthProbePolicy;
pub use state::HealthProbeState;

/// The health of one dependency; see the [module](self) for its transition table.
///
/// `P` is the policy or any borrow of one: `HealthProbe::new(&policy)` lets many probes share one policy.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).fall(1).build()?;
/// let mut probes = [(); 3].map(|()| HealthProbe::new(&policy));
/// let _ = probes[1].on_traffic(0, Probed::Failed);
/// assert_eq!(probes.map(|probe| probe.health(0)), [None, Some(Health::Down), None]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthProbe<P = HealthProbePolicy> {
    policy: P,
    state: HealthProbeState,
}

impl<P: Borrow<HealthProbePolicy>> HealthProbe<P> {
    /// A probe without a verdict, that is due at once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// assert_eq!(machine.health(0), None);
    /// assert!(matches!(machine.poll(7_000, &mut rng), ProbeAction::Send { .. }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(policy: P) -> Self {
        let state = HealthProbeState::fresh();
        Self { policy, state }
    }

    /// Takes over a stored state; the probe that was in flight when it was stored still is. The policy may be another
    /// than the one it was stored under. Its instants keep their origin: for a process whose clock starts elsewhere see
    /// [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When the state contradicts itself or does not fit the policy. It is checked as untrusted input; at most 4 096
    /// steps.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).fall(1).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// let _ = machine.on_traffic(5, Probed::Failed);
    /// let restored = HealthProbe::restore(policy, machine.state())?;
    /// assert_eq!(restored.health(5), Some(Health::Down));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: HealthProbeState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// The same in another process, whose clock starts elsewhere: see [`Rebase`]. The probe in flight is gone, its id
    /// is stale, it counts for nothing, and the next one is due at once. The verdict stays.
    ///
    /// # Errors
    /// Those of [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, Reported, backoff::Jitter, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// let ProbeAction::Send { probe, .. } = machine.poll(5_000, &mut rng) else { panic!("due at once") };
    /// let probing = machine.state();
    /// let _ = machine.on_report(5_010, probe, Probed::Passed);
    /// let waiting = machine.state(); // until 6 010
    ///
    /// // 30 ns later another process, whose clock started again, goes on at 7.
    /// let rebase = Rebase { taken_at_ns: 5_010, now_ns: 7, away: Duration::from_nanos(30) };
    /// let mut waits = HealthProbe::restore_rebased(policy, waiting, rebase)?;
    /// assert_eq!(waits.poll(7, &mut rng), ProbeAction::WaitUntil { at_ns: 977 });
    ///
    /// let mut due = HealthProbe::restore_rebased(policy, probing, rebase)?;
    /// assert_eq!(due.on_report(7, probe, Probed::Passed).reported, Reported::Stale);
    /// assert!(matches!(due.poll(7, &mut rng), ProbeAction::Send { probe: next, .. } if next > probe));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: HealthProbeState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// What to do now. `Send` is said once, and draws one word (see the [module](self)); `Abandon` is said once. Call it
    /// at the deadline, after each report, and at once after these two.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut machine = HealthProbe::new(builder.fall(1).build()?);
    /// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
    /// // Its 100 ns are over; noticed only at 150, and told once.
    /// let action = machine.poll(150, &mut rng);
    /// let ProbeAction::Abandon { at_ns, change: Some(change), .. } = action else { panic!("its time is over") };
    /// assert_eq!((at_ns, change.at_ns, change.to), (100, 100, Health::Down));
    /// assert_eq!(machine.poll(150, &mut rng), ProbeAction::WaitUntil { at_ns: 1_100 });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn poll<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> ProbeAction {
        self.state.poll(self.policy.borrow(), now_ns, rng)
    }

    /// What the probe in flight found. A report of any other probe, or at the end of its time or later, is stale. Draws
    /// no word.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::Jitter, breaker::Health, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut machine = HealthProbe::new(builder.rise(1).build()?);
    /// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
    /// let receipt = machine.on_report(99, probe, Probed::Passed);
    /// assert_eq!(receipt.reported, Reported::Counted);
    /// assert_eq!(receipt.change.map(|change| change.to), Some(Health::Up));
    ///
    /// let again = machine.on_report(99, probe, Probed::Passed);
    /// assert_eq!((again.reported, again.change, again.health), (Reported::Stale, None, Some(Health::Up)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn on_report(&mut self, now_ns: u64, probe: ProbeId, found: Probed) -> ProbeReceipt {
        self.state
            .on_report(self.policy.borrow(), now_ns, probe, found)
    }

    /// What a call of the traffic found: it counts like a probe's result, and moves no probe. Draws no word.
    ///
    /// Report what tells of the dependency: a call that it answered has passed, whatever the answer was to the caller;
    /// one that it refused, dropped or did not answer in time has failed.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut machine = HealthProbe::new(builder.fall(2).build()?);
    /// assert_eq!(machine.on_traffic(5, Probed::Failed).change, None);
    /// let change = machine.on_traffic(6, Probed::Failed).change;
    /// assert_eq!(change.map(|change| (change.at_ns, change.to)), Some((6, Health::Down)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn on_traffic(&mut self, now_ns: u64, found: Probed) -> TrafficReceipt {
        self.state.on_traffic(self.policy.borrow(), now_ns, found)
    }

    /// The verdict at `now_ns`, also when the end of a probe's time was not noticed yet; `None` before the first.
    /// Changes nothing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut machine = HealthProbe::new(builder.fall(1).build()?);
    /// let _ = machine.poll(0, &mut rng); // a probe with 100 ns
    /// assert_eq!([99, 100].map(|now_ns| machine.health(now_ns)), [None, Some(Health::Down)]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn health(&self, now_ns: u64) -> Option<Health> {
        self.state.health(self.policy.borrow(), now_ns)
    }

    /// The probe whose report is awaited, as of the last call.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
    /// assert_eq!(machine.in_flight(), Some(probe));
    /// let _ = machine.on_report(30, probe, Probed::Passed);
    /// assert_eq!(machine.in_flight(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn in_flight(&self) -> Option<ProbeId> {
        self.state.in_flight()
    }

    /// When [`poll`](Self::poll) will say `Send` or `Abandon`; `None` if it never will by itself. An instant that is
    /// past is told as the latest one seen.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
    /// assert_eq!(machine.next_deadline_ns(), Some(100));
    /// let _ = machine.on_report(30, probe, Probed::Passed);
    /// assert_eq!(machine.next_deadline_ns(), Some(1_030));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns()
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::*;
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).build()?;
    /// assert_eq!(HealthProbe::new(&policy).policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &HealthProbePolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::*;
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let policy = HealthProbePolicy::builder(interval, timeout).build()?;
    /// let mut machine = HealthProbe::new(policy);
    /// let before = machine.state();
    /// let _ = machine.on_traffic(5, Probed::Failed);
    /// assert_ne!(before, machine.state());
    /// assert_eq!(HealthProbe::restore(policy, before)?, HealthProbe::new(policy));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn state(&self) -> HealthProbeState {
        self.state
    }
}
