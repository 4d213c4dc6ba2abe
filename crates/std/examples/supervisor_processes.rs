//! A process supervisor that does all of O1 with real child processes: `cargo run -p evenkeel-std --example
//! supervisor_processes`. Each child of the supervisor is a thread whose work is a process: this program again, with a
//! role. A thread cannot be killed, a process can: on a stop it gets a moment to leave, and is then killed.
//!
//! Times are those of O1 divided by ten or more, so that the show is over in a few seconds.

use std::error::Error;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::time;
use evenkeel_std::supervisor::{ChildEvent, ChildEventKind, Ended};
use evenkeel_std::{Clock, MonotonicClock, Stop, Streams, Supervisor};

type Failed = Box<dyn Error + Send + Sync>;

/// How often a process is looked at: `Child::wait` can neither be woken nor given a time.
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(role), Some(run)) => play(&role, run.parse()?),
        _ => supervise(),
    }
}

/// What a child process does, in its `run`-th life.
fn play(role: &str, run: u32) -> Result<(), Failed> {
    let live = |span_ms| std::thread::sleep(Duration::from_millis(span_ms));
    match (role, run) {
        // Crashes twice soon after its start, then lives for the cooldown, crashes again, then goes on.
        ("feed", 1 | 2) => std::process::exit(3),
        ("feed", 3) => {
            live(700);
            std::process::abort()
        }
        // Is broken for good.
        ("engine", _) => {
            live(20);
            panic!("no margin account")
        }
        _ => loop {
            live(1_000);
        },
    }
}

fn supervise() -> Result<(), Failed> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(40)).cap(Duration::from_secs(2));
    let policy = RestartPolicy::builder(backoff)
        .intensity(5, Duration::from_secs(60))
        .cooldown(Duration::from_millis(500))
        .build()?;

    let supervisor = Supervisor::with(MonotonicClock, &Streams::of_the_process(), say);
    for name in ["feed", "engine", "journal"] {
        let lives = std::sync::atomic::AtomicU32::new(0);
        supervisor.add(name, &policy, move |stop| {
            let run = lives.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            run_process(name, run, stop)
        })?;
    }

    // Who supervises the supervisor is told, and decides: here it gives the engine one more chance, then leaves it out.
    let mut chances = 1;
    while let Ended::Escalated(escalation) = supervisor.wait() {
        println!("         ESCALATED: {escalation}");
        if chances == 0 {
            break;
        }
        chances -= 1;
        println!("         rearm {}", escalation.child);
        supervisor.rearm(&escalation.child)?;
    }
    // A handler of ctrl-c holds an `Arc` of the supervisor and says `stop(Duration::ZERO)`: then `wait` returns, too.

    println!("--- status");
    for child in supervisor.status() {
        let since = child
            .running_since_ns
            .map(|since_ns| time::until(since_ns, MonotonicClock.now_ns()).as_millis());
        println!(
            "         {child}, running for {since:?} ms, {} recent",
            child.recent_failures
        );
    }
    println!("--- stop, within 5 s");
    let report = supervisor.stop(Duration::from_secs(5));
    println!("--- all have left: {}", report.is_clean());
    Ok(())
}

/// The work of a child: a process, until it ends or is to leave.
fn run_process(role: &str, run: u32, stop: &Stop) -> Result<(), Failed> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([role, &run.to_string()])
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let ended = wait_for(&mut process, stop);
    // On every way out: a process that nobody waits for is a zombie, and one that nobody kills goes on.
    if !matches!(ended, Ok(Some(_))) {
        process.kill()?;
        process.wait()?;
    }
    match ended? {
        None => Ok(()),
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(status.to_string().into()),
    }
}

/// `None` where it is to leave.
fn wait_for(process: &mut Child, stop: &Stop) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(Some(status));
        }
        let look_at_ns = time::after(MonotonicClock.now_ns(), LOOK_EVERY).unwrap_or(u64::MAX);
        if stop.wait_until(&MonotonicClock, look_at_ns) {
            return Ok(None);
        }
    }
}

/// The log.
fn say(event: &ChildEvent) {
    let (at_ms, name) = (event.at_ns / 1_000_000, &event.name);
    let what = match &event.kind {
        ChildEventKind::Started { run } => format!("starts, run {}", run.to_word()),
        ChildEventKind::Exited { failure: None, .. } => "has left".to_owned(),
        ChildEventKind::Exited {
            failure: Some(failure),
            ..
        } => format!("failed: {failure}"),
        ChildEventKind::Waiting { until_ns } => {
            format!(
                "starts again in {} ms",
                (until_ns - event.at_ns) / 1_000_000
            )
        }
        ChildEventKind::Escalated(_) => "failed too often".to_owned(),
        _ => "is stopped".to_owned(),
    };
    println!("{at_ms:>5} ms {name:<8} {what}");
}
