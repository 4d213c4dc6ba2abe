//! The supervisor of tasks: what O1 wants of an adapter, panics, graceful stop, abort, drop and shutdown, on paused time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{RestartBuilder, RestartOn, RestartPhase, RestartPolicy};
use evenkeel_tokio::supervisor::{AddError, ChildEvent, ChildEventKind, Ended, NoSuchChild};
use evenkeel_tokio::{Streams, Supervisor, TokioClock};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// O1's: 100 ms to 60 s (its first ceiling is twice its base), cooldown 5 min, 10 failures within 10 min.
fn o1(jitter: Jitter) -> RestartBuilder {
    let backoff = BackoffPolicy::builder(Duration::from_millis(200)).cap(secs(60));
    RestartPolicy::builder(backoff.jitter(jitter))
        .intensity(9, secs(600))
        .cooldown(secs(300))
}

fn policy() -> RestartPolicy {
    o1(Jitter::None).build().unwrap()
}

/// Held by a run: how many are alive.
#[derive(Clone, Default)]
struct Alive(Arc<()>);

impl Alive {
    fn count(&self) -> usize {
        // One in the test, one in the closure.
        Arc::strong_count(&self.0) - 2
    }
}

/// A worker that ignores its token.
fn add_deaf(supervisor: &Supervisor, name: &str, alive: &Alive) {
    let alive = alive.clone();
    let work = move |_stop| {
        let alive = alive.clone();
        async move {
            let _alive = alive;
            std::future::pending::<Result<(), String>>().await
        }
    };
    supervisor.add(name, &policy(), work).unwrap();
}

#[tokio::test(start_paused = true)]
async fn o1_a_child_that_fails_is_restarted_with_backoff_and_escalates_with_count_and_limit() {
    let begun = Instant::now();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let supervisor = Supervisor::new();
    let work = {
        let starts = Arc::clone(&starts);
        move |_stop| {
            starts.lock().unwrap().push(begun.elapsed().as_millis());
            async { Err::<(), _>(std::io::Error::other("no route to host")) }
        }
    };
    supervisor.add("feed", &policy(), work).unwrap();
    let Ended::Escalated(escalation) = supervisor.wait().await else {
        panic!("it fails")
    };
    let text = "feed failed 10 times within 600s, 9 are allowed: no route to host";
    assert_eq!(escalation.to_string(), text);
    let starts = starts.lock().unwrap().clone();
    let waits: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        waits,
        [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200]
    );
    let status = &supervisor.status()[0];
    assert_eq!((status.restarts, status.recent_failures), (9, 10));
    assert_eq!(supervisor.wait().await, Ended::AllAtRest, "told once");
}

#[tokio::test(start_paused = true)]
async fn o1_an_uptime_of_the_cooldown_clears_the_history() {
    let supervisor = Supervisor::new();
    let work = |_stop| async {
        sleep(secs(300)).await;
        Err::<(), _>("a failure each five minutes")
    };
    supervisor.add("feed", &policy(), work).unwrap();
    assert!(
        timeout(secs(86_400), supervisor.wait()).await.is_err(),
        "never too many"
    );
    let status = &supervisor.status()[0];
    assert!(
        status.restarts >= 286,
        "{}: each wait is a first one",
        status.restarts
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_its_message_is_kept() {
    let supervisor = Supervisor::new();
    let policy = o1(Jitter::None).intensity(1, secs(60)).build().unwrap();
    let in_call = |_stop| -> std::future::Ready<Result<(), String>> { panic!("no {}", "call") };
    supervisor.add("in the call", &policy, in_call).unwrap();
    let Ended::Escalated(escalation) = supervisor.wait().await else {
        panic!("it panics")
    };
    assert_eq!((escalation.failures, escalation.max_restarts), (2, 1));
    let last = escalation.last.unwrap();
    assert_eq!((last.message(), last.is_panic()), ("no call", true));

    let in_future = async |_stop| -> Result<(), String> { std::panic::panic_any(7) };
    supervisor.add("in the future", &policy, in_future).unwrap();
    let Ended::Escalated(escalation) = supervisor.wait().await else {
        panic!("it panics")
    };
    let last = escalation.last.unwrap();
    assert_eq!(
        (last.message(), last.is_panic()),
        ("a panic without a message", true)
    );
}

#[tokio::test(start_paused = true)]
async fn one_child_escalates_and_the_others_go_on() {
    let (supervisor, alive) = (Supervisor::new(), Alive::default());
    add_deaf(&supervisor, "steady", &alive);
    let never = o1(Jitter::None).intensity(0, secs(60)).build().unwrap();
    supervisor
        .add("bad", &never, async |_stop| Err::<(), _>("bad"))
        .unwrap();
    let ended = supervisor.wait().await;
    assert!(matches!(&ended, Ended::Escalated(escalation) if escalation.child == "bad"));
    assert_eq!(alive.count(), 1);
    // Rearmed it starts at once, fails again, and that is told again.
    supervisor.rearm("bad").unwrap();
    assert!(matches!(supervisor.wait().await, Ended::Escalated(_)));
    let steady = &supervisor.status()[0];
    assert_eq!((steady.restarts, steady.phase.name()), (0, "running"));
}

#[tokio::test(start_paused = true)]
async fn a_clean_exit_is_what_restart_on_says() {
    for (restart_on, runs) in [
        (RestartOn::Always, 4),
        (RestartOn::Failure, 1),
        (RestartOn::Never, 1),
    ] {
        let policy = o1(Jitter::None).restart_on(restart_on).build().unwrap();
        let (supervisor, done) = (Supervisor::new(), Arc::new(AtomicU32::new(0)));
        let work = {
            let done = Arc::clone(&done);
            move |_stop| {
                done.fetch_add(1, Ordering::Relaxed);
                async { Ok::<(), String>(()) }
            }
        };
        supervisor.add("job", &policy, work).unwrap();
        // 0, 0.2, 0.6, 1.4 s.
        let ended = timeout(secs(2), supervisor.wait()).await;
        assert_eq!(done.load(Ordering::Relaxed), runs, "{restart_on}");
        assert_eq!(ended.is_ok(), restart_on != RestartOn::Always);
    }
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_waits_names_who_did_not_leave_and_aborts_them() {
    let (supervisor, alive) = (Supervisor::new(), Alive::default());
    let polite = async |stop: CancellationToken| {
        stop.cancelled().await;
        sleep(secs(2)).await; // flushes
        Ok::<(), String>(())
    };
    supervisor.add("polite", &policy(), polite).unwrap();
    add_deaf(&supervisor, "deaf", &alive);
    supervisor
        .add("waits", &policy(), async |_stop| Err::<(), _>("at once"))
        .unwrap();
    sleep(secs(1)).await;
    let begun = Instant::now();
    let report = supervisor.stop(secs(5)).await;
    assert_eq!(report.aborted, ["deaf"]);
    assert_eq!(begun.elapsed(), secs(5));
    tokio::task::yield_now().await;
    assert_eq!(
        Arc::strong_count(&alive.0),
        1,
        "the run is gone, and the worker, too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_is_over_when_the_last_has_left() {
    let supervisor = Supervisor::new();
    let polite = async |stop: CancellationToken| {
        stop.cancelled().await;
        Ok::<(), String>(())
    };
    supervisor.add("polite", &policy(), polite).unwrap();
    sleep(secs(1)).await;
    let begun = Instant::now();
    assert!(supervisor.stop(secs(60)).await.is_clean());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_supervisor_or_its_stop_aborts_all_children() {
    for by_stop in [false, true] {
        let (supervisor, alive) = (Supervisor::new(), Alive::default());
        for name in ["a", "b", "c"] {
            add_deaf(&supervisor, name, &alive);
        }
        sleep(secs(1)).await;
        assert_eq!(Arc::strong_count(&alive.0), 1 + 2 * 3);
        if by_stop {
            assert!(timeout(secs(1), supervisor.stop(secs(60))).await.is_err());
        } else {
            drop(supervisor);
        }
        sleep(Duration::from_millis(1)).await;
        assert_eq!(Arc::strong_count(&alive.0), 1, "by_stop: {by_stop}");
    }
}

#[tokio::test(start_paused = true)]
async fn children_are_added_stopped_rearmed_aborted_and_removed() {
    let (supervisor, alive) = (Supervisor::new(), Alive::default());
    add_deaf(&supervisor, "deaf", &alive);
    sleep(secs(1)).await;
    let again = supervisor.add("deaf", &policy(), async |_stop| Ok::<(), String>(()));
    assert_eq!(
        again,
        Err(AddError::NameTaken {
            name: "deaf".into()
        })
    );
    assert_eq!(
        supervisor.stop_child("nobody"),
        Err(NoSuchChild::new("nobody"))
    );
    // It does not listen: told to stop it still runs, aborted it is gone.
    supervisor.stop_child("deaf").unwrap();
    sleep(secs(1)).await;
    let status = &supervisor.status()[0];
    assert_eq!(status.phase, RestartPhase::Stopped);
    assert!(status.running_since_ns.is_some() && alive.count() == 1);
    supervisor.abort_child("deaf").unwrap();
    assert_eq!(
        timeout(secs(1), supervisor.wait()).await,
        Ok(Ended::AllAtRest)
    );
    assert_eq!(alive.count(), 0);
    // Rearmed it starts at once; a stopped one that is rearmed before it has left starts when it is gone.
    supervisor.rearm("deaf").unwrap();
    sleep(secs(1)).await;
    assert_eq!(alive.count(), 1);
    supervisor.abort_child("deaf").unwrap();
    supervisor.rearm("deaf").unwrap();
    sleep(secs(1)).await;
    assert_eq!((alive.count(), supervisor.status()[0].restarts), (1, 2));
    // Removed, its name is free once its run is gone.
    supervisor.remove("deaf").unwrap();
    sleep(secs(1)).await;
    assert_eq!(supervisor.status().len(), 1);
    supervisor.abort_child("deaf").unwrap();
    sleep(secs(1)).await;
    assert_eq!(supervisor.status(), []);
    assert_eq!(Arc::strong_count(&alive.0), 1, "the worker is dropped, too");
}

#[tokio::test(start_paused = true)]
async fn an_abort_between_add_and_start_is_heard() {
    let (supervisor, alive) = (Supervisor::new(), Alive::default());
    add_deaf(&supervisor, "deaf", &alive);
    supervisor.abort_child("deaf").unwrap();
    assert_eq!(
        timeout(secs(1), supervisor.wait()).await,
        Ok(Ended::AllAtRest)
    );
    assert_eq!((alive.count(), supervisor.status()[0].restarts), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_command_the_supervisor_and_an_abort_before_the_task_is_there_is_heard() {
    let supervisor = Arc::new(OnceLock::<Supervisor>::new());
    let listener = {
        let supervisor = Arc::clone(&supervisor);
        move |event: &ChildEvent| {
            if let ChildEventKind::Started { .. } = event.kind {
                let supervisor = supervisor.get().unwrap();
                supervisor.abort_child(&event.name).unwrap();
            }
        }
    };
    let made = Supervisor::with(TokioClock::default(), &Streams::seeded(1), listener);
    let supervisor = supervisor.get_or_init(|| made);
    let alive = Alive::default();
    add_deaf(supervisor, "deaf", &alive);
    sleep(secs(1)).await;
    assert_eq!(
        (alive.count(), supervisor.status()[0].running_since_ns),
        (0, None)
    );
    assert_eq!(
        timeout(secs(1), supervisor.wait()).await,
        Ok(Ended::AllAtRest)
    );
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_each_event_in_order_and_survive_their_own_panics() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        move |event: &ChildEvent| {
            let kind = match &event.kind {
                ChildEventKind::Started { .. } => "started",
                ChildEventKind::Exited { .. } => "exited",
                ChildEventKind::Waiting { .. } => "waiting",
                ChildEventKind::Escalated(_) => "escalated",
                _ => "stopped",
            };
            told.lock().unwrap().push(kind);
            assert_ne!(kind, "exited", "the listener panics");
        }
    };
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::seeded(1), listener);
    let mut watch = supervisor.watch();
    let policy = o1(Jitter::Full).intensity(1, secs(60)).build().unwrap();
    supervisor
        .add("feed", &policy, async |_stop| Err::<(), _>("bad"))
        .unwrap();
    assert!(matches!(supervisor.wait().await, Ended::Escalated(_)));
    supervisor.stop_child("feed").unwrap();
    sleep(secs(1)).await;
    let expected = [
        "started",
        "exited",
        "waiting",
        "started",
        "exited",
        "escalated",
        "stopped",
    ];
    assert_eq!(*told.lock().unwrap(), expected);
    assert_eq!(watch.borrow_and_update()[0].phase, RestartPhase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn wait_dropped_at_any_time_loses_no_escalation() {
    let supervisor = Supervisor::new();
    let policy = o1(Jitter::None).intensity(0, secs(60)).build().unwrap();
    let work = |_stop| async {
        sleep(secs(5)).await;
        Err::<(), _>("bad")
    };
    supervisor.add("feed", &policy, work).unwrap();
    let mut waits = 0;
    let ended = loop {
        match timeout(Duration::from_millis(700), supervisor.wait()).await {
            Ok(ended) => break ended,
            Err(_) => waits += 1,
        }
    };
    assert!(
        matches!(ended, Ended::Escalated(_)) && waits == 7,
        "{waits}"
    );
}

#[test]
fn a_runtime_that_shuts_down_ends_all_and_whoever_waits_elsewhere() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    let alive = Alive::default();
    let supervisor = runtime.block_on(async {
        let supervisor = Supervisor::new();
        add_deaf(&supervisor, "deaf", &alive);
        sleep(secs(1)).await;
        supervisor
    });
    drop(runtime);
    assert_eq!(alive.count(), 0);
    let elsewhere = builder.build().unwrap();
    assert_eq!(elsewhere.block_on(supervisor.wait()), Ended::Gone);
    let late = supervisor.add("late", &policy(), async |_stop| Ok::<(), String>(()));
    assert_eq!(late, Err(AddError::Gone));
    assert_eq!(supervisor.status()[0].running_since_ns, None);
}
