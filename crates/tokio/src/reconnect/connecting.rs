//! What a connector is told of a try.

use std::time::Duration;

use evenkeel_core::reconnect::LinkId;

/// One try to connect: its number and its time.
///
/// ```
/// use std::net::SocketAddr;
/// use tokio::net::TcpStream;
/// use evenkeel_tokio::reconnect::Connecting;
///
/// async fn connect(to: SocketAddr, connecting: Connecting) -> std::io::Result<TcpStream> {
///     println!("attempt {}, {:?} left", connecting.attempt(), connecting.timeout());
///     TcpStream::connect(to).await // dropped when the time is over: it need not look at it
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connecting {
    pub(super) link: LinkId,
    pub(super) timeout: Duration,
    pub(super) attempt: u32,
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
}
