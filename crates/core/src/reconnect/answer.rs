//! What goes in and what comes out: the id of a link, the facts about it, and the actions that follow.

use thiserror::Error;

use crate::advice::Advice;
use crate::backoff::Exhausted;
use crate::named::word_id;

word_id! {
    /// Which link: each [`LinkAction::Connect`] has the next number, counted from 1, and none comes twice from the same
    /// machine (two machines count alike).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link: first, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// // The first link failed at 0; the wait is 100 ns.
    /// let _ = reconnect.on_event(0, first, LinkEvent::Failed, &mut rng);
    /// let LinkAction::Connect { link: second, .. } = reconnect.poll(100, &mut rng) else { panic!() };
    /// assert!(first < second);
    /// // The first one's socket answers after all: too late.
    /// assert_eq!(reconnect.on_event(110, first, LinkEvent::Connected, &mut rng), Reported::Stale);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    reconnect::LinkId
}

/// A fact about a link; [`Reconnect::on_event`](super::Reconnect::on_event) takes it.
///
/// `Failed`, `Refused` and `Lost` all end the link, whether it was connected or not.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{advice::Advice, backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
/// let retry_after = Advice::RetryAt { at_ns: 700 };
/// for (event, next) in [
///     (LinkEvent::Connected, LinkAction::Connected { link: LinkId::from_word(1), silent_at_ns: None }),
///     (LinkEvent::Failed, LinkAction::WaitUntil { at_ns: 110 }),
///     (LinkEvent::Refused(retry_after), LinkAction::WaitUntil { at_ns: 700 }),
///     (LinkEvent::Refused(Advice::Stop), LinkAction::GaveUp { by: GaveUpBy::Advised }),
///     (LinkEvent::Lost, LinkAction::WaitUntil { at_ns: 110 }),
/// ] {
///     let mut reconnect = Reconnect::new(&policy);
///     let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
///     let _ = reconnect.on_event(10, link, event, &mut rng);
///     assert_eq!(reconnect.poll(10, &mut rng), next);
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum LinkEvent {
    /// The connection stands, handshakes included. What confirms it is its first frame:
    /// [`on_frame`](super::Reconnect::on_frame).
    Connected,
    /// It could not be made.
    Failed,
    /// The server said when to come back (Retry-After, a websocket's "try again later"), or not to.
    Refused(Advice),
    /// It stood and is gone: closed by either side, a read error, a network that went away.
    Lost,
}

impl LinkEvent {
    /// Its name in traces and journals.
    ///
    /// ```
    /// # use evenkeel_core::reconnect::LinkEvent;
    /// assert_eq!(LinkEvent::Lost.name(), "lost");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Failed => "failed",
            Self::Refused(_) => "refused",
            Self::Lost => "lost",
        }
    }
}

crate::named::display_by_name!(LinkEvent);

/// What to do next; [`Reconnect::poll`](super::Reconnect::poll) answers it.
///
/// `Connect` and `Abandon` are said once and must be done. The others say what is; while they hold, sleep until
/// [`next_deadline_ns`](super::Reconnect::next_deadline_ns) or until there is something to report.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
/// // Connecting may take 50 ns, the wait is 100 ns.
/// let link = LinkId::from_word(1);
/// assert_eq!(reconnect.poll(0, &mut rng), LinkAction::Connect { link, timeout_at_ns: Some(50) });
/// assert_eq!(reconnect.poll(1, &mut rng), LinkAction::Connecting { link, timeout_at_ns: Some(50) });
/// let abandon = LinkAction::Abandon { link, reason: LostBy::ConnectTimeout, at_ns: 50 };
/// assert_eq!(reconnect.poll(52, &mut rng), abandon);
/// assert_eq!(reconnect.poll(52, &mut rng), LinkAction::WaitUntil { at_ns: 150 });
/// let link = LinkId::from_word(2);
/// assert_eq!(reconnect.poll(150, &mut rng), LinkAction::Connect { link, timeout_at_ns: Some(200) });
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "what the machine asks for must be done"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum LinkAction {
    /// Begin to connect now, and report under this id. Said once.
    Connect {
        /// The link.
        link: LinkId,
        /// When it is given up, if it is not connected until then: bound the connect by it. `None` past the last
        /// instant.
        timeout_at_ns: Option<u64>,
    },
    /// Connecting; nothing to do.
    Connecting {
        /// The link.
        link: LinkId,
        /// When it is given up; `None` past the last instant.
        timeout_at_ns: Option<u64>,
    },
    /// The link's time is over: drop it, nothing it still says counts. Said once; the wait has begun at `at_ns`. Poll
    /// again at once: where no wait is left, what comes next is [`GaveUp`](Self::GaveUp), which has no deadline.
    Abandon {
        /// The link.
        link: LinkId,
        /// Which time was over.
        reason: LostBy,
        /// When it was: the deadline, not the call that noticed it.
        at_ns: u64,
    },
    /// The link stands; nothing to do.
    Connected {
        /// The link.
        link: LinkId,
        /// When it is lost if no frame arrives until then; `None` without a silence limit.
        silent_at_ns: Option<u64>,
    },
    /// No link; the next try is at this instant.
    WaitUntil {
        /// The instant.
        at_ns: u64,
    },
    /// No link, and no further try until [`start`](super::Reconnect::start).
    GaveUp {
        /// Why.
        by: GaveUpBy,
    },
    /// No link, because [`stop`](super::Reconnect::stop) said so.
    Stopped,
}

/// Why a link was given up by the clock.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout, silence] = [100, 50, 30].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let builder = ReconnectPolicy::builder(backoff, timeout);
/// let mut reconnect = Reconnect::new(builder.silence_limit(silence).build()?);
/// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
/// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
/// // Not a frame within 30 ns.
/// let abandon = LinkAction::Abandon { link, reason: LostBy::Silent, at_ns: 40 };
/// assert_eq!(reconnect.poll(40, &mut rng), abandon);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum LostBy {
    /// It was not connected within `connect_timeout`.
    ConnectTimeout,
    /// No frame arrived for `silence_limit`.
    Silent,
}

impl LostBy {
    /// Its name in traces and journals.
    ///
    /// ```
    /// # use evenkeel_core::reconnect::LostBy;
    /// assert_eq!(LostBy::ConnectTimeout.name(), "connect-timeout");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "connect-timeout",
            Self::Silent => "silent",
        }
    }
}

crate::named::display_by_name!(LostBy);

/// Why there is no further try. As an [`Error`](core::error::Error) it says so in a sentence; [`name`](Self::name) is
/// short.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Exhausted, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// let once = BackoffPolicy::builder(base).max_retries(0);
/// let mut reconnect = Reconnect::new(ReconnectPolicy::builder(once, timeout).build()?);
/// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
/// let _ = reconnect.on_event(0, link, LinkEvent::Failed, &mut rng);
/// let given_up = GaveUpBy::Exhausted(Exhausted::Retries);
/// assert_eq!(reconnect.poll(0, &mut rng), LinkAction::GaveUp { by: given_up });
/// assert_eq!(given_up.to_string(), "the backoff allows no further try: all retries are used up");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum GaveUpBy {
    /// The backoff has no further wait.
    #[error("the backoff allows no further try: {0}")]
    Exhausted(Exhausted),
    /// The server said not to come back.
    #[error("the server said not to come back")]
    Advised,
}

impl GaveUpBy {
    /// Its name in traces and journals.
    ///
    /// ```
    /// # use evenkeel_core::{backoff::Exhausted, reconnect::GaveUpBy};
    /// assert_eq!(GaveUpBy::Exhausted(Exhausted::TotalWait).name(), "total-wait");
    /// assert_eq!(GaveUpBy::Advised.name(), "advised");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exhausted(Exhausted::Retries) => "retries",
            Self::Exhausted(Exhausted::TotalWait) => "total-wait",
            Self::Exhausted(Exhausted::EndOfTime) => "end-of-time",
            Self::Advised => "advised",
        }
    }
}
