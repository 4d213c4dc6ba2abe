//! docs/recipes/process-supervisor.md: child processes that are started again, escalated when broken, and ended.
#![cfg(unix)]

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::time;
use evenkeel_std::supervisor::Ended;
use evenkeel_std::{Clock, MonotonicClock, Stop, Supervisor};

type Failed = Box<dyn Error + Send + Sync>;

/// The work of a child: a process, until it ends or is to leave.
fn run(program: &str, stop: &Stop) -> Result<(), Failed> {
    let mut process = Command::new("sh").args(["-c", program]).spawn()?;
    loop {
        match process.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string().into()),
            None => {}
        }
        let look_at_ns = time::after(MonotonicClock.now_ns(), Duration::from_millis(20));
        if stop.wait_until(&MonotonicClock, look_at_ns.unwrap_or(u64::MAX)) {
            process.kill()?;
            process.wait()?;
            return Ok(());
        }
    }
}

/// Keeps them running, until one of them is broken for good: which, and whether all have left.
fn supervise(
    programs: &[(&str, &'static str)],
    policy: &RestartPolicy,
) -> Result<(Ended, bool), Failed> {
    let supervisor = Supervisor::new();
    for (name, program) in programs.iter().copied() {
        supervisor.add(name, policy, move |stop| run(program, stop))?;
    }
    let ended = supervisor.wait();
    let report = supervisor.stop(Duration::from_secs(5));
    Ok((ended, report.is_clean()))
}

#[test]
fn a_broken_child_is_named_and_the_others_are_ended() -> Result<(), Failed> {
    let ms = Duration::from_millis;
    let policy = RestartPolicy::builder(BackoffPolicy::builder(ms(10)).cap(ms(100)))
        .intensity(3, Duration::from_secs(60))
        .cooldown(Duration::from_secs(30))
        .build()?;
    let programs = [("feed", "exec sleep 600"), ("engine", "exit 3")];
    let (ended, is_clean) = supervise(&programs, &policy)?;
    assert!(is_clean, "each process was killed and waited for");
    let Ended::Escalated(escalation) = ended else {
        panic!("{ended:?}");
    };
    let said = escalation.to_string();
    assert!(
        said.starts_with("engine failed 4 times within 60s, 3 are allowed"),
        "{said}"
    );
    Ok(())
}
