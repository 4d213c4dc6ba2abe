//! The server that both call: in this process, with a script of answers, and a note of when it was called.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use tokio::time::{Instant, sleep};

/// The connection broke. Nothing here does that; a client has to think of it all the same.
#[derive(Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection broke")
    }
}

impl std::error::Error for Broken {}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This status, after this time.
    Status(u16, Duration),
    /// 429 at once, with this `Retry-After`.
    Throttled(String),
    /// The client's own code panics.
    Panics,
}

/// What was asked of it, and what it will answer.
#[derive(Debug)]
pub(crate) struct Server {
    script: Mutex<VecDeque<Answer>>,
    then: Answer,
    asked: Mutex<Vec<Instant>>,
    running: AtomicUsize,
}

impl Server {
    /// Answers by the script, and `then` for ever.
    pub(crate) fn new(script: impl IntoIterator<Item = Answer>, then: Answer) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into_iter().collect()),
            then,
            asked: Mutex::default(),
            running: AtomicUsize::new(0),
        })
    }

    /// A request. Dropped, it is over: the connection is closed.
    pub(crate) async fn get(&self) -> Result<Response<()>, Broken> {
        self.asked
            .lock()
            .expect("nobody panics in it")
            .push(Instant::now());
        let next = self.script.lock().expect("nobody panics in it").pop_front();
        let _running = Running::new(&self.running);
        match next.unwrap_or_else(|| self.then.clone()) {
            Answer::Status(code, after) => {
                sleep(after).await;
                Ok(status(code))
            }
            Answer::Throttled(retry_after) => {
                let mut response = status(429);
                let value = HeaderValue::try_from(retry_after).expect("a header");
                response.headers_mut().insert(RETRY_AFTER, value);
                Ok(response)
            }
            Answer::Panics => panic!("a bug in the caller's code"),
        }
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().expect("nobody panics in it").len()
    }

    /// How long after the first request the second came.
    pub(crate) fn pause(&self) -> Duration {
        let asked = self.asked.lock().expect("nobody panics in it");
        asked[1] - asked[0]
    }

    /// The longest time between a request and the next.
    pub(crate) fn longest_pause(&self) -> Duration {
        let asked = self.asked.lock().expect("nobody panics in it");
        let pauses = asked.windows(2).map(|pair| pair[1] - pair[0]);
        pauses.max().unwrap_or_default()
    }

    /// How many requests are being worked on.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

fn status(code: u16) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(code).expect("a status");
    response
}

/// A request that is being worked on.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
