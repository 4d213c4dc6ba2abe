//! How a child ended decides whether it is started again, and no wait is cut short but by a stop.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::RestartPolicy;
use evenkeel_std::supervisor::{ChildEventKind, Ended};
use evenkeel_std::{Clock, MonotonicClock, Sleep, Stop, Supervisor, TestClock};

use crate::given::{MS, listened, ms, quick};

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
