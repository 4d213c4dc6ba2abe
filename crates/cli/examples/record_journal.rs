//! Records an incident: HTTP clients with a retry each, sharing a breaker and a retry budget, call a faulty HTTP server on
//! loopback, and every decision goes into a journal. This is where `docs/journals/checkout.jsonl` comes from.
//!
//! ```text
//! cargo run --release -p evenkeel-cli --features record --example record_journal -- --policy docs/policies/checkout.toml --out docs/journals/checkout.jsonl
//! ```
//!
//! The seed fixes when calls arrive, the jitter, and the server's dice. Latencies are measured, so two recordings with the
//! same seed tell the same story in different digits.

#[path = "record_trace/script.rs"]
mod script;
#[path = "record_trace/server.rs"]
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use evenkeel_core::breaker::{Breaker, BreakerPolicy};
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{AttemptId, AttemptOutcome, End, Retry, RetryAction, RetryPolicy};
use evenkeel_replay::Recorder;
use evenkeel_replay::journal::Journal;
use evenkeel_replay::retry::RecordedParts;
use http_body_util::{BodyExt, Empty};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use script::{CHECKOUT, ENDPOINTS, OUTAGE, phase_index, uniform};
use serde::Deserialize;
use server::Server;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Records the decisions of real clients of a real HTTP server on loopback that goes through an outage.
#[derive(Parser)]
struct Args {
    /// Policy file (.toml) with the tables `retry`, `breaker` and `retry_tokens`
    #[arg(long)]
    policy: PathBuf,
    /// The journal to write
    #[arg(long)]
    out: PathBuf,
    /// Length of the recording; the script of the outage is stretched to it
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Mean calls a second over all endpoints, of which this makes those to checkout
    #[arg(long, default_value_t = 75, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Seed of the arrivals, the jitter, and the server's dice
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Deserialize)]
struct Policies {
    retry: RetryPolicy,
    breaker: BreakerPolicy,
    retry_tokens: RetryTokensPolicy,
}

/// What all calls share: the machines behind one lock, which is held for a decision and never for a call.
struct Shared {
    origin: Instant,
    journal: Journal,
    retry: RetryPolicy,
    machines: Mutex<Machines>,
}

struct Machines {
    breaker: Recorder<Breaker>,
    tokens: Recorder<RetryTokens>,
    /// Retries whose operation has ended: the next call begins anew with one of them, so that the journal has as many
    /// as there were calls at a time.
    idle: Vec<Recorder<Retry>>,
    rng: Xoshiro256PlusPlus,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let text = std::fs::read_to_string(&args.policy)
        .with_context(|| format!("cannot read {}", args.policy.display()))?;
    let policies: Policies = toml::from_str(&text)?;
    if let Some(folder) = args.out.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let journal = Journal::options()
        .replace(true)
        .create(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;

    let run = Duration::from_secs(args.seconds);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(args.seed);
    let mut arrivals = rng.clone();
    rng.jump();
    let dice = rng.clone();
    rng.jump();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("cannot listen on loopback")?;
    let address = listener.local_addr()?;
    let origin = Instant::now();
    tokio::spawn(Server::new(origin, run, args.rate, dice).accept(listener));

    let shared = Arc::new(Shared {
        origin,
        retry: policies.retry,
        machines: Mutex::new(Machines {
            breaker: journal.record("checkout", Breaker::new(policies.breaker)),
            tokens: journal.record("budget", RetryTokens::new(policies.retry_tokens)),
            idle: Vec::new(),
            rng,
        }),
        journal,
    });
    let ends = drive(&shared, address, run, args.rate, &mut arrivals).await?;
    finish(&shared.journal, &args.out, run, &ends)
}

/// Makes calls at random instants (open loop: a slow server does not slow them) and waits for all.
async fn drive(
    shared: &Arc<Shared>,
    address: SocketAddr,
    run: Duration,
    rate: u32,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Vec<(Duration, End)>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: HttpClient = Client::builder(TokioExecutor::new()).build(connector);
    let uri: Uri = format!("http://{address}/{}", ENDPOINTS[CHECKOUT].key).parse()?;
    let mut in_flight = JoinSet::new();
    let rate = f64::from(rate) * ENDPOINTS[CHECKOUT].share;
    let mut at = Duration::ZERO;
    loop {
        // 1 - u is never 0, so the logarithm is finite.
        at += Duration::from_secs_f64(-(1.0 - uniform(rng)).ln() / rate);
        if at >= run {
            break;
        }
        sleep_until(shared.origin + at).await;
        let operation = operation(Arc::clone(shared), client.clone(), uri.clone());
        in_flight.spawn(async move { (at, operation.await) });
    }
    let mut ends = Vec::new();
    while let Some(end) = in_flight.join_next().await {
        ends.push(end?);
    }
    Ok(ends)
}

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// One operation: the loop that every driver runs in.
async fn operation(shared: Arc<Shared>, client: HttpClient, uri: Uri) -> End {
    let mut retry = shared.begin();
    loop {
        match shared.poll(&mut retry) {
            RetryAction::Attempt {
                attempt,
                timeout_at_ns,
                ..
            } => {
                let until_ns = timeout_at_ns.unwrap_or(u64::MAX);
                let outcome = attempt_once(&shared, &client, &uri, until_ns).await;
                shared.report(&mut retry, attempt, outcome);
            }
            RetryAction::WaitUntil { at_ns } => sleep_until(shared.instant(at_ns)).await,
            RetryAction::Done { end } => {
                shared.machines().idle.push(retry);
                return end;
            }
            // What is to be abandoned was dropped by its timeout; the next poll says how to go on.
            _ => {}
        }
    }
}

async fn attempt_once(
    shared: &Shared,
    client: &HttpClient,
    uri: &Uri,
    until_ns: u64,
) -> AttemptOutcome {
    let answered = timeout_at(shared.instant(until_ns), async {
        let response = client.get(uri.clone()).await.ok()?;
        let status = response.status();
        response.into_body().collect().await.ok()?;
        Some(status)
    })
    .await;
    match answered {
        Ok(Some(status)) if status.is_success() => AttemptOutcome::Success,
        Ok(_) => AttemptOutcome::transient(RetryCause::Failure),
        Err(_) => AttemptOutcome::transient(RetryCause::Timeout),
    }
}

impl Shared {
    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// No later than a day from now, which is for ever here.
    fn instant(&self, at_ns: u64) -> Instant {
        self.origin + Duration::from_nanos(at_ns.min(86_400_000_000_000))
    }

    fn machines(&self) -> MutexGuard<'_, Machines> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Recorder<Retry> {
        let now_ns = self.now_ns();
        match self.machines().idle.pop() {
            Some(mut retry) => {
                retry.begin(now_ns);
                retry
            }
            None => self.journal.record("call", Retry::new(self.retry, now_ns)),
        }
    }

    fn poll(&self, retry: &mut Recorder<Retry>) -> RetryAction {
        let Machines {
            breaker,
            tokens,
            rng,
            ..
        } = &mut *self.machines();
        let mut parts = RecordedParts::none()
            .with_breaker(breaker)
            .with_tokens(tokens);
        retry.poll(self.now_ns(), &mut parts, rng).action
    }

    fn report(&self, retry: &mut Recorder<Retry>, attempt: AttemptId, outcome: AttemptOutcome) {
        let Machines {
            breaker,
            tokens,
            rng,
            ..
        } = &mut *self.machines();
        let mut parts = RecordedParts::none()
            .with_breaker(breaker)
            .with_tokens(tokens);
        let _ = retry.on_outcome(self.now_ns(), attempt, outcome, &mut parts, rng);
    }
}

fn finish(journal: &Journal, path: &Path, run: Duration, ends: &[(Duration, End)]) -> Result<()> {
    let summary = journal
        .finish()
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "{}: {} decisions, {} lost",
        path.display(),
        summary.ops,
        summary.dropped
    );
    println!("{:<16}{:>12}{:>12}", "checkout", "operations", "succeeded");
    for (index, phase) in OUTAGE.iter().enumerate() {
        let begun = ends.iter().filter(|(at, _)| phase_index(*at, run) == index);
        let (all, good) = begun.fold((0, 0), |(all, good), (_, end)| {
            (all + 1, good + u32::from(*end == End::Succeeded))
        });
        println!("{:<16}{all:>12}{good:>12}", phase.name);
    }
    Ok(())
}
