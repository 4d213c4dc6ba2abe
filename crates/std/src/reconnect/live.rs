//! A link that is up, and its loss.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use evenkeel_core::reconnect::{LinkEvent, LinkId, LinkPhase};

use super::line::Line;
use crate::clock::Clock;

/// A link that is up: it is what the connector made, and it is lost when this is dropped.
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use std::net::TcpStream;
/// use evenkeel_std::reconnect::Live;
///
/// /// Reads until the link is lost; the next one comes from `next_link`.
/// fn read_all(mut live: Live<TcpStream>, mut on_bytes: impl FnMut(&[u8])) {
///     let mut buffer = [0; 4096];
///     while live.is_live() {
///         let _ = live.set_read_timeout(live.read_timeout());
///         match live.read(&mut buffer) {
///             Ok(0) => return live.lost("closed by the server"),
///             Ok(length) => {
///                 live.on_frame();
///                 on_bytes(&buffer[..length]);
///             }
///             Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
///             Err(error) => return live.lost(error),
///         }
///     }
/// }
/// ```
pub struct Live<L, C: Clock = crate::MonotonicClock> {
    /// There until the drop.
    link: Option<L>,
    id: LinkId,
    line: Arc<Line<C>>,
    /// Why it is lost, if somebody said so.
    why: Option<String>,
}

impl<L, C: Clock> Live<L, C> {
    pub(super) const fn new(link: L, id: LinkId, line: Arc<Line<C>>) -> Self {
        Self {
            link: Some(link),
            id,
            line,
            why: None,
        }
    }

    /// Its number: counted from 1, never used twice by one [`Reconnect`](crate::Reconnect).
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Something came in: data, a ping, a pong, whatever shows that the other side lives. False where the link was
    /// already lost, by its silence or a stop: then drop it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// # let clock = TestClock::new();
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(&clock);
    /// let live = reconnect.next_link()?;
    /// assert!(live.on_frame());
    /// clock.advance(Duration::from_secs(30)); // the silence limit
    /// assert!(!live.on_frame());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_frame(&self) -> bool {
        self.line.on_frame(self.id).is_counted()
    }

    /// Whether it still counts as up. False once it was silent for too long, or somebody said stop: then drop it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let phase = self.line.report().phase();
        let mine = matches!(phase, LinkPhase::Connected { link, .. } if link == self.id);
        mine && !self.line.stop.is_stopped()
    }

    /// How long it may yet be silent: for `set_read_timeout`. Never zero; `None` without a silence limit.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// # let clock = TestClock::new();
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(&clock);
    /// let live = reconnect.next_link()?;
    /// clock.advance(Duration::from_secs(12));
    /// assert_eq!(live.read_timeout(), Some(Duration::from_secs(18)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        let left = self.line.silence_left(self.id)?;
        Some(left.max(Duration::from_nanos(1)))
    }

    /// It is gone, and dropped: `why` is shown by the status. The next one follows the rules of the policy.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// # let clock = TestClock::new();
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(&clock);
    /// reconnect.next_link()?.lost("closed by the server");
    /// assert_eq!(reconnect.status().now().lost(), Some("closed by the server"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lost(mut self, why: impl fmt::Display) {
        // The drop does the rest.
        self.why = Some(why.to_string());
    }
}

impl<L, C: Clock> Drop for Live<L, C> {
    fn drop(&mut self) {
        let dropped = ["dropped", "dropped in a panic"][usize::from(thread::panicking())];
        let why = self.why.take();
        // The connection is gone before it is said, also where its drop panics: there are never two at a time.
        let _said = Lost {
            line: &self.line,
            id: self.id,
            why: why.or_else(|| Some(dropped.to_owned())),
        };
        drop(self.link.take());
    }
}

/// Says that a link is lost, when it is dropped.
struct Lost<'a, C: Clock> {
    line: &'a Line<C>,
    id: LinkId,
    why: Option<String>,
}

impl<C: Clock> Drop for Lost<'_, C> {
    fn drop(&mut self) {
        // Stale where it was lost before, by its silence or a stop.
        let _ = self.line.tell(self.id, LinkEvent::Lost, self.why.take());
    }
}

impl<L, C: Clock> Deref for Live<L, C> {
    type Target = L;

    fn deref(&self) -> &L {
        self.link.as_ref().expect("there until the drop")
    }
}

impl<L, C: Clock> DerefMut for Live<L, C> {
    fn deref_mut(&mut self) -> &mut L {
        self.link.as_mut().expect("there until the drop")
    }
}

impl<L: fmt::Debug, C: Clock> fmt::Debug for Live<L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut live = f.debug_struct("Live");
        live.field("link", &**self).field("id", &self.id);
        live.finish_non_exhaustive()
    }
}
