//! Stopping all, stopping one, and those who do not leave.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use evenkeel_core::restart::RestartPhase;
use evenkeel_std::supervisor::{ChildEventKind, Ended};
use evenkeel_std::{MonotonicClock, Stop, Supervisor};

use crate::given::{listened, polite, quick};

#[test]
fn a_graceful_stop_waits_for_those_who_leave() {
    let policy = quick().build().expect("a policy");
    let (supervisor, heard) = listened(MonotonicClock, 1);
    let (began, begins) = channel();
    for name in ["feed", "engine"] {
        supervisor
            .add(name, &policy, polite(began.clone()))
            .expect("the name is free");
    }
    let _both = [begins.recv(), begins.recv()];
    assert!(supervisor.stop(Duration::from_secs(600)).is_clean());
    // What ends after it was told to is stopped, and not restarted, whatever it returned.
    let mut told = Vec::new();
    while let Ok(event) = heard.recv() {
        told.push(event);
    }
    assert!(
        told.iter()
            .all(|event| !matches!(event.kind, ChildEventKind::Waiting { .. }))
    );
    let stopped = told
        .iter()
        .filter(|event| event.kind == ChildEventKind::Stopped);
    assert_eq!(stopped.count(), 2, "each once, when it has left");
    assert!(begins.try_recv().is_err(), "no run after the stop");
}

#[test]
fn who_does_not_leave_in_time_is_named_and_left_alone() {
    let policy = quick().build().expect("a policy");
    let supervisor = Supervisor::new();
    let (began, begins) = channel();
    let (deaf_began, deaf_begins) = channel();
    let (release, released) = channel::<()>();
    let (deaf_began, released) = (Mutex::new(deaf_began), Mutex::new(released));
    supervisor
        .add("polite", &policy, polite(began))
        .expect("the name is free");
    let deaf = move |_: &Stop| -> Result<(), String> {
        let _ = deaf_began.lock().expect("no panic").send(());
        let _ = released.lock().expect("no panic").recv();
        Ok(())
    };
    supervisor
        .add("deaf", &policy, deaf)
        .expect("the name is free");
    let stop = begins.recv().expect("it runs");
    deaf_begins.recv().expect("it runs");
    let report = supervisor.stop(Duration::ZERO);
    assert!(
        report.still_running.contains(&"deaf".to_owned()),
        "{report:?}"
    );
    assert!(stop.is_stopped());
    drop(release);
}

#[test]
fn a_drop_tells_all_to_stop_and_waits_for_none() {
    let policy = quick().build().expect("a policy");
    let (supervisor, heard) = listened(MonotonicClock, 1);
    let (began, begins) = channel();
    supervisor
        .add("engine", &policy, polite(began))
        .expect("the name is free");
    let stop = begins.recv().expect("it runs");
    drop(supervisor);
    assert!(stop.is_stopped());
    // The thread that watches ends, and with it the listener, once the child is gone.
    assert!(heard.iter().count() >= 2);
}

#[test]
fn a_child_is_stopped_and_started_again_by_itself() {
    let policy = quick().build().expect("a policy");
    let supervisor = Supervisor::new();
    let (began, begins) = channel();
    supervisor
        .add("engine", &policy, polite(began))
        .expect("the name is free");
    let first = begins.recv().expect("it runs");
    supervisor.stop_child("engine").expect("it is there");
    assert!(first.is_stopped());
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    assert_eq!(supervisor.status()[0].phase, RestartPhase::Stopped);

    supervisor.rearm("engine").expect("it is there");
    let second = begins.recv().expect("it runs again");
    assert!(!second.is_stopped(), "a token of its own");
    let status = &supervisor.status()[0];
    assert_eq!((status.phase.name(), status.restarts), ("running", 1));
    assert!(status.running_since_ns.is_some());
    // Stopped and rearmed before it has left: the next run begins as soon as it is gone.
    supervisor.stop_child("engine").expect("it is there");
    supervisor.rearm("engine").expect("it is there");
    assert!(begins.recv().is_ok_and(|stop| !stop.is_stopped()));
    assert!(supervisor.stop(Duration::from_secs(600)).is_clean());
}
