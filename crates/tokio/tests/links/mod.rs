//! A scripted server for links: what each try to connect meets, and when it was made.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::reconnect::{ReconnectBuilder, ReconnectPolicy};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What a try meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meets {
    Refusal,
    /// Neither yes nor no.
    Nothing,
    /// Taken; so many frames come at once, then the server closes.
    AcceptAndClose {
        frames: u32,
    },
    /// Taken; a frame comes each `every`, `frames` of them, and then silence.
    Frames {
        every: Duration,
        frames: u32,
    },
}

/// A link: the frames that come over it; `None` is the end of the stream.
pub(crate) type Link = mpsc::Receiver<u32>;

/// Held by each try that is under way.
#[derive(Default)]
struct Open(Arc<()>);

/// Meets each try with the next of a script, and the last of it for ever.
#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Vec<Meets>>,
    begun: Instant,
    tries: Arc<Mutex<Vec<Duration>>>,
    /// How many tries are under way.
    open: Arc<Open>,
}

impl Server {
    pub(crate) fn new(script: impl Into<Vec<Meets>>) -> Self {
        Self {
            script: Arc::new(script.into()),
            begun: Instant::now(),
            tries: Arc::default(),
            open: Arc::default(),
        }
    }

    pub(crate) fn connect(&self) -> impl Future<Output = Result<Link, &'static str>> + use<> {
        let mut tries = self.tries.lock().unwrap();
        let at = tries.len().min(self.script.len() - 1);
        tries.push(self.begun.elapsed());
        let meets = self.script[at];
        let open = Arc::clone(&self.open.0);
        async move {
            let _open = open;
            match meets {
                Meets::Refusal => Err("connection refused"),
                Meets::Nothing => std::future::pending().await,
                Meets::AcceptAndClose { frames } => Ok(send(Duration::ZERO, frames, false)),
                Meets::Frames { every, frames } => Ok(send(every, frames, true)),
            }
        }
    }

    pub(crate) fn begun_until_now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When the tries were made.
    pub(crate) fn tries(&self) -> Vec<Duration> {
        self.tries.lock().unwrap().clone()
    }

    /// How long after the one before each try was made.
    pub(crate) fn waits(&self) -> Vec<u64> {
        let tries = self.tries();
        let pairs = tries.windows(2);
        pairs
            .map(|pair| (pair[1] - pair[0]).as_millis() as u64)
            .collect()
    }

    /// Tries whose future was neither finished nor dropped.
    pub(crate) fn under_way(&self) -> usize {
        Arc::strong_count(&self.open.0) - 1
    }
}

fn send(every: Duration, frames: u32, stay: bool) -> Link {
    let (sender, link) = mpsc::channel(8);
    tokio::spawn(async move {
        for frame in 0..frames {
            tokio::time::sleep(every).await;
            if sender.send(frame).await.is_err() {
                return;
            }
        }
        if stay {
            sender.closed().await;
        }
    });
    link
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// O4's: 500 ms doubling to 30 s.
pub(crate) fn o4(jitter: Jitter) -> BackoffBuilder {
    BackoffPolicy::builder(Duration::from_millis(500))
        .cap(secs(30))
        .jitter(jitter)
}

/// A try may take 10 s, a link is stable after 30 s, and lost after 45 s of silence.
pub(crate) fn builder() -> ReconnectBuilder {
    let builder = ReconnectPolicy::builder(o4(Jitter::None), secs(10));
    builder.stable_after(secs(30)).silence_limit(secs(45))
}

pub(crate) fn policy() -> ReconnectPolicy {
    builder().build().unwrap()
}
