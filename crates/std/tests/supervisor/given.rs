//! What the tests are given: O1's policy, a quick one, and a supervisor whose events are heard.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{RestartBuilder, RestartPolicy};
use evenkeel_std::supervisor::{ChildEvent, ChildEventKind};
use evenkeel_std::{Sleep, Stop, Streams, Supervisor};

pub(crate) const MS: u64 = 1_000_000;

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// O1's: 100 ms to 60 s, at most ten failures in ten minutes, cooldown five minutes.
pub(crate) fn o1() -> RestartBuilder {
    let backoff = BackoffPolicy::builder(ms(200)).cap(ms(60_000));
    let builder = RestartPolicy::builder(backoff).cooldown(ms(300_000));
    builder.intensity(9, ms(600_000))
}

pub(crate) fn quick() -> RestartBuilder {
    RestartPolicy::builder(BackoffPolicy::builder(ms(100)).jitter(Jitter::None))
}

/// A supervisor, and what its listener hears.
pub(crate) fn listened<C: Sleep + 'static>(
    clock: C,
    seed: u64,
) -> (Supervisor<C>, Receiver<ChildEvent>) {
    let (events, heard) = channel();
    let tell = move |event: &ChildEvent| drop(events.send(event.clone()));
    (Supervisor::with(clock, &Streams::seeded(seed), tell), heard)
}

/// The names of the events; `Exited` says how.
pub(crate) fn names(heard: &Receiver<ChildEvent>) -> Vec<&'static str> {
    let name = |event: ChildEvent| match event.kind {
        ChildEventKind::Started { .. } => "started",
        ChildEventKind::Exited { failure: None, .. } => "clean",
        ChildEventKind::Exited {
            failure: Some(failure),
            ..
        } if failure.is_panic() => "panic",
        ChildEventKind::Exited { .. } => "failure",
        ChildEventKind::Waiting { .. } => "waiting",
        ChildEventKind::Escalated(_) => "escalated",
        _ => "stopped",
    };
    heard.iter().map(name).collect()
}

/// A worker that says when it runs, and leaves when it is told.
pub(crate) fn polite(began: Sender<Stop>) -> impl Fn(&Stop) -> Result<(), String> + Send + Sync {
    let began = Mutex::new(began);
    move |stop| {
        let _ = began.lock().expect("no panic").send(stop.clone());
        stop.wait();
        Err("told to leave".to_owned())
    }
}

/// A worker that crashes so often and then is done, and how often it ran.
pub(crate) fn crashes(
    times: u32,
) -> (
    impl Fn(&Stop) -> Result<(), &'static str> + Send + Sync,
    Arc<AtomicU32>,
) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    let work = move |_: &Stop| match count.fetch_add(1, Ordering::Relaxed) {
        run if run < times => Err("crashed"),
        _ => Ok(()),
    };
    (work, runs)
}
