//! Supervised restart: start a task again when it ends, wait longer each time, and say so when it ends too often.
//!
//! A task that crashes is mostly mended by starting it again, and one that crashes at once is not: so every restart
//! waits, each wait in a row is longer, an uptime of [`cooldown`](RestartBuilder::cooldown) makes good what was, and
//! more failures than the [`intensity`](RestartBuilder::intensity) allows are passed up to whoever can mend them.
//! [`poll`](Restart::poll) says what to do, [`on_exit`](Restart::on_exit) reports how a run ended.
//!
#![doc = include_str!("../../diagrams/restart.svg")]
//!
//! | stage | poll | exit of the run | [`stop`](Restart::stop) | [`rearm`](Restart::rearm) |
//! |---|---|---|---|---|
//! | waiting | before its instant `WaitUntil`; at its instant `Start` → **running** | stale: there is none | → **stopped** | starts at once |
//! | running | `Running` | to be restarted → **waiting**; too many failures → **escalated**; not to be restarted → **stopped** | → **stopped**, the run still on its way out | earlier exits forgotten |
//! | escalated | `Escalated` | stale: there is none | → **stopped** | → **waiting**, starts at once |
//! | stopped | `Stopped` | counted, and nothing else | nothing | → **waiting**, starts at once, or when the stopped run is gone |
//!
//! What an exit does, in this order: after an uptime of at least the cooldown attempts and failures are forgotten; an
//! exit that [`RestartOn`] does not restart stops the machine; a failure is noted, and escalates if more than
//! `max_restarts` lie in `[now - window, now]`; else the next wait is drawn and counts from the exit. A clean exit
//! under [`RestartOn::Always`] waits as well, so that a task that ends at once is no hot loop, but is no failure. There
//! are never two runs at once.
//!
//! The uptime is from `Start` to the exit: the wait before it is no time of health. Attempts are forgotten by an uptime
//! and by [`rearm`](Restart::rearm) alone, so a task that is broken for good stays at the cap.
//!
//! **Deadlines.** [`next_deadline_ns`](Restart::next_deadline_ns) is the end of the wait; it may change after any call
//! that takes `&mut self`. A wait that would end after the last instant stops the machine.
//!
//! **Cost.** About 340 bytes, with room for 32 restarts; above that 8 bytes a restart on the heap, taken when the
//! machine is made. An exit moves at most the failures of the window, and finds its ceiling in at most 4 096 steps
//! (one, for a factor that is a power of two); all else is O(1).
//!
//! **Random words.** An exit that is followed by a wait draws one, unless the backoff has no jitter. Nothing else does.
//!
//! **Defaults.** Every exit is restarted, nothing resets the waits, nothing escalates: reasons at the
//! [setters](RestartBuilder). Give it a cooldown, and an intensity if somebody can mend what it passes up.
//!
//! **Not for** calls that fail (see [`backoff`](crate::backoff), and [`retry`](crate::retry)) and connections
//! ([`reconnect`](crate::reconnect)), which are well only when a peer says so. It ends no run: a task that hangs never
//! exits.
//!
//! Prior art: the restart intensity of Erlang/OTP's supervisors (which have no wait), systemd's `RestartSec` and
//! `StartLimitBurst`, Kubernetes' crash loop with its reset after ten minutes of health.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::restart::{Exit, Restart, RestartAction, RestartPolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
//! let policy = RestartPolicy::builder(backoff)
//!     .intensity(3, Duration::from_secs(600))
//!     .cooldown(Duration::from_secs(300))
//!     .build()?;
//! let mut restart = Restart::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! let mut now_ns = 0; // any clock: here we simply step to the next instant
//! let mut starts = Vec::new();
//! let failures = loop {
//!     match restart.poll(now_ns) {
//!         RestartAction::Start { run } => {
//!             starts.push(now_ns);
//!             now_ns += 20_000_000; // the task runs for 20 ms, and crashes
//!             let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng);
//!         }
//!         RestartAction::WaitUntil { at_ns } => now_ns = at_ns, // a real one sleeps
//!         RestartAction::Escalated { failures, .. } => break failures,
//!         other => panic!("{other:?}"),
//!     }
//! };
//! // Three crashes were restarted, after up to 100, 200 and 400 ms; the fourth was too many.
//! assert_eq!((starts.len(), failures), (4, 4));
//! for (pair, most_ms) in starts.windows(2).zip([100, 200, 400]) {
//!     assert!(pair[1] - pair[0] <= (20 + most_ms) * 1_000_000);
//! }
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod answer;
mod builder;
#[cfg(feature = "serde")]
mod fields;
mod history;
mod phase;
mod policy;
mod state;
mod steps;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;
use crate::reported::Reported;

pub use answer::{Exit, RestartAction, RestartOn, RunId};
pub use builder::RestartBuilder;
pub use phase::RestartPhase;
pub use policy::{Intensity, RestartPolicy};
pub use state::RestartState;

/// The supervisor of one task; see the [module](self) for its transition table.
///
/// `P` is the policy or any borrow of one: `Restart::new(&policy)` lets many tasks share one policy.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// # let policy = RestartPolicy::builder(backoff).build()?;
/// let mut tasks = [(); 3].map(|()| Restart::new(&policy));
/// let _ = tasks[1].stop(0);
/// let starts = tasks.map(|mut task| matches!(task.poll(0), RestartAction::Start { .. }));
/// assert_eq!(starts, [true, false, true]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart<P = RestartPolicy> {
    policy: P,
    state: RestartState,
}

impl<P: Borrow<RestartPolicy>> Restart<P> {
    /// A task that is due at once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// assert_eq!(restart.in_flight(), None);
    /// assert!(matches!(restart.poll(7_000), RestartAction::Start { .. }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(policy: P) -> Self {
        let state = RestartState::fresh(policy.borrow());
        Self { policy, state }
    }

    /// Takes over a stored state; the run that was in flight when it was stored still is. The policy may be another
    /// than the one it was stored under, with the same `max_restarts`. Its instants keep their origin: for a process
    /// whose clock starts elsewhere see [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When the state contradicts itself or does not fit the policy. It is checked as untrusted input: O(max_restarts).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// let _ = restart.on_exit(50, run, Exit::Failure, &mut rng);
    ///
    /// let mut restored = Restart::restore(policy, restart.state())?;
    /// assert_eq!(restored.poll(60), RestartAction::WaitUntil { at_ns: 150 });
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: RestartState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// The same in another process, whose clock starts elsewhere: see [`Rebase`]. The run in flight ended with the
    /// process that it ran in: its id is stale, it counts as no failure, and the task is due at once.
    ///
    /// # Errors
    /// Those of [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, Reported, backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(5_000) else { panic!("due at once") };
    /// let running = restart.state();
    /// let _ = restart.on_exit(5_010, run, Exit::Failure, &mut rng);
    /// let waiting = restart.state(); // until 5 110
    ///
    /// // 30 ns later another process, whose clock started again, goes on at 7.
    /// let rebase = Rebase { taken_at_ns: 5_010, now_ns: 7, away: Duration::from_nanos(30) };
    /// let mut waits = Restart::restore_rebased(policy, waiting, rebase)?;
    /// assert_eq!(waits.poll(7), RestartAction::WaitUntil { at_ns: 77 });
    ///
    /// let mut due = Restart::restore_rebased(policy, running, rebase)?;
    /// assert_eq!(due.on_exit(7, run, Exit::Failure, &mut rng), Reported::Stale);
    /// assert!(matches!(due.poll(7), RestartAction::Start { run: next } if next > run));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: RestartState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// What to do now. `Start` is said once; from then on the run is in flight until its exit is reported. Call it at
    /// the deadline and after each exit: `Escalated` and `Stopped` have no deadline.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let run = RunId::from_word(1);
    /// let said = [restart.poll(0), restart.poll(0)];
    /// assert_eq!(said, [RestartAction::Start { run }, RestartAction::Running { run }]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn poll(&mut self, now_ns: u64) -> RestartAction {
        self.state.poll(self.policy.borrow(), now_ns)
    }

    /// The run ended; [`poll`](Self::poll) says what follows. Draws one word if a wait follows and it has jitter. An
    /// exit of any other run than the one in flight is stale.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// assert_eq!(restart.on_exit(30, run, Exit::Failure, &mut rng), Reported::Counted);
    /// assert_eq!(restart.on_exit(40, run, Exit::Failure, &mut rng), Reported::Stale); // told twice
    /// assert_eq!(restart.poll(40), RestartAction::WaitUntil { at_ns: 130 });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn on_exit<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        run: RunId,
        exit: Exit,
        rng: &mut R,
    ) -> Reported {
        self.state
            .on_exit(self.policy.borrow(), now_ns, run, exit, rng)
    }

    /// An operator's command: no further run. The run in flight is returned: end it, and report its exit, which then
    /// counts for nothing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// assert_eq!(restart.stop(10), Some(run));
    /// assert_eq!(restart.poll(10), RestartAction::Stopped);
    /// assert_eq!(restart.on_exit(12, run, Exit::Failure, &mut rng), Reported::Counted);
    /// assert_eq!((restart.poll(12), restart.attempts()), (RestartAction::Stopped, 0));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use = "the run that it returns still runs: end it, and report its exit"]
    pub fn stop(&mut self, now_ns: u64) -> Option<RunId> {
        self.state.stop(now_ns)
    }

    /// An operator's command, in any stage: earlier exits are forgotten, and the task is due at once. A run in flight
    /// goes on; one that was [stopped](Self::stop) is let go, and the next starts as soon as its exit is reported.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// let policy = RestartPolicy::builder(backoff).intensity(0, Duration::from_secs(1)).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// let _ = restart.on_exit(5, run, Exit::Failure, &mut rng);
    /// assert!(matches!(restart.poll(5), RestartAction::Escalated { .. }));
    /// restart.rearm(8);
    /// assert!(matches!(restart.poll(8), RestartAction::Start { .. }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn rearm(&mut self, now_ns: u64) {
        self.state.rearm(now_ns);
    }

    /// When [`poll`](Self::poll) will say `Start`; `None` while only a report or a command can lead on. An instant that
    /// is past is told as the latest one seen.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// assert_eq!(restart.next_deadline_ns(), None);
    /// let _ = restart.on_exit(30, run, Exit::Failure, &mut rng);
    /// assert_eq!(restart.next_deadline_ns(), Some(130));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns()
    }

    /// What it is doing at `now_ns`, also where nobody has polled. Changes nothing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// assert_eq!(restart.phase(0), RestartPhase::Due);
    /// let _ = restart.stop(0);
    /// assert_eq!(restart.phase(0), RestartPhase::Stopped);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn phase(&self, now_ns: u64) -> RestartPhase {
        self.state.phase(self.policy.borrow(), now_ns)
    }

    /// How many exits in a row were followed by a wait, since the start, the last uptime of the cooldown, or the last
    /// [`rearm`](Self::rearm).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// for (now_ns, exit) in [(0, Exit::Failure), (100, Exit::Clean)] {
    ///     let RestartAction::Start { run } = restart.poll(now_ns) else { panic!("due") };
    ///     let _ = restart.on_exit(now_ns, run, exit, &mut rng);
    /// }
    /// assert_eq!(restart.attempts(), 2);
    /// restart.rearm(150);
    /// assert_eq!(restart.attempts(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.state.attempts
    }

    /// How many failures lie within the window that ends now, both edges included; 0 without an intensity. Changes
    /// nothing. O(log max_restarts).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// let window = Duration::from_nanos(1_000);
    /// let policy = RestartPolicy::builder(backoff).intensity(3, window).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// let _ = restart.on_exit(50, run, Exit::Failure, &mut rng);
    /// assert_eq!([50, 1_050, 1_051].map(|now_ns| restart.recent_failures(now_ns)), [1, 1, 0]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn recent_failures(&self, now_ns: u64) -> u32 {
        self.state.recent_failures(self.policy.borrow(), now_ns)
    }

    /// The run in flight, also when it was stopped and has not yet ended.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// assert_eq!(restart.in_flight(), Some(run));
    /// let _ = restart.on_exit(5, run, Exit::Clean, &mut rng);
    /// assert_eq!(restart.in_flight(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn in_flight(&self) -> Option<RunId> {
        self.state.in_flight()
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// assert_eq!(Restart::new(&policy).policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &RestartPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// # let policy = RestartPolicy::builder(backoff).build()?;
    /// let mut restart = Restart::new(policy);
    /// let before = restart.state();
    /// let _ = restart.poll(0);
    /// assert_ne!(before, restart.state());
    /// assert_eq!(Restart::restore(policy, before)?, Restart::new(policy));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> RestartState {
        self.state.clone()
    }
}
