//! Names, escalations, events: one child does not harm another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{RestartOn, RestartPolicy};
use evenkeel_std::supervisor::{AddError, ChildEvent, Ended};
use evenkeel_std::{Stop, Streams, Supervisor, TestClock};

use crate::given::{crashes, listened, ms, names, polite, quick};

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
fn a_listener_that_panics_is_called_again_and_harms_nobody() {
    let policy = quick()
        .restart_on(RestartOn::Failure)
        .build()
        .expect("a policy");
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let listener = move |_: &ChildEvent| {
        count.fetch_add(1, Ordering::Relaxed);
        panic!("a bug in the listener");
    };
    let supervisor = Supervisor::with(TestClock::new(), &Streams::seeded(1), listener);
    let (work, runs) = crashes(3);
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    assert_eq!(runs.load(Ordering::Relaxed), 4);
    assert!(calls.load(Ordering::Relaxed) >= 6);
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
