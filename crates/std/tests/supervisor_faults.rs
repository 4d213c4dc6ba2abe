//! The supervisor of threads against what callers do wrong, and its stop from another thread.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{RestartBuilder, RestartPhase, RestartPolicy};
use evenkeel_std::supervisor::{AddError, Ended};
use evenkeel_std::{Stop, Supervisor, TestClock};

const HOUR: Duration = Duration::from_secs(3_600);

fn quick() -> RestartBuilder {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    RestartPolicy::builder(backoff.jitter(Jitter::None))
}

/// Escalates with the first failure.
fn strict() -> RestartPolicy {
    quick().intensity(0, HOUR).build().expect("a policy")
}

/// What `work` gives; a hang is a failed test, and not one that never ends.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = channel();
    let worker = thread::spawn(move || done.send(work()));
    match is_done.recv_timeout(Duration::from_secs(20)) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(RecvTimeoutError::Disconnected) => panic!("{:?}", worker.join().err()),
    }
}

fn polite(stop: &Stop) -> Result<(), String> {
    stop.wait();
    Ok(())
}

#[derive(Debug)]
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a bug in the text");
    }
}

impl Error for Mute {}

#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a bug in the drop");
        }
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no fuse")
    }
}

impl Error for Bomb {}

/// The last failure of a child that escalates with its first.
fn failure_of<E>(work: fn(&Stop) -> Result<(), E>) -> (String, bool)
where
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    in_time(move || {
        let supervisor = Supervisor::with_clock(TestClock::new());
        let added = supervisor.add("engine", &strict(), work);
        added.expect("the name is free");
        let Ended::Escalated(escalation) = supervisor.wait() else {
            panic!("it fails")
        };
        let last = escalation.last.expect("it failed");
        (last.message().to_owned(), last.is_panic())
    })
}

#[test]
fn an_error_whose_text_panics_is_a_failure() {
    let text = "an error whose text panics".to_owned();
    assert_eq!(failure_of(|_| Err(Mute)), (text, false));
}

#[test]
fn an_error_whose_drop_panics_is_a_failure() {
    assert_eq!(failure_of(|_| Err(Bomb)), ("no fuse".to_owned(), false));
}

#[test]
fn a_panic_whose_payload_panics_when_dropped_is_a_failure() {
    let work = |_: &Stop| -> Result<(), String> { std::panic::panic_any(Bomb) };
    let text = "a panic without a message".to_owned();
    assert_eq!(failure_of(work), (text, true));
}

#[test]
fn a_listener_whose_panic_panics_when_dropped_harms_nobody() {
    let listener = |_: &_| std::panic::panic_any(Bomb);
    let streams = evenkeel_std::Streams::seeded(1);
    let ended = in_time(move || {
        let supervisor = Supervisor::with(TestClock::new(), &streams, listener);
        let added = supervisor.add("engine", &strict(), |_| Err("crashed"));
        added.expect("the name is free");
        supervisor.wait()
    });
    assert!(matches!(ended, Ended::Escalated(_)));
}

/// Asks the supervisor when it is dropped.
struct Asks {
    whom: Arc<OnceLock<Weak<Supervisor>>>,
    heard: std::sync::mpsc::Sender<usize>,
}

impl Drop for Asks {
    fn drop(&mut self) {
        let whom = self.whom.get().and_then(Weak::upgrade);
        let children = whom.map_or(99, |whom| whom.status().len());
        let _ = self.heard.send(children);
    }
}

#[test]
fn a_worker_is_dropped_without_a_lock() {
    // In flight when it is removed: dropped by its own thread. At rest: by who removes it.
    for in_flight in [true, false] {
        let children = in_time(move || {
            let supervisor = Arc::new(Supervisor::new());
            let (heard, hears) = channel();
            let (whom, ends) = (Arc::new(OnceLock::new()), !in_flight);
            let _ = whom.set(Arc::downgrade(&supervisor));
            let asks = Mutex::new(Asks { whom, heard });
            let (began, begins) = channel();
            let work = move |stop: &Stop| {
                let _asks = &asks;
                let _ = began.send(());
                if ends {
                    Err("crashed".to_owned())
                } else {
                    polite(stop)
                }
            };
            let added = supervisor.add("engine", &strict(), work);
            added.expect("the name is free");
            begins.recv().expect("it runs");
            if ends {
                assert!(matches!(supervisor.wait(), Ended::Escalated(_)));
            }
            supervisor.remove("engine").expect("it is there");
            hears.recv().expect("it is dropped")
        });
        assert_eq!(children, 0, "in flight: {in_flight}");
    }
}

#[test]
fn an_escalation_that_was_settled_is_not_returned() {
    let crash_once = || {
        let runs = AtomicU32::new(0);
        move |stop: &Stop| match runs.fetch_add(1, Ordering::Relaxed) {
            0 => Err("crashed".to_owned()),
            _ => polite(stop),
        }
    };
    let ended = in_time(move || {
        let supervisor = Supervisor::new();
        for name in ["rearmed", "removed", "escalated"] {
            let added = supervisor.add(name, &strict(), crash_once());
            added.expect("the name is free");
        }
        let escalated = |phase| matches!(phase, RestartPhase::Escalated { .. });
        while !supervisor
            .status()
            .iter()
            .all(|child| escalated(child.phase))
        {
            thread::yield_now();
        }
        supervisor.rearm("rearmed").expect("it is there");
        supervisor.remove("removed").expect("it is there");
        let first = supervisor.wait();
        supervisor.stop_child("rearmed").expect("it is there");
        (first, supervisor.wait())
    });
    assert!(matches!(&ended.0, Ended::Escalated(escalation) if escalation.child == "escalated"));
    assert_eq!(ended.1, Ended::AllAtRest);
}

#[test]
fn a_stop_from_another_thread_ends_the_wait() {
    in_time(|| {
        let supervisor = Arc::new(Supervisor::new());
        let policy = quick().build().expect("a policy");
        let (began, begins) = channel();
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let deaf = move |_: &Stop| {
            let _ = began.send(());
            let _ = released.lock().expect("no panic").recv();
            Ok::<_, String>(())
        };
        supervisor
            .add("deaf", &policy, deaf)
            .expect("the name is free");
        supervisor
            .add("polite", &policy, polite)
            .expect("the name is free");
        begins.recv().expect("it runs");
        let waiting = Arc::clone(&supervisor);
        let waiter = thread::spawn(move || waiting.wait());
        let report = supervisor.stop(Duration::ZERO);
        assert!(
            report.still_running.contains(&"deaf".to_owned()),
            "{report:?}"
        );
        // Though one is deaf.
        assert_eq!(waiter.join().expect("no panic"), Ended::Stopped);
        let late = supervisor.add("late", &policy, polite);
        assert_eq!(late, Err(AddError::Stopped));
        supervisor.rearm("polite").expect("it is there");
        drop(release);
        for _ in 0..2 {
            assert!(supervisor.stop(HOUR).is_clean(), "it may be said again");
        }
        assert_eq!(supervisor.wait(), Ended::Stopped);
        let phases = supervisor.status().into_iter().map(|child| child.phase);
        assert!(
            phases
                .into_iter()
                .all(|phase| phase == RestartPhase::Stopped)
        );
    });
}
