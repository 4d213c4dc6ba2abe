//! Records a real outage: HTTP clients call a faulty HTTP server on loopback, and every call becomes a row of a
//! trace (`t_ns,key,latency_ns,outcome`). This is where `docs/traces/outage.csv` comes from.
//!
//! ```text
//! cargo run --release -p evenkeel-cli --features record --example record_trace -- --out docs/traces/outage.csv
//! ```
//!
//! The seed fixes when calls arrive and what they ask for. Latencies and outcomes are measured, so two recordings
//! with the same seed tell the same story in different digits.

#[path = "record_trace/script.rs"]
mod script;
#[path = "record_trace/server.rs"]
mod server;

use anyhow::{Context, Result};
use clap::Parser;
use http_body_util::{BodyExt, Empty};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use indicatif::{ProgressBar, ProgressStyle};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use script::{CHECKOUT, ENDPOINTS, OUTAGE, SCRIPT_SECONDS, phase_index, uniform};
use serde::Serialize;
use server::Server;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a client waits for a whole answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Records a trace of a real HTTP server on loopback that goes through an outage.
#[derive(Parser)]
struct Args {
    /// The CSV file to write
    #[arg(long)]
    out: PathBuf,
    /// Length of the recording; the script of the outage is stretched to it
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Mean calls a second over all endpoints
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Seed of the arrivals and of the server's dice
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A call that a client will make, whatever became of those before it.
struct Arrival {
    at: Duration,
    endpoint: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// Answered with 2xx.
    Ok,
    /// Answered with something else, or the connection failed.
    Error,
    /// No whole answer in time.
    Timeout,
}

/// A call as it was measured.
struct Call {
    /// From the start of the script to the start of the call.
    started: Duration,
    endpoint: usize,
    latency: Duration,
    outcome: Outcome,
}

/// A line of the trace.
#[derive(Serialize)]
struct Row {
    t_ns: u64,
    key: &'static str,
    latency_ns: u64,
    outcome: Outcome,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(folder) = args.out.parent() {
        // Now, so that a wrong path does not cost a whole recording.
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let run = Duration::from_secs(args.seconds);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(args.seed);
    let plan = arrivals(run, args.rate, &mut rng);
    // The server's dice are a stream of their own: how often they roll must not move an arrival.
    rng.jump();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("cannot listen on loopback")?;
    let address = listener.local_addr()?;
    let origin = Instant::now();
    tokio::spawn(Server::new(origin, run, args.rate, rng).accept(listener));
    let mut calls = drive(&plan, address, origin, run).await?;

    calls.sort_by_key(|call| call.started);
    write_trace(&args.out, &calls)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    print_summary(&args.out, &calls, run)
}

/// Poisson arrivals over the run: gaps are exponential, as when many clients know nothing of each other.
fn arrivals(run: Duration, rate: u32, rng: &mut Xoshiro256PlusPlus) -> Vec<Arrival> {
    let mut plan = Vec::new();
    let mut at = Duration::ZERO;
    loop {
        // 1 - u is never 0, so the logarithm is finite.
        at += Duration::from_secs_f64(-(1.0 - uniform(rng)).ln() / f64::from(rate));
        if at >= run {
            return plan;
        }
        plan.push(Arrival {
            at,
            endpoint: pick_endpoint(uniform(rng)),
        });
    }
}

/// The endpoint at `point` when all of them are laid end to end on `0..1` by their shares.
fn pick_endpoint(point: f64) -> usize {
    let mut end = 0.0;
    let found = ENDPOINTS.iter().position(|endpoint| {
        end += endpoint.share;
        point < end
    });
    // The sum of the shares may round to just below 1.
    found.unwrap_or(ENDPOINTS.len() - 1)
}

/// Makes every planned call at its time (open loop: a slow server does not slow the arrivals) and waits for all.
async fn drive(
    plan: &[Arrival],
    address: SocketAddr,
    origin: Instant,
    run: Duration,
) -> Result<Vec<Call>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let status = ProgressBar::new(run.as_secs());
    status.set_style(ProgressStyle::with_template(
        "{pos:>3}/{len} s [{bar:30}] {msg}",
    )?);

    let mut in_flight = JoinSet::new();
    let mut calls = Vec::with_capacity(plan.len());
    for &Arrival { at, endpoint } in plan {
        sleep_until(origin + at).await;
        let uri = format!("http://{address}/{}", ENDPOINTS[endpoint].key).parse()?;
        in_flight.spawn(call(client.clone(), uri, endpoint, origin));
        while let Some(done) = in_flight.try_join_next() {
            calls.push(done?);
        }
        status.set_position(at.as_secs());
        let phase = OUTAGE[phase_index(at, run)].name;
        status.set_message(format!(
            "{phase}: {} calls, {} in flight",
            calls.len(),
            in_flight.len()
        ));
    }
    while let Some(done) = in_flight.join_next().await {
        calls.push(done?);
    }
    status.finish_and_clear();
    Ok(calls)
}

/// Makes one call and measures it, from before the request is sent (or its connection made) to the answer's end.
async fn call(
    client: Client<HttpConnector, Empty<Bytes>>,
    uri: Uri,
    endpoint: usize,
    origin: Instant,
) -> Call {
    let start = Instant::now();
    let answered = timeout(CLIENT_TIMEOUT, async {
        let response = client.get(uri).await.ok()?;
        let status = response.status();
        // An answer counts when its body is there; reading it also frees the connection for the next call.
        response.into_body().collect().await.ok()?;
        Some(status)
    })
    .await;
    let latency = start.elapsed();
    let outcome = match answered {
        Ok(Some(status)) if status.is_success() => Outcome::Ok,
        Ok(_) => Outcome::Error,
        Err(_) => Outcome::Timeout,
    };
    Call {
        started: start - origin,
        endpoint,
        latency,
        outcome,
    }
}

/// Writes the calls, which are sorted by start, with time counted from the first.
fn write_trace(path: &Path, calls: &[Call]) -> Result<()> {
    let first = calls.first().map_or(Duration::ZERO, |call| call.started);
    let mut csv = csv::Writer::from_path(path)?;
    for call in calls {
        csv.serialize(Row {
            t_ns: nanos(call.started - first),
            key: ENDPOINTS[call.endpoint].key,
            latency_ns: nanos(call.latency),
            outcome: call.outcome,
        })?;
    }
    csv.flush()?;
    Ok(())
}

/// Fits for 584 years; a recording is at most ten minutes.
fn nanos(span: Duration) -> u64 {
    span.as_nanos() as u64
}

/// Prints what was recorded, and how checkout fared in each phase.
fn print_summary(path: &Path, calls: &[Call], run: Duration) -> Result<()> {
    let span = match calls {
        [first, .., last] => last.started - first.started,
        _ => Duration::ZERO,
    };
    let size = std::fs::metadata(path)?.len();
    let (errors, timeouts) = (count(calls, Outcome::Error), count(calls, Outcome::Timeout));
    println!(
        "{}: {} rows, {:.3} s, {} kB",
        path.display(),
        calls.len(),
        span.as_secs_f64(),
        size / 1000
    );
    println!(
        "outcomes: {} ok, {errors} error, {timeouts} timeout",
        calls.len() - errors - timeouts
    );
    let by_key = ENDPOINTS.iter().enumerate().map(|(index, endpoint)| {
        let rows = calls.iter().filter(|call| call.endpoint == index).count();
        format!("{} {rows}", endpoint.key)
    });
    println!("keys: {}", by_key.collect::<Vec<_>>().join(", "));

    println!(
        "\n{:<16}{:>10}{:>7}{:>11}{:>11}{:>8}{:>10}",
        "checkout", "seconds", "rows", "p50", "p99", "error", "timeout"
    );
    let mut begins = 0.0;
    for (index, phase) in OUTAGE.iter().enumerate() {
        let rows = calls
            .iter()
            .filter(|call| call.endpoint == CHECKOUT && phase_index(call.started, run) == index);
        let stretch = run.as_secs_f64() / SCRIPT_SECONDS;
        let seconds = format!("{:.1}-{:.1}", begins * stretch, phase.until * stretch);
        println!("{:<16}{seconds:>10}{}", phase.name, phase_line(rows));
        begins = phase.until;
    }
    Ok(())
}

/// Rows, p50, p99 and the shares of errors and timeouts, in columns.
fn phase_line<'a>(rows: impl Iterator<Item = &'a Call>) -> String {
    let (mut latencies, mut errors, mut timeouts) = (Vec::new(), 0, 0);
    for call in rows {
        latencies.push(call.latency);
        errors += usize::from(call.outcome == Outcome::Error);
        timeouts += usize::from(call.outcome == Outcome::Timeout);
    }
    latencies.sort_unstable();
    let n = latencies.len();
    if n == 0 {
        return format!("{:>7}", 0);
    }
    // Nearest rank, as everywhere in evenkeel.
    let p_ms = |percent: usize| latencies[(percent * n).div_ceil(100) - 1].as_secs_f64() * 1e3;
    let share = |part: usize| part as f64 / n as f64 * 100.0;
    let (p50, p99) = (p_ms(50), p_ms(99));
    format!(
        "{n:>7}{p50:>8.1} ms{p99:>8.1} ms{:>7.1}%{:>9.1}%",
        share(errors),
        share(timeouts)
    )
}

fn count(calls: &[Call], outcome: Outcome) -> usize {
    calls.iter().filter(|call| call.outcome == outcome).count()
}
