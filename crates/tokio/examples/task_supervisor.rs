//! A supervisor of tasks that crash, panic, finish and do not listen: what it does about each. Runs for some seconds:
//! `cargo run -p evenkeel-tokio --example task_supervisor`

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::restart::{RestartOn, RestartPolicy};
use evenkeel_tokio::supervisor::{ChildEvent, ChildEventKind, Ended};
use evenkeel_tokio::{Streams, Supervisor, TokioClock};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    // What O1 has, with shorter spans: at most 3 failures within 10 s, all forgotten after 5 s of health.
    let backoff = BackoffPolicy::builder(ms(100)).cap(ms(1_000));
    let policy = RestartPolicy::builder(backoff)
        .intensity(3, ms(10_000))
        .cooldown(ms(5_000))
        .restart_on(RestartOn::Failure)
        .build()?;

    let listener = move |event: &ChildEvent| {
        let at = begun.elapsed().as_secs_f64();
        let what = match &event.kind {
            ChildEventKind::Started { run } => format!("run {} starts", run.to_word()),
            ChildEventKind::Exited {
                failure: Some(failure),
                ..
            } => format!("failed: {failure}"),
            ChildEventKind::Exited { .. } => "left".to_owned(),
            ChildEventKind::Waiting { .. } => "waits".to_owned(),
            ChildEventKind::Escalated(escalation) => format!("ESCALATED: {escalation}"),
            _ => "stopped".to_owned(),
        };
        println!("{at:>5.2} s  {:<9} {what}", event.name);
    };
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::from_entropy(), listener);

    // Works until it is told to leave, then puts its things away.
    let feed = async |stop: CancellationToken| {
        stop.cancelled().await;
        sleep(ms(200)).await;
        Ok::<_, std::io::Error>(())
    };
    supervisor.add("feed", &policy, feed)?;

    // Panics twice, then does its work and is done.
    let runs = Arc::new(AtomicU32::new(0));
    supervisor.add("importer", &policy, move |_stop| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(ms(100)).await;
            assert!(run >= 2, "row {run} has no date");
            Ok::<_, std::io::Error>(())
        }
    })?;

    // Is broken for good.
    let orders = async |_stop| -> Result<(), std::io::Error> {
        Err(std::io::ErrorKind::ConnectionRefused.into())
    };
    supervisor.add("orders", &policy, orders)?;

    // Does not listen to its token.
    let deaf = async |_stop| -> Result<(), std::io::Error> { std::future::pending().await };
    supervisor.add("deaf", &policy, deaf)?;

    match supervisor.wait().await {
        Ended::Escalated(escalation) => println!("{escalation}; rearmed once, by hand"),
        ended => println!("{ended:?}"),
    }
    supervisor.rearm("orders")?;
    let ended = supervisor.wait().await;
    println!("and again: {}", matches!(ended, Ended::Escalated(_)));

    for child in supervisor.status() {
        println!("{child}");
    }
    let report = supervisor.stop(ms(1_000)).await;
    println!("stopped; aborted after a second: {:?}", report.aborted);
    Ok(())
}
