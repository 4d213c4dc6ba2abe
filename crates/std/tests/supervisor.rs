//! The supervisor of threads: all of O1's rows that an adapter must give, panics, stops, escalation.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartBuilder, RestartOn, RestartPhase, RestartPolicy,
};
use evenkeel_std::supervisor::{AddError, ChildEvent, ChildEventKind, Ended};
use evenkeel_std::{Clock, MonotonicClock, Sleep, Stop, Streams, Supervisor, TestClock};

const MS: u64 = 1_000_000;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// O1's: 100 ms to 60 s, at most ten failures in ten minutes, cooldown five minutes.
fn o1() -> RestartBuilder {
    let backoff = BackoffPolicy::builder(ms(200)).cap(ms(60_000));
    let builder = RestartPolicy::builder(backoff).cooldown(ms(300_000));
    builder.intensity(9, ms(600_000))
}

fn quick() -> RestartBuilder {
    RestartPolicy::builder(BackoffPolicy::builder(ms(100)).jitter(Jitter::None))
}

/// A supervisor, and what its listener hears.
fn listened<C: Sleep + 'static>(clock: C, seed: u64) -> (Supervisor<C>, Receiver<ChildEvent>) {
    let (events, heard) = channel();
    let tell = move |event: &ChildEvent| drop(events.send(event.clone()));
    (Supervisor::with(clock, &Streams::seeded(seed), tell), heard)
}

/// The names of the events; `Exited` says how.
fn names(heard: &Receiver<ChildEvent>) -> Vec<&'static str> {
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

/// The instants at which a child that runs for `lives` each time and then fails is started, by core alone.
fn starts_by_core(policy: &RestartPolicy, seed: u64, lives: &[u64]) -> (Vec<u64>, u32) {
    let (mut machine, mut rng) = (Restart::new(policy), Streams::seeded(seed).next());
    let (mut now_ns, mut starts, mut lives) = (0, Vec::new(), lives.iter().cycle());
    loop {
        match machine.poll(now_ns) {
            RestartAction::Start { run } => {
                starts.push(now_ns);
                now_ns += lives.next().expect("it goes round");
                let _ = machine.on_exit(now_ns, run, Exit::Failure, &mut rng);
            }
            RestartAction::WaitUntil { at_ns } => now_ns = at_ns,
            RestartAction::Escalated { failures, .. } => return (starts, failures),
            action => panic!("{action:?}"),
        }
    }
}

#[test]
fn o1_it_restarts_at_the_instants_that_core_says_and_escalates_to_the_caller() {
    let policy = o1().build().expect("a policy");
    // The third run lasts for the cooldown: attempts and history are cleared.
    let lives = [
        20 * MS,
        70 * MS,
        300_000 * MS,
        5 * MS,
        5 * MS,
        5 * MS,
        5 * MS,
    ];
    let lives: Vec<u64> = lives.into_iter().chain([MS; 20]).collect();
    for seed in 0..20 {
        let (expected, failures) = starts_by_core(&policy, seed, &lives);
        let clock = TestClock::new();
        let (supervisor, heard) = listened(clock.clone(), seed);
        let (runs, lives) = (AtomicU32::new(0), lives.clone());
        let work = move |_: &Stop| {
            let run = runs.fetch_add(1, Ordering::Relaxed) as usize;
            clock.advance(Duration::from_nanos(lives[run % lives.len()]));
            Err("crashed")
        };
        supervisor
            .add("engine", &policy, work)
            .expect("the name is free");
        let Ended::Escalated(escalation) = supervisor.wait() else {
            panic!("it fails too often");
        };
        assert_eq!(
            (escalation.child.as_str(), escalation.failures),
            ("engine", failures)
        );
        assert_eq!(
            (escalation.max_restarts, escalation.window),
            (9, ms(600_000))
        );
        assert_eq!(
            escalation.last.as_ref().map(|last| last.message()),
            Some("crashed")
        );
        let phase = RestartPhase::Escalated {
            failures,
            max_restarts: 9,
        };
        assert_eq!(supervisor.status()[0].phase, phase);
        assert!(supervisor.stop(ms(60_000)).is_clean());
        let started = heard
            .iter()
            .filter(|event| matches!(event.kind, ChildEventKind::Started { .. }));
        assert_eq!(
            started.map(|event| event.at_ns).collect::<Vec<_>>(),
            expected
        );
    }
}

#[test]
fn o1_three_failures_with_limit_3_retry_retry_open() {
    let policy = quick().intensity(2, ms(600_000)).build().expect("a policy");
    let (supervisor, heard) = listened(TestClock::new(), 1);
    supervisor
        .add("engine", &policy, |_| Err("crashed"))
        .expect("the name is free");
    assert!(matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.failures == 3));
    assert_eq!(
        supervisor.wait(),
        Ended::AllAtRest,
        "each escalation is returned once"
    );
    assert!(supervisor.stop(ms(60_000)).is_clean());
    let crash = ["started", "failure", "waiting"];
    let last = ["started", "failure", "escalated", "stopped"];
    assert_eq!(names(&heard), [&crash[..], &crash[..], &last[..]].concat());
}

#[test]
fn o1_limit_0_never_opens_and_a_zero_base_waits_nothing() {
    let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::ZERO));
    let policy = policy
        .restart_on(RestartOn::Failure)
        .build()
        .expect("a policy");
    let (supervisor, runs) = (Supervisor::with_clock(TestClock::new()), AtomicU32::new(0));
    let work = move |_: &Stop| {
        if runs.fetch_add(1, Ordering::Relaxed) < 500 {
            Err("crashed")
        } else {
            Ok(())
        }
    };
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    assert_eq!(supervisor.status()[0].restarts, 500);
}

#[test]
fn a_panic_is_a_failure_and_its_message_is_kept() {
    let policy = quick().intensity(1, ms(600_000)).build().expect("a policy");
    let supervisor = Supervisor::with_clock(TestClock::new());
    let work = |_: &Stop| -> Result<(), io::Error> { panic!("index {} out of range", 7) };
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    let Ended::Escalated(escalation) = supervisor.wait() else {
        panic!("it fails")
    };
    let last = escalation.last.expect("it failed");
    assert_eq!(
        (last.message(), last.is_panic()),
        ("index 7 out of range", true)
    );
    assert_eq!(last.to_string(), "panicked: index 7 out of range");
}

#[test]
fn the_sources_of_an_error_are_kept() {
    let policy = quick().intensity(0, ms(600_000)).build().expect("a policy");
    let supervisor = Supervisor::with_clock(TestClock::new());
    supervisor
        .add("engine", &policy, |_| {
            Err(io::Error::other(evenkeel_core::retry::End::Attempts))
        })
        .expect("the name is free");
    let Ended::Escalated(escalation) = supervisor.wait() else {
        panic!("it fails")
    };
    let text = "engine failed 1 times within 600s, 0 are allowed: the last attempt that is allowed has failed";
    assert_eq!(escalation.to_string(), text);
}

#[test]
fn a_clean_exit_is_restarted_where_the_policy_says_so_and_is_no_failure() {
    let policy = quick().intensity(0, ms(600_000)).build().expect("a policy");
    let (supervisor, heard) = listened(TestClock::new(), 1);
    let runs = AtomicU32::new(0);
    let work = move |_: &Stop| {
        if runs.fetch_add(1, Ordering::Relaxed) < 2 {
            Ok(())
        } else {
            Err("crashed")
        }
    };
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert!(matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.failures == 1));
    drop(supervisor);
    let heard: Vec<_> = heard.iter().take(8).collect();
    let starts = heard
        .iter()
        .filter(|event| matches!(event.kind, ChildEventKind::Started { .. }));
    assert_eq!(
        starts.map(|event| event.at_ns / MS).collect::<Vec<_>>(),
        [0, 100, 300]
    );
}

/// A worker that says when it runs, and leaves when it is told.
fn polite(began: Sender<Stop>) -> impl Fn(&Stop) -> Result<(), String> + Send + Sync {
    let began = Mutex::new(began);
    move |stop| {
        let _ = began.lock().expect("no panic").send(stop.clone());
        stop.wait();
        Err("told to leave".to_owned())
    }
}

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

#[test]
fn rearm_leads_out_of_an_escalation_and_forgets_what_was() {
    let policy = quick().intensity(0, ms(600_000)).build().expect("a policy");
    let supervisor = Supervisor::with_clock(TestClock::new());
    supervisor
        .add("engine", &policy, |_| Err("crashed"))
        .expect("the name is free");
    for _ in 0..3 {
        assert!(
            matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.failures == 1)
        );
        supervisor.rearm("engine").expect("it is there");
    }
}

#[test]
fn one_that_escalates_leaves_the_others_alone() {
    let policy = quick().intensity(0, ms(600_000)).build().expect("a policy");
    let supervisor = Supervisor::new();
    let (began, begins) = channel();
    supervisor
        .add("steady", &policy, polite(began))
        .expect("the name is free");
    supervisor
        .add("broken", &policy, |_| Err("crashed"))
        .expect("the name is free");
    let stop = begins.recv().expect("it runs");
    assert!(
        matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.child == "broken")
    );
    assert!(!stop.is_stopped());
    let phases: Vec<_> = supervisor
        .status()
        .iter()
        .map(|child| child.phase.name())
        .collect();
    assert_eq!(phases, ["running", "escalated"]);
}

#[test]
fn names_are_unique_until_a_child_is_removed_and_gone() {
    let policy = quick().build().expect("a policy");
    let supervisor = Supervisor::new();
    let (began, begins) = channel();
    supervisor
        .add("engine", &policy, polite(began.clone()))
        .expect("the name is free");
    let name = "engine".to_owned();
    let taken = supervisor.add("engine", &policy, |_| Ok::<_, String>(()));
    assert_eq!(taken, Err(AddError::NameTaken { name }));
    begins.recv().expect("it runs");
    supervisor.remove("engine").expect("it is there");
    while !supervisor.status().is_empty() {
        std::thread::yield_now();
    }
    assert!(supervisor.remove("engine").is_err());
    supervisor
        .add("engine", &policy, polite(began))
        .expect("the name is free again");
    begins.recv().expect("it runs");
    // One that waits for a day is gone at once.
    let day = RestartPolicy::builder(BackoffPolicy::builder(ms(86_400_000)).jitter(Jitter::None));
    supervisor
        .add("slow", &day.build().expect("a policy"), |_| Err("crashed"))
        .expect("the name is free");
    while supervisor.status()[1].phase.name() != "waiting" {
        std::thread::yield_now();
    }
    supervisor.remove("slow").expect("it is there");
    assert_eq!(supervisor.status().len(), 1);
}

#[test]
fn a_wait_ends_at_once_when_all_are_stopped() {
    let day = RestartPolicy::builder(BackoffPolicy::builder(ms(86_400_000)).jitter(Jitter::None));
    let (supervisor, heard) = listened(MonotonicClock, 1);
    supervisor
        .add("slow", &day.build().expect("a policy"), |_| Err("crashed"))
        .expect("the name is free");
    while supervisor.status()[0].phase.name() != "waiting" {
        std::thread::yield_now();
    }
    assert!(supervisor.stop(Duration::from_secs(600)).is_clean());
    let told: Vec<_> = heard.iter().collect();
    assert!(matches!(
        told.last().map(|event| &event.kind),
        Some(ChildEventKind::Stopped)
    ));
}

#[test]
fn a_listener_that_panics_is_called_again_and_harms_nobody() {
    let policy = quick()
        .restart_on(RestartOn::Failure)
        .build()
        .expect("a policy");
    let (calls, counted) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&calls);
    let listener = move |_: &ChildEvent| {
        count.fetch_add(1, Ordering::Relaxed);
        panic!("a bug in the listener");
    };
    let supervisor = Supervisor::with(TestClock::new(), &Streams::seeded(1), listener);
    let runs = Arc::clone(&counted);
    let work = move |_: &Stop| {
        if runs.fetch_add(1, Ordering::Relaxed) < 3 {
            Err("crashed")
        } else {
            Ok(())
        }
    };
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    assert_eq!(counted.load(Ordering::Relaxed), 4);
    assert!(calls.load(Ordering::Relaxed) >= 6);
}

/// A clock whose sleeps end early.
#[derive(Clone)]
struct Dozing(TestClock);

impl Clock for Dozing {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Dozing {
    fn park_until(&self, at_ns: u64) {
        let left_ns = at_ns.saturating_sub(self.now_ns());
        self.0.advance(Duration::from_nanos(left_ns.div_ceil(3)));
    }
}

#[test]
fn a_sleep_that_ends_early_makes_no_wait_shorter() {
    let policy = quick().intensity(3, ms(600_000)).build().expect("a policy");
    let (supervisor, heard) = listened(Dozing(TestClock::new()), 1);
    supervisor
        .add("engine", &policy, |_| Err("crashed"))
        .expect("the name is free");
    assert!(matches!(supervisor.wait(), Ended::Escalated(_)));
    drop(supervisor);
    let starts = heard
        .iter()
        .filter(|event| matches!(event.kind, ChildEventKind::Started { .. }));
    assert_eq!(
        starts.map(|event| event.at_ns / MS).collect::<Vec<_>>(),
        [0, 100, 300, 700]
    );
}

#[test]
fn what_is_told_is_in_order() {
    let policy = quick()
        .restart_on(RestartOn::Failure)
        .build()
        .expect("a policy");
    let (supervisor, heard) = listened(TestClock::new(), 1);
    let runs = AtomicU32::new(0);
    let work = move |_: &Stop| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => Err("crashed"),
        1 => panic!("a bug"),
        _ => Ok(()),
    };
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    drop(supervisor);
    let expected = [
        "started", "failure", "waiting", "started", "panic", "waiting", "started", "clean",
        "stopped",
    ];
    assert_eq!(names(&heard), expected);
}

#[test]
fn any_text_is_a_name() {
    let policy = quick()
        .restart_on(RestartOn::Never)
        .build()
        .expect("a policy");
    let supervisor = Supervisor::new();
    for name in ["", "\0", "a\0b", "Übung 9 / x"] {
        let added = supervisor.add(name, &policy, |_| Ok::<_, String>(()));
        added.expect("the name is free");
    }
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    let ran = supervisor.status();
    assert!(ran.iter().all(|child| child.last_failure.is_none()));
    assert!(supervisor.stop(Duration::from_secs(600)).is_clean());
}
