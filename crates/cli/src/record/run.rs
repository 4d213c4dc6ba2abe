//! A recording: the server, the clients, and what ends it.

use std::fs::File;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use evenkeel_replay::journal::{self, Journal};
use evenkeel_tokio::{Clock, Sleep, TokioClock};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tokio::task::{JoinError, JoinSet};

use super::args::RecordArgs;
use super::bare::Bare;
use super::checkout::Checkout;
use super::policy::Policy;
use super::script::{Arrivals, CHECKOUT, ENDPOINTS, Script};
use super::server::{Client, Server};
use super::status::Status;
use super::tally::Tally;
use super::wire::Wire;
use crate::output::{Draft, cannot_write, there_already};

/// What came of a recording.
pub(crate) struct Recorded {
    pub(crate) tally: Arc<Tally>,
    pub(crate) journal: journal::Summary,
    /// The rows of the trace, if there is one.
    pub(crate) rows: Option<u64>,
    /// When it was told to end, if that was before its time.
    pub(crate) ended_early: Option<Duration>,
}

/// Records until the script is over and the last call has ended, or until it is told to stop.
pub(crate) async fn run(args: &RecordArgs, out: &Path, policy: &Policy) -> Result<Recorded> {
    let listener = Server::listener().await?;
    let address = listener.local_addr()?;
    let trace = match args.trace.as_deref() {
        Some(path) => Some((path, draft(path, args.force)?)),
        None => None,
    };
    let journal = journal(out, args.force)?;

    // Streams of their own: how often the dice roll must not move an arrival.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(args.seed);
    let mut stream = || {
        rng.jump();
        rng.clone()
    };
    let (dice, checkouts, bares) = (stream(), stream(), stream());
    let clock = TokioClock::starting_now();
    let script = Script {
        run: Duration::from_secs(args.seconds.into()),
    };
    let tally = Arc::new(Tally::new(clock, script));
    let wire = Wire::new(address, Client::Guarded)?;
    let checkout = Checkout::new(wire, policy, args.seed, Arc::clone(&tally), &journal);
    let bare = Bare::new(Wire::new(address, Client::Bare)?, Arc::clone(&tally));
    let rate = f64::from(args.rate);
    let checkout_rate = rate * ENDPOINTS[CHECKOUT].share;
    let server = Server::new(clock, script, rate, checkout_rate / 3.0, dice);

    let checkouts = Arrivals::new(checkout_rate, checkouts);
    let checkouts = checkouts.take_while(|at| *at < script.run || checkout.closes_soon(script.run));
    let checkouts = checkouts.map(|at| (at, checkout.clone().call()));
    // Without a trace only the neighbours are called: they are in want of the same backend pool.
    let is_called = |&(_, endpoint): &(_, usize)| trace.is_some() || endpoint != CHECKOUT;
    let bares = Arrivals::new(rate, bares).with_endpoints();
    let bares = bares.take_while(|(at, _)| *at < script.run);
    let bares = bares.filter(is_called);
    let bares = bares.map(|(at, endpoint)| (at, bare.clone().call(endpoint)));

    let mut calls = [JoinSet::new(), JoinSet::new()];
    let [guarded_calls, bare_calls] = &mut calls;
    let ended_early = tokio::select! {
        _ = async { tokio::join!(
            open_loop(clock, checkouts, guarded_calls),
            open_loop(clock, bares, bare_calls),
        ) } => None,
        stopped = told_to_stop() => {
            stopped.map_err(|error| anyhow!("cannot listen for Ctrl-C: {error}"))?;
            Some(Duration::from_nanos(clock.now_ns()))
        }
        never = server.run(listener) => match never? {},
        never = Status::run(&tally, &checkout) => match never {},
    };
    // What is still out is dropped, and thereby given up: its retries say so in the journal.
    for calls in &mut calls {
        calls.shutdown().await;
    }

    let rows = trace.map(|(path, draft)| bare.write(path, draft));
    let rows = rows.transpose()?;
    let journal = journal.finish();
    let journal = journal.map_err(|error| cannot_write(out, &error))?;
    Ok(Recorded {
        tally,
        journal,
        rows,
        ended_early,
    })
}

/// The trace in the making. A recording takes its time and cannot be had again: nothing is replaced unless that is
/// said.
fn draft(path: &Path, force: bool) -> Result<Draft> {
    match path.is_file() && !force {
        true => Err(there_already(path)),
        false => Draft::create(path),
    }
}

/// The journal: a new file, one that may be replaced, or a device. Written by a thread of its own.
fn journal(path: &Path, force: bool) -> Result<Journal> {
    let is_device = path.metadata().is_ok_and(|found| !found.is_file());
    let mut options = File::options();
    options.write(true);
    if !is_device {
        options.create(true).truncate(force).create_new(!force);
    }
    let opened = options.open(path);
    let journal = opened.and_then(|file| Journal::options().spawn(file));
    journal.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => cannot_write(path, &error),
    })
}

/// Makes each call at its instant, whatever became of those before it, and waits for all: a slow server does not slow
/// its load.
async fn open_loop<F>(
    clock: TokioClock,
    plan: impl Iterator<Item = (Duration, F)>,
    calls: &mut JoinSet<()>,
) where
    F: Future<Output = ()> + Send + 'static,
{
    for (at, call) in plan {
        clock.sleep_until(at.as_nanos() as u64).await;
        calls.spawn(call);
        while let Some(ended) = calls.try_join_next() {
            settle(ended);
        }
    }
    while let Some(ended) = calls.join_next().await {
        settle(ended);
    }
}

/// A call that panicked is a defect of this program.
fn settle(ended: Result<(), JoinError>) {
    if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}

/// Ctrl-C, or on Unix SIGTERM. A second one ends the program at once.
async fn told_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?.recv().await;
        io::Result::Ok(())
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<io::Result<()>>();
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped?,
        stopped = terminated => stopped?,
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    Ok(())
}
