//! What the caller's code does at the worst place: it panics in a drop or a message, calls back from a drop, is always
//! ready. Whoever drives goes on, and everybody else is heard.

use std::fmt;
use std::future::pending;
use std::panic::{AssertUnwindSafe, panic_any};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak, mpsc};
use std::thread;
use std::time::Duration;

use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::{LinkPhase, ReconnectBuilder, ReconnectPolicy};
use evenkeel_core::restart::RestartPolicy;
use evenkeel_tokio::reconnect::LinkLost;
use evenkeel_tokio::supervisor::ChildEventKind;
use evenkeel_tokio::{Classified, HealthProbe, Reconnect, Streams, Supervisor, TokioClock};
use futures_util::{FutureExt, StreamExt};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn plain(wait: Duration) -> evenkeel_core::backoff::BackoffBuilder {
    BackoffPolicy::builder(wait).cap(wait).jitter(Jitter::None)
}

fn links(wait: Duration) -> ReconnectBuilder {
    ReconnectPolicy::builder(plain(wait), Duration::from_secs(10))
}

fn restarts() -> RestartPolicy {
    RestartPolicy::builder(plain(ms(5))).build().unwrap()
}

async fn polite(stop: CancellationToken) -> Result<(), String> {
    stop.cancelled().await;
    Ok(())
}

/// In a thread of its own: whether it ends at all. It has a minute, and needs milliseconds.
fn ends<T: Send + 'static>(code: impl AsyncFnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        let _ = done.send(runtime.block_on(code()));
    });
    let ended = ended.recv_timeout(Duration::from_secs(60));
    ended.expect("it hangs, or starves its runtime")
}

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(thread::panicking(), "the bomb");
    }
}

/// Panics when it is shown.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("what it said")
    }
}

impl std::error::Error for Unspeakable {}

/// Panics when it is dropped.
#[derive(Debug)]
struct Fragile(Bomb);

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of glass")
    }
}

impl std::error::Error for Fragile {}

#[test]
fn h1_a_link_that_does_not_wait_hears_the_stop_and_timers() {
    let tiny = links(Duration::from_nanos(1)).build().unwrap();
    let exact = links(ms(500)).advisory_rule(AdvisoryRule::Exact);
    for policy in [tiny, exact.build().unwrap()] {
        ends(async move || {
            let stop = CancellationToken::new();
            let refuses = Reconnect::new(&policy, async |_| Err::<(), _>("no")).stop(&stop);
            let mut refuses =
                refuses.classify(|_| Classified::throttled().retry_after(Duration::ZERO));
            let driver = tokio::spawn(async move { refuses.next_link().await.is_err() });
            sleep(ms(20)).await;
            stop.cancel();
            assert!(driver.await.unwrap());
        });
    }
    ends(async move || {
        let stop = CancellationToken::new();
        let drops = Reconnect::new(&tiny, async |_| Ok::<_, &str>(())).stop(&stop);
        let driver = tokio::spawn(drops.for_each(async |live| live.on_frame()));
        sleep(ms(20)).await;
        stop.cancel();
        driver.await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn h3_an_error_that_panics_or_a_payload_that_does_fails_its_child_alone() {
    let listener = |_: &_| panic_any(Bomb);
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::seeded(1), listener);
    supervisor.add("good", &restarts(), polite).unwrap();
    let unspeakable = async |_stop| Err::<(), _>(Unspeakable);
    supervisor
        .add("unspeakable", &restarts(), unspeakable)
        .unwrap();
    let bomb = async |_stop| -> Result<(), String> { panic_any(Bomb) };
    supervisor.add("bomb", &restarts(), bomb).unwrap();
    let fragile = async |_stop| Err::<(), _>(Fragile(Bomb));
    supervisor.add("fragile", &restarts(), fragile).unwrap();
    sleep(ms(300)).await;
    let status = supervisor.status();
    assert!(status[0].running_since_ns.is_some(), "the good one runs on");
    let least = status[1..].iter().map(|child| child.restarts);
    assert!(least.min() > Some(10), "{status:?}");
    let said = |at: usize| status[at].last_failure.clone().unwrap().to_string();
    assert_eq!(said(1), "an error whose text panics");
    assert_eq!(said(2), "panicked: a panic without a message");
    assert_eq!(said(3), "out of glass");
    assert!(timeout(ms(100), supervisor.wait()).await.is_err());
}

/// Calls the supervisor when it is dropped.
struct CallsBack(Arc<OnceLock<Weak<Supervisor>>>);

impl Drop for CallsBack {
    fn drop(&mut self) {
        if let Some(supervisor) = self.0.get().and_then(Weak::upgrade) {
            let _ = supervisor.status();
        }
    }
}

#[test]
fn h5_a_worker_that_calls_the_supervisor_in_its_drop_is_dropped_without_the_lock() {
    let left = ends(async || {
        let supervisor = Arc::new(Supervisor::new());
        let cell = Arc::new(OnceLock::new());
        cell.set(Arc::downgrade(&supervisor)).unwrap();
        // Removed while it runs, and while it rests; not taken at all.
        for (name, rests) in [("a", false), ("b", true), ("b", true)] {
            let held = CallsBack(Arc::clone(&cell));
            let work = move |stop| {
                let _held = &held;
                polite(stop)
            };
            let added = supervisor.add(name, &restarts(), work);
            if rests && added.is_ok() {
                supervisor.stop_child(name).unwrap();
            }
        }
        sleep(ms(20)).await;
        supervisor.remove("a").unwrap();
        supervisor.remove("b").unwrap();
        sleep(ms(20)).await;
        supervisor.status().len()
    });
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn m1_an_escalation_that_was_rearmed_or_removed_is_not_told() {
    let policy = RestartPolicy::builder(plain(ms(1))).intensity(1, Duration::from_secs(60));
    for rearm in [true, false] {
        let (supervisor, runs) = (Supervisor::new(), Arc::new(AtomicU32::new(0)));
        supervisor.add("steady", &restarts(), polite).unwrap();
        let work = move |stop| {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            async move {
                match run {
                    0 | 1 => Err("bad".to_owned()),
                    _ => polite(stop).await,
                }
            }
        };
        let policy = policy.build().unwrap();
        supervisor.add("feed", &policy, work).unwrap();
        sleep(ms(100)).await;
        assert_eq!(supervisor.status()[1].phase.name(), "escalated");
        if rearm {
            supervisor.rearm("feed").unwrap();
        } else {
            supervisor.remove("feed").unwrap();
        }
        let stale = timeout(ms(100), supervisor.wait()).await;
        assert!(stale.is_err(), "rearm: {rearm}: {stale:?}");
    }
}

/// A link that says when it is gone, and how it stood then.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        thread::sleep(ms(20));
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m2_a_link_is_gone_before_the_next_is_made() {
    let gone = Arc::new(AtomicBool::new(true));
    let policy = links(Duration::from_nanos(1)).build().unwrap();
    let (send, mut receive) = tokio::sync::mpsc::channel(1);
    let mut reconnect = Reconnect::new(&policy, move |_| {
        assert!(
            gone.swap(false, Ordering::SeqCst),
            "two links at the same time"
        );
        let link = Gone(Arc::clone(&gone));
        async move { Ok::<_, &str>(link) }
    });
    let driver = tokio::spawn(async move {
        while let Ok(live) = reconnect.next_link().await {
            if send.send(live).await.is_err() {
                break;
            }
        }
    });
    for lost in [true, false, true] {
        let live = receive.recv().await.expect("a link");
        let drop_it = move || if lost { live.lost("eof") } else { drop(live) };
        tokio::task::spawn_blocking(drop_it).await.unwrap();
    }
    drop(receive);
    driver.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn m2_a_link_that_panics_in_its_drop_is_lost_all_the_same() {
    let mut reconnect = Reconnect::new(&links(ms(5)).build().unwrap(), async |_| {
        Ok::<_, &str>(Bomb)
    });
    let live = reconnect.next_link().await.unwrap();
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| drop(live)));
    assert!(panicked.is_err());
    let status = reconnect.status().now();
    assert_eq!(status.lost(), Some("dropped"));
    std::mem::forget(reconnect.next_link().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn m3_a_link_that_always_has_a_frame_hears_the_stop() {
    let stop = CancellationToken::new();
    let connect = async |_| Ok::<_, &str>(futures_util::stream::repeat(1));
    let mut reconnect = Reconnect::new(&links(ms(5)).build().unwrap(), connect).stop(&stop);
    let mut live = reconnect.next_link().await.unwrap();
    let mut lost = live.until_lost();
    assert_eq!(lost.or(live.next()).await, Ok(Some(1)));
    stop.cancel();
    assert_eq!(lost.or(live.next()).await, Err(LinkLost::Stopped));
}

#[tokio::test]
async fn m4_what_aborted_children_hold_is_gone_when_stop_returns() {
    let (supervisor, held) = (Supervisor::new(), Arc::new(()));
    let hold = Arc::clone(&held);
    let deaf = move |_stop| {
        let hold = Arc::clone(&hold);
        async move {
            let _hold = hold;
            pending::<Result<(), String>>().await
        }
    };
    supervisor.add("deaf", &restarts(), deaf).unwrap();
    sleep(ms(20)).await;
    assert_eq!(Arc::strong_count(&held), 3);
    let report = supervisor.stop(ms(1)).await;
    assert_eq!(
        (report.aborted, report.still_running),
        (vec!["deaf".to_owned()], vec![])
    );
    assert!(Arc::strong_count(&held) <= 2, "the run is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m4_one_that_blocks_is_named() {
    let (supervisor, (free, blocked)) = (Supervisor::new(), mpsc::channel::<()>());
    let blocked = Arc::new(Mutex::new(blocked));
    let work = move |_stop| {
        let blocked = Arc::clone(&blocked);
        async move {
            let _ = blocked.lock().unwrap().recv();
            Ok::<(), String>(())
        }
    };
    supervisor.add("blocks", &restarts(), work).unwrap();
    while supervisor.status()[0].running_since_ns.is_none() {
        sleep(ms(1)).await;
    }
    sleep(ms(20)).await;
    let report = supervisor.stop(ms(1)).await;
    drop(free);
    assert_eq!(
        (&report.aborted, report.is_clean()),
        (&report.still_running, false)
    );
    assert_eq!(report.still_running, ["blocks"]);
}

#[tokio::test(start_paused = true)]
async fn m6_a_check_that_panics_in_its_drop_is_a_failed_probe() {
    let policy = HealthProbePolicy::builder(ms(20), ms(10)).build().unwrap();
    let checks = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&checks);
    let probe = HealthProbe::new(&policy, move |_| {
        let check = count.fetch_add(1, Ordering::Relaxed);
        async move {
            match check {
                2 => {
                    let _bomb = Bomb;
                    pending().await
                }
                // Its error is dropped, too.
                3 => Err(Some(Bomb)),
                4 => panic_any(Bomb),
                _ => Ok::<(), Option<Bomb>>(()),
            }
        }
    });
    let _probe = probe.start();
    sleep(ms(500)).await;
    assert!(checks.load(Ordering::Relaxed) > 6, "{checks:?}");
}

#[tokio::test(start_paused = true)]
async fn m7_a_classifier_or_a_message_that_panics_is_a_failed_try() {
    let policy = links(ms(5)).build().unwrap();
    let refuses = Reconnect::new(&policy, async |_| Err::<(), _>("no"));
    let mut refuses = refuses.classify(|_| panic!("the classifier"));
    let panicked = AssertUnwindSafe(refuses.next_link()).catch_unwind().await;
    assert!(panicked.is_err());
    let status = refuses.status().now();
    assert!(
        matches!(status.phase(), LinkPhase::Waiting { .. }),
        "{status}"
    );
    let mut refuses = Reconnect::new(&policy, async |_| Err::<(), _>(Unspeakable));
    let panicked = AssertUnwindSafe(refuses.next_link()).catch_unwind().await;
    assert!(panicked.is_err());
    let status = refuses.status().now();
    assert!(
        matches!(status.phase(), LinkPhase::Waiting { .. }),
        "{status}"
    );
}

#[tokio::test(start_paused = true)]
async fn l3_stop_tells_stopped_of_each_child_once() {
    let stopped = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&stopped);
    let listener = move |event: &evenkeel_tokio::supervisor::ChildEvent| {
        if matches!(event.kind, ChildEventKind::Stopped) {
            told.lock().unwrap().push(event.name.clone());
        }
    };
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::seeded(1), listener);
    let slow = RestartPolicy::builder(plain(Duration::from_secs(100)));
    let slow = slow.build().unwrap();
    supervisor
        .add("waits", &slow, async |_stop| Err::<(), _>("bad"))
        .unwrap();
    supervisor.add("runs", &slow, polite).unwrap();
    sleep(ms(50)).await;
    assert!(supervisor.stop(Duration::from_secs(1)).await.is_clean());
    assert_eq!(*stopped.lock().unwrap(), ["waits", "runs"]);
}

#[test]
fn l4_a_guard_is_asked_for_also_where_the_gate_is_in_scope() {
    use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
    #[allow(unused_imports, reason = "it has a method of the same name")]
    use evenkeel_core::retry::BreakerGate;

    let policy = BreakerPolicy::builder(plain(ms(10)), ms(10));
    let policy = policy.trigger(Trigger::Consecutive { failures: 2 });
    let breaker = evenkeel_tokio::SharedBreaker::new(policy.build().unwrap());
    breaker.try_acquire().unwrap().failure();
    breaker.try_acquire_owned().unwrap().failure();
    assert_eq!(breaker.phase(), Phase::Open);
}
