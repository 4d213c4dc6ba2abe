//! What a status bar shows of a link, as a value and as a line of text.

use std::fmt;
use std::time::Duration;

use evenkeel_core::reconnect::{LinkPhase, LinkStatus};
use evenkeel_core::time;

/// How a link stood at an instant: core's status, and why the last link was lost.
///
/// Its text is a status line; it begins with `DEGRADED` while no link stands that has brought a frame.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::ReconnectPolicy};
/// use evenkeel_std::{Reconnect, TestClock};
///
/// let backoff = BackoffPolicy::builder(Duration::from_secs(4)).jitter(Jitter::None).max_retries(0);
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(5)).build()?;
/// let mut reconnect = Reconnect::new(&policy, |_| Err::<(), _>("connection refused")).clock(TestClock::new());
/// let status = reconnect.status();
/// assert_eq!(status.now().to_string(), "DEGRADED: about to connect, never heard");
/// let _ = reconnect.next_link();
/// let line = status.now().to_string();
/// assert!(line.starts_with("DEGRADED: gave up: the backoff allows no further try: all retries are used up"));
/// assert!(line.ends_with("never heard (connection refused)"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkReport {
    status: LinkStatus,
    now_ns: u64,
    lost: Option<String>,
}

impl LinkReport {
    /// `status` at `now_ns`, and why the last link was lost: for drivers of your own.
    #[must_use]
    pub const fn new(status: LinkStatus, now_ns: u64, lost: Option<String>) -> Self {
        Self {
            status,
            now_ns,
            lost,
        }
    }

    /// Whether no link stands that has brought a frame.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        !self.status.is_live()
    }

    /// What the link is doing.
    #[must_use]
    pub const fn phase(&self) -> LinkPhase {
        self.status.phase
    }

    /// Waits since the start or the last stable link; 0 while the link is stable.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.status.attempt
    }

    /// When the last frame of any link arrived.
    #[must_use]
    pub const fn last_heard_ns(&self) -> Option<u64> {
        self.status.last_heard_ns
    }

    /// When this was.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Why the last link was lost, or the last try failed.
    #[must_use]
    pub fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }
}

impl fmt::Display for LinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_degraded() {
            f.write_str("DEGRADED: ")?;
        }
        match self.status.phase {
            LinkPhase::Due => f.write_str("about to connect")?,
            LinkPhase::Waiting { until_ns } => {
                let wait = time::until(self.now_ns, until_ns);
                write!(f, "next try in {}", Seconds(wait))?;
            }
            LinkPhase::Connecting { .. } => f.write_str("connecting")?,
            LinkPhase::GaveUp { by } => write!(f, "gave up: {by}")?,
            LinkPhase::Connected {
                confirmed: false, ..
            } => f.write_str("connected, no frame yet")?,
            phase => f.write_str(phase.name())?,
        }
        if self.status.attempt > 0 {
            write!(f, ", attempt {}", self.status.attempt)?;
        }
        match self.status.last_heard_ns {
            Some(heard_ns) => {
                let silence = time::until(heard_ns, self.now_ns);
                write!(f, ", last frame {} ago", Seconds(silence))?;
            }
            None => f.write_str(", never heard")?,
        }
        match &self.lost {
            Some(lost) if self.is_degraded() => write!(f, " ({lost})"),
            _ => Ok(()),
        }
    }
}

/// A span with one decimal: `0.5 s`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}
