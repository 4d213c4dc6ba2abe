//! What goes into a restart machine and what comes out of it: run ids, exits, which exits are restarted, actions.

use crate::named::word_id;

word_id! {
    /// Which run of the task: the first is 1, and no number is used twice by the same machine (two machines count
    /// alike).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// let mut restart = Restart::new(RestartPolicy::builder(backoff).build()?);
    /// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
    /// assert_eq!(run, RunId::from_word(1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    restart::RunId
}

/// How a run ended.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// let policy = RestartPolicy::builder(backoff).intensity(0, Duration::from_secs(1)).build()?;
/// let ends = [Exit::Clean, Exit::Failure].map(|exit| {
///     let mut restart = Restart::new(policy);
///     let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
///     let _ = restart.on_exit(5, run, exit, &mut rng);
///     restart.poll(5)
/// });
/// // Only a failure counts for the intensity.
/// let escalated = RestartAction::Escalated { failures: 1, max_restarts: 0 };
/// assert_eq!(ends, [RestartAction::WaitUntil { at_ns: 105 }, escalated]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Exit {
    /// It ended as it was meant to.
    Clean,
    /// It crashed, panicked, or returned an error.
    Failure,
}

impl Exit {
    /// `"clean"` or `"failure"`.
    ///
    /// ```
    /// # use evenkeel_core::restart::Exit;
    /// assert_eq!([Exit::Clean, Exit::Failure].map(Exit::name), ["clean", "failure"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Failure => "failure",
        }
    }
}

crate::named::display_by_name!(Exit);

/// Which exits are followed by another run.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// let mut runs_again = |restart_on, exit| {
///     let policy = RestartPolicy::builder(backoff).restart_on(restart_on).build()?;
///     let mut restart = Restart::new(policy);
///     let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
///     let _ = restart.on_exit(5, run, exit, &mut rng);
///     Ok::<_, evenkeel_core::ConfigError>(restart.poll(5) != RestartAction::Stopped)
/// };
/// for (restart_on, after_clean, after_failure) in [
///     (RestartOn::Always, true, true),
///     (RestartOn::Failure, false, true),
///     (RestartOn::Never, false, false),
/// ] {
///     assert_eq!(runs_again(restart_on, Exit::Clean)?, after_clean);
///     assert_eq!(runs_again(restart_on, Exit::Failure)?, after_failure);
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RestartOn {
    /// Every exit: for a task that is never done, say a server.
    Always,
    /// A failure only: for a task that may be done.
    Failure,
    /// None: it runs once.
    Never,
}

impl RestartOn {
    /// `"always"`, `"failure"` or `"never"`.
    ///
    /// ```
    /// # use evenkeel_core::restart::RestartOn;
    /// assert_eq!(RestartOn::Always.name(), "always");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Failure => "failure",
            Self::Never => "never",
        }
    }
}

crate::named::display_by_name!(RestartOn);

/// What to do now.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// let mut restart = Restart::new(RestartPolicy::builder(backoff).build()?);
/// let run = RunId::from_word(1);
/// assert_eq!(restart.poll(0), RestartAction::Start { run }); // said once
/// assert_eq!(restart.poll(1), RestartAction::Running { run });
/// let _ = restart.on_exit(30, run, Exit::Failure, &mut rng);
/// assert_eq!(restart.poll(30), RestartAction::WaitUntil { at_ns: 130 });
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "nothing starts by itself"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RestartAction {
    /// Start the task now, and report its exit with this id. Said once: from here on the run counts as in flight.
    Start {
        /// The run.
        run: RunId,
    },
    /// It runs: wait for its exit.
    Running {
        /// The run in flight.
        run: RunId,
    },
    /// It starts again at this instant: poll then.
    WaitUntil {
        /// The end of the wait.
        at_ns: u64,
    },
    /// It failed too often: tell whoever supervises you. Only [`rearm`](super::Restart::rearm) leads on.
    Escalated {
        /// The failures within the window.
        failures: u32,
        /// How many of them would have been restarted.
        max_restarts: u32,
    },
    /// It is not started again: it was stopped, its exit is not one to restart, or the wait would end after the last
    /// instant. Only [`rearm`](super::Restart::rearm) leads on.
    Stopped,
}
