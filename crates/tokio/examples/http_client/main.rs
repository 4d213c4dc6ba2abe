//! A hyper client with retries, a breaker, a retry budget and Retry-After, against a server that goes through an
//! outage.
//!
//! `cargo run -p evenkeel-tokio --example http_client` runs for nine seconds and prints what happened.

mod server;

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tokio::{
    Classified, Clock, RetryError, SharedBreaker, SharedRatio, TokioClock, retry, retry_after,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::RETRY_AFTER;
use hyper::{Response, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use server::{SCRIPT, Server};

const RUN: Duration = Duration::from_secs(9);
const PAUSE: Duration = Duration::from_millis(50);

/// All calls to one service go through this; a clone is the same.
#[derive(Clone)]
struct Service {
    client: Client<HttpConnector, Empty<Bytes>>,
    uri: Uri,
    policy: RetryPolicy,
    breaker: SharedBreaker,
    budget: SharedRatio,
}

impl Service {
    fn new(uri: Uri) -> Result<Self, evenkeel_core::ConfigError> {
        let backoff = BackoffPolicy::builder(Duration::from_millis(50)).cap(Duration::from_secs(1));
        let policy = RetryPolicy::builder(backoff)
            .max_attempts(4)
            .attempt_timeout(Duration::from_millis(250))
            .deadline(Duration::from_secs(3))
            .advisory_cap(Duration::from_secs(2)) // follows Retry-After so far
            .build()?;
        let open = BackoffPolicy::builder(Duration::from_millis(300)).cap(Duration::from_secs(1));
        let breaker = BreakerPolicy::builder(open, Duration::from_secs(1))
            .trigger(Trigger::Consecutive { failures: 5 })
            .build()?;
        let budget = RetryRatioPolicy::builder(Ratio::percent(20)).build()?;
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            uri,
            policy,
            breaker: SharedBreaker::new(breaker),
            budget: SharedRatio::new(budget),
        })
    }

    /// One operation: what a caller writes.
    async fn fetch(&self) -> Result<(StatusCode, Bytes), RetryError<ClientError>> {
        let response = retry(&self.policy, |_| self.client.get(self.uri.clone()))
            .breaker(&self.breaker)
            .budget(&self.budget)
            .classify_ok(by_status) // an error of the connection is transient
            .await?;
        let status = response.status();
        // A body that breaks off is not retried here: what was read of it may have been used.
        let body = response.into_body().collect().await;
        Ok((status, body.map(|body| body.to_bytes()).unwrap_or_default()))
    }
}

/// What an answer means. This server's 429 is the caller's own limit: it must not close the door for all.
fn by_status<B>(response: &Response<B>) -> Option<Classified> {
    let header = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let asked = header.and_then(|value| retry_after(value, SystemTime::now()));
    match response.status().as_u16() {
        429 => Some(
            Classified::throttled()
                .retry_after(asked)
                .breaker(Outcome::Ignored),
        ),
        503 => Some(Classified::throttled().retry_after(asked)),
        500.. => Some(Classified::transient()),
        _ => None,
    }
}

/// How operations ended that began in one scene.
#[derive(Clone, Default)]
struct Ended {
    began: u32,
    answered: u32,
    by_end: Vec<(String, u32)>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let uri: Uri = format!("http://{}/", listener.local_addr()?).parse()?;
    let origin = Instant::now();
    let (server, clock) = (Server::new(origin), TokioClock::default());
    tokio::spawn(server.clone().accept(listener));
    let service = Service::new(uri)?;
    let start_ns = clock.now_ns();
    service.breaker.on_transition(move |made| {
        let at = Duration::from_nanos(made.at_ns.saturating_sub(start_ns));
        println!(
            "{:5.2} s  breaker {} -> {} ({})",
            at.as_secs_f64(),
            made.from,
            made.to,
            made.cause
        );
    });

    let mut operations = JoinSet::new();
    let (mut at, mut scenes) = (origin, vec![Ended::default(); SCRIPT.len()]);
    while at < origin + RUN {
        sleep_until(at).await;
        let (service, scene) = (service.clone(), server.scene());
        operations.spawn(async move { (scene, service.fetch().await) });
        at += PAUSE;
    }
    while let Some(ended) = operations.join_next().await {
        let (scene, answer) = ended?;
        let scene = &mut scenes[scene];
        scene.began += 1;
        let end = match answer {
            Ok((status, _)) if status.is_success() => {
                scene.answered += 1;
                continue;
            }
            Ok((status, _)) => status.as_str().to_owned(),
            Err(error) => error.end().name().to_owned(),
        };
        match scene.by_end.iter_mut().find(|(name, _)| *name == end) {
            Some((_, count)) => *count += 1,
            None => scene.by_end.push((end, 1)),
        }
    }
    report(&service, &server, &scenes);
    Ok(())
}

fn report(service: &Service, server: &Server, scenes: &[Ended]) {
    println!("\nthe server                               operations  answered  otherwise");
    for ((_, name), ended) in SCRIPT.iter().zip(scenes) {
        let by_end = ended
            .by_end
            .iter()
            .map(|(end, count)| format!("{end}: {count}"));
        let by_end = by_end.collect::<Vec<_>>().join(", ");
        println!(
            "{name:40} {:>10} {:>9}  {by_end}",
            ended.began, ended.answered
        );
    }
    let operations: u32 = scenes.iter().map(|scene| scene.began).sum();
    let stats = service.breaker.stats();
    println!(
        "\n{operations} operations were {} requests; the breaker opened {} times and refused {} attempts",
        server.requests.load(Ordering::Relaxed),
        stats.opened,
        stats.refused
    );
}
