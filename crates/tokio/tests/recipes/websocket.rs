//! docs/recipes/websocket.md: a subscription that survives drops, silence and a server that accepts and hangs up.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_tokio::Reconnect;
use tokio_util::sync::CancellationToken;

/// What the server does with the connections to come, and how many there were.
#[derive(Clone, Default)]
struct Server {
    script: Arc<Mutex<VecDeque<Does>>>,
    connections: Arc<Mutex<u32>>,
    frames: Arc<Mutex<u32>>,
}

#[derive(Clone, Copy)]
enum Does {
    Refuse,
    HangUp,
    FramesThenSilence,
    FramesForever,
}

/// A websocket as its crates have it: frames until it is closed, or nothing.
struct Socket {
    does: Does,
    frames: u32,
}

impl Server {
    async fn connect(self) -> io::Result<Socket> {
        *self.connections.lock().unwrap() += 1;
        let does = self.script.lock().unwrap().pop_front();
        match does.unwrap_or(Does::FramesForever) {
            Does::Refuse => Err(io::ErrorKind::ConnectionRefused.into()),
            does => Ok(Socket { does, frames: 0 }),
        }
    }
}

impl Server {
    fn handle(&self, _: u32) {
        *self.frames.lock().unwrap() += 1;
    }
}

impl Socket {
    async fn next(&mut self) -> Option<io::Result<u32>> {
        self.frames += 1;
        match self.does {
            Does::HangUp => None,
            Does::FramesThenSilence if self.frames > 3 => std::future::pending().await,
            _ => {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Some(Ok(self.frames))
            }
        }
    }
}

/// Once: how a link is made again, and when a silent one counts as lost.
fn policy() -> Result<ReconnectPolicy, ConfigError> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    ReconnectPolicy::builder(backoff, Duration::from_secs(10))
        .silence_limit(Duration::from_secs(45))
        .stable_after(Duration::from_secs(60))
        .build()
}

/// Until it is told to stop: link after link, and every frame of each.
async fn subscribe(policy: &ReconnectPolicy, server: Server, stop: &CancellationToken) {
    let mut links = Reconnect::new(policy, |_connecting| server.clone().connect()).stop(stop);
    while let Ok(mut live) = links.next_link().await {
        let mut lost = live.until_lost();
        let why = loop {
            match lost.or(live.next()).await {
                Ok(Some(Ok(frame))) => {
                    live.on_frame(); // ping and pong as well
                    server.handle(frame);
                }
                Ok(Some(Err(error))) => break error.to_string(),
                Ok(None) => break "closed by the server".to_owned(),
                Err(silent) => break silent.to_string(),
            }
        };
        live.lost(why);
    }
}

#[tokio::test(start_paused = true)]
async fn it_stays_subscribed_without_a_storm() {
    let server = Server::default();
    let script = [Does::Refuse, Does::Refuse, Does::FramesThenSilence];
    server.script.lock().unwrap().extend(script);
    // For some minutes each connection is accepted and hung up.
    server.script.lock().unwrap().extend([Does::HangUp; 10]);
    let stop = CancellationToken::new();
    let policy = policy().expect("a valid policy");
    let begun = tokio::time::Instant::now();
    let subscription = subscribe(&policy, server.clone(), &stop);
    let shutdown = async {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        stop.cancel();
    };
    tokio::join!(subscription, shutdown);
    assert_eq!(begun.elapsed(), Duration::from_secs(3_600));
    // Two refused, one silent, ten hung up on, and the one that stays.
    assert_eq!(*server.connections.lock().unwrap(), 14);
    let frames = *server.frames.lock().unwrap();
    assert!((300..=360).contains(&frames), "{frames}");
}
