//! What a status bar shows: the phase, the attempt, and when the other side was last heard.

use super::answer::{GaveUpBy, LinkId};

/// How things stand; [`Reconnect::status`](super::Reconnect::status) answers it.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout, silence] = [100, 50, 30].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let builder = ReconnectPolicy::builder(backoff, timeout);
/// # let mut reconnect = Reconnect::new(builder.silence_limit(silence).build()?);
/// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
/// # let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
/// fn bar(status: &LinkStatus) -> &'static str {
///     if status.is_live() { "ok" } else { "DEGRADED" }
/// }
/// // A link may be silent for 30 ns. The last frame comes at 20.
/// let _ = reconnect.on_frame(20, link);
/// assert_eq!(bar(&reconnect.status(49)), "ok");
/// let status = reconnect.status(50);
/// assert_eq!(bar(&status), "DEGRADED");
/// assert_eq!((status.attempt, status.last_heard_ns), (1, Some(20)));
/// assert_eq!(status.phase, LinkPhase::Waiting { until_ns: 150 });
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkStatus {
    /// What it is doing.
    pub phase: LinkPhase,
    /// Waits since the start or the last stable link; 0 while the link is stable.
    pub attempt: u32,
    /// When the last frame of any link arrived.
    pub last_heard_ns: Option<u64>,
}

impl LinkStatus {
    /// Whether a link stands and has brought at least one frame.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
    /// assert!(!reconnect.status(10).is_live());
    /// let _ = reconnect.on_frame(20, link);
    /// assert!(reconnect.status(20).is_live());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(
            self.phase,
            LinkPhase::Connected {
                confirmed: true,
                ..
            }
        )
    }
}

/// What a [`Reconnect`](super::Reconnect) is doing at an instant.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
/// assert_eq!(reconnect.status(0).phase, LinkPhase::Due);
/// let _ = reconnect.poll(0, &mut rng);
/// // Nobody polls again, and the phase is right all the same: 50 ns to connect, 100 ns of wait.
/// let names = [0, 49, 50, 149, 150].map(|now_ns| reconnect.status(now_ns).phase.name());
/// assert_eq!(names, ["connecting", "connecting", "waiting", "waiting", "due"]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum LinkPhase {
    /// No link; the next [`poll`](super::Reconnect::poll) begins a try.
    Due,
    /// No link; a wait goes on.
    Waiting {
        /// When it ends.
        until_ns: u64,
    },
    /// A try goes on.
    Connecting {
        /// The link.
        link: LinkId,
        /// When it is given up; `None` past the last instant.
        timeout_at_ns: Option<u64>,
    },
    /// A link stands.
    Connected {
        /// The link.
        link: LinkId,
        /// Whether a frame has arrived on it.
        confirmed: bool,
        /// Whether it has proven itself: confirmed, and `stable_after` old.
        stable: bool,
    },
    /// No link, and no further try.
    GaveUp {
        /// Why.
        by: GaveUpBy,
    },
    /// No link, by command.
    Stopped,
}

impl LinkPhase {
    /// Its name in traces and on status bars.
    ///
    /// ```
    /// # use evenkeel_core::reconnect::LinkPhase;
    /// assert_eq!(LinkPhase::Waiting { until_ns: 5 }.name(), "waiting");
    /// assert_eq!(LinkPhase::Stopped.to_string(), "stopped");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Waiting { .. } => "waiting",
            Self::Connecting { .. } => "connecting",
            Self::Connected { .. } => "connected",
            Self::GaveUp { .. } => "gave-up",
            Self::Stopped => "stopped",
        }
    }
}

crate::named::display_by_name!(LinkPhase);
