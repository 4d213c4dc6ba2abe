//! What a connector is told of a try.

use std::time::Duration;

use evenkeel_core::reconnect::LinkId;

use crate::stop::Stop;

/// One try to connect: its number and its time.
///
/// ```
/// use std::net::{SocketAddr, TcpStream};
/// use evenkeel_std::reconnect::Connecting;
///
/// fn connect(to: &SocketAddr, connecting: &Connecting) -> std::io::Result<TcpStream> {
///     TcpStream::connect_timeout(to, connecting.timeout())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Connecting {
    pub(super) link: LinkId,
    pub(super) timeout: Duration,
    pub(super) attempt: u32,
    pub(super) stop: Stop,
}

impl Connecting {
    /// The link that it would be: counted from 1, never used twice.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        self.link
    }

    /// How long it may take; never zero.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Waits since the start or the last stable link; 0 at the first try.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The token of the loop: for a connector that works in steps.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }
}
