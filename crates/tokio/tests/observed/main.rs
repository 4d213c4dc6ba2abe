//! Handles and operations of tasks that are observed: under paused time, across awaits, and when they are dropped.

#[path = "../../../std/tests/observed/recorder.rs"]
#[expect(dead_code, reason = "the tests of threads use more of it")]
mod recorder;
#[path = "../../../std/tests/observed/subscriber.rs"]
#[expect(dead_code, reason = "the tests of threads use more of it")]
mod subscriber;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tokio::observe::Observer;
use evenkeel_tokio::supervisor::Ended;
use evenkeel_tokio::{
    HealthProbe, Reconnect, SharedBreaker, Streams, Supervisor, TokioClock, retry,
};
use metrics::with_local_recorder;
use tracing::Level;
use tracing::dispatcher::{set_default, with_default};

use recorder::Recorded;
use subscriber::Lines;

fn policy() -> RetryPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff).max_attempts(3);
    policy
        .attempt_timeout(Duration::from_secs(1))
        .build()
        .expect("a policy")
}

/// Without a thread: no other thread can see paused time.
fn unthreaded() -> Observer {
    Observer::builder().unthreaded().build()
}

fn count(recorded: &Recorded, of: &str, label: &str) -> f64 {
    recorded.value(&format!(
        "evenkeel_retry_{of}_total{{operation=checkout,{label}}}"
    ))
}

#[tokio::test(start_paused = true)]
async fn a_breaker_is_seen_half_open_when_its_wait_is_over() {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    let open = BackoffPolicy::builder(Duration::from_secs(60)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5));
    let policy = policy.trigger(Trigger::Consecutive { failures: 1 }).build();
    let breaker = SharedBreaker::new(policy.expect("a policy"));
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    let states = || {
        observer.publish();
        ["closed", "open", "half-open"].map(|state| {
            recorded.value(&format!(
                "evenkeel_breaker_state{{breaker=checkout,state={state}}}"
            ))
        })
    };
    assert!(breaker.call(async { Err::<(), _>("reset") }).await.is_err());
    assert_eq!(states(), [0.0, 1.0, 0.0]);
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(states(), [0.0, 1.0, 0.0]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(states(), [0.0, 0.0, 1.0]);
    assert_eq!(breaker.call(async { Ok::<_, ()>(()) }).await, Ok(()));
    assert_eq!(states(), [1.0, 0.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn operations_that_run_at_the_same_time_log_each_in_its_own_span() {
    let lines = Lines::default();
    let _logs = set_default(&lines.subscriber(Level::INFO));
    let observer = unthreaded();
    let run = |name: &'static str, pause: u64| {
        let calls = observer.retry(name);
        let policy = policy();
        async move {
            let answer = retry(&policy, |attempt| async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                tracing::info!(target: "app", name, "asks");
                if attempt.is_retry() {
                    Ok(())
                } else {
                    Err("reset")
                }
            });
            assert_eq!(answer.observe(&calls).await, Ok(()));
            tracing::info!(target: "app", name, "has it");
        }
    };
    tokio::join!(run("a", 30), run("b", 40));
    let told = [
        r#"INFO retry{name="a"}:attempt{number=1}: app: asks name="a""#,
        r#"INFO retry{name="b"}:attempt{number=1}: app: asks name="b""#,
        r#"INFO retry{name="a"}:attempt{number=2}: app: asks name="a""#,
        r#"INFO app: has it name="a""#,
        r#"INFO retry{name="b"}:attempt{number=2}: app: asks name="b""#,
        r#"INFO app: has it name="b""#,
    ];
    assert_eq!(lines.all(), told);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_dropped_was_cancelled_and_so_was_its_attempt() {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    let calls = with_local_recorder(&recorded, || observer.retry("checkout"));
    // In its attempt, in its wait, and never polled at all.
    let hangs = retry(&policy(), |_| pending::<Result<(), &str>>())
        .observe(&calls)
        .run();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), hangs)
            .await
            .is_err()
    );
    let waits = retry(&policy(), |_| async { Err::<(), _>("reset") })
        .observe(&calls)
        .run();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), waits)
            .await
            .is_err()
    );
    drop(
        retry(&policy(), |_| async { Ok::<_, ()>(()) })
            .run()
            .observe(&calls),
    );
    observer.publish();
    let operations =
        ["cancelled", "succeeded"].map(|end| count(&recorded, "operations", &format!("end={end}")));
    assert_eq!(operations, [2.0, 0.0]);
    let attempts = ["cancelled", "failure", "success"];
    let attempts =
        attempts.map(|outcome| count(&recorded, "attempts", &format!("outcome={outcome}")));
    assert_eq!(attempts, [1.0, 1.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn timeouts_and_panics_are_counted_once() {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    let calls = with_local_recorder(&recorded, || observer.retry("checkout"));
    let hangs = retry(&policy(), |_| pending::<Result<(), &str>>()).observe(&calls);
    assert!(hangs.await.is_err());
    let panics = retry(&policy(), |_| async { panic!("a bug") as Result<(), &str> }).run();
    assert!(tokio::spawn(panics.observe(&calls)).await.is_err());
    observer.publish();
    let operations = ["attempts", "permanent", "cancelled"];
    let operations = operations.map(|end| count(&recorded, "operations", &format!("end={end}")));
    assert_eq!(operations, [1.0, 1.0, 0.0]);
    let attempts = ["timeout", "panicked", "cancelled", "failure"];
    let attempts =
        attempts.map(|outcome| count(&recorded, "attempts", &format!("outcome={outcome}")));
    assert_eq!(attempts, [3.0, 1.0, 0.0, 0.0]);
    let took = recorded.recorded("evenkeel_retry_operation_seconds{operation=checkout}");
    assert_eq!(took.iter().map(|(_, count)| count).sum::<usize>(), 2);
    assert!(
        took.iter().any(|(took, _)| (took - 3.3).abs() < 0.1),
        "paused time: {took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn links_probes_and_supervisors_are_told_of() {
    let (lines, recorded) = (Lines::default(), Recorded::default());
    let observer = with_default(&lines.subscriber(Level::INFO), unthreaded);
    let backoff = || BackoffPolicy::builder(Duration::from_millis(100)).jitter(Jitter::None);

    let policy = ReconnectPolicy::builder(backoff(), Duration::from_secs(5)).build();
    let connect = |_| async { Ok::<_, std::io::Error>(()) };
    let mut reconnect = Reconnect::new(&policy.expect("a policy"), connect);
    let status = reconnect.status();
    with_local_recorder(&recorded, || observer.link("feed", move || status.now()));
    let live = reconnect.next_link().await.expect("a link");
    live.on_frame();
    observer.publish();
    assert_eq!(recorded.value("evenkeel_link_up{link=feed}"), 1.0);

    let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    let policy = policy.rise(1).build().expect("a policy");
    let listener = with_local_recorder(&recorded, || observer.health("database"));
    let check = |_| async { Ok::<(), &str>(()) };
    let _probe = HealthProbe::new(&policy, check).on_change(listener).start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    observer.publish();
    assert_eq!(recorded.value("evenkeel_health_up{probe=database}"), 1.0);

    let policy = RestartPolicy::builder(backoff()).intensity(2, Duration::from_secs(60));
    let policy = policy.build().expect("a policy");
    let listener = observer.supervisor("workers");
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::seeded(7), listener);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let work = move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>("no route to host") }
    };
    supervisor.add("feed", &policy, work).expect("a new child");
    assert!(matches!(supervisor.wait().await, Ended::Escalated(_)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    with_local_recorder(&recorded, || observer.publish());
    let restarts = "evenkeel_supervisor_restarts_total{supervisor=workers,child=feed}";
    assert_eq!(
        recorded.value(restarts),
        f64::from(runs.load(Ordering::Relaxed) - 1)
    );

    let heads = [
        "INFO evenkeel::link: link is up",
        "INFO evenkeel::health: up",
        "ERROR evenkeel::supervisor: child failed too often",
    ];
    for head in heads {
        let of = lines
            .all()
            .iter()
            .filter(|line| line.starts_with(head))
            .count();
        assert_eq!(of, 1, "{head}: {:#?}", lines.all());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_up() {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    let (supervised, probed) = with_local_recorder(&recorded, || {
        (observer.supervisor("workers"), observer.health("database"))
    });
    let up = || {
        with_local_recorder(&recorded, || observer.publish());
        [
            recorded.value("evenkeel_supervisor_child_up{supervisor=workers,child=feed}"),
            recorded.value("evenkeel_health_up{probe=database}"),
        ]
    };
    let backoff = BackoffPolicy::builder(Duration::from_secs(1));
    let policy = RestartPolicy::builder(backoff).build().expect("a policy");
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::seeded(7), supervised);
    let feed = |_| pending::<Result<(), String>>();
    supervisor.add("feed", &policy, feed).expect("a new child");
    let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    let policy = policy.rise(1).build().expect("a policy");
    let probe = HealthProbe::new(&policy, |_| async { Ok::<_, ()>(()) });
    let probe = probe.on_change(probed).start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(up(), [1.0, 1.0]);
    // Dropped, or aborted with their runtime: nobody is left who could say so.
    drop((supervisor, probe));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(up(), [0.0, 0.0]);
}
