//! O1's rows that an adapter must give, at the instants that core says.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartOn, RestartPhase, RestartPolicy,
};
use evenkeel_std::supervisor::{ChildEventKind, Ended};
use evenkeel_std::{Stop, Streams, Supervisor, TestClock};

use crate::given::{MS, crashes, listened, ms, names, o1, quick};

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
    let supervisor = Supervisor::with_clock(TestClock::new());
    let (work, _) = crashes(500);
    supervisor
        .add("engine", &policy, work)
        .expect("the name is free");
    assert_eq!(supervisor.wait(), Ended::AllAtRest);
    assert_eq!(supervisor.status()[0].restarts, 500);
}
