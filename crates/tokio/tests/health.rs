//! The health probe's task: timeouts, panics, traffic, stop and drop, and the breakers it drives, on paused time.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Health, Phase, Trigger};
use evenkeel_core::health::{HealthProbeBuilder, HealthProbePolicy, Probed};
use evenkeel_tokio::{HealthProbe, SharedBreaker, Streams};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Each 10 s, 1 s of time; two passed are up, two failed are down.
fn builder() -> HealthProbeBuilder {
    HealthProbePolicy::builder(secs(10), secs(1))
        .rise(2)
        .fall(2)
}

fn policy() -> HealthProbePolicy {
    builder().build().unwrap()
}

/// The same on the stroke of 10 s: where a test counts the checks, jitter must not add one.
fn steady() -> HealthProbePolicy {
    builder().jitter(Jitter::None).build().unwrap()
}

fn breaker() -> SharedBreaker {
    let open = BackoffPolicy::builder(secs(1))
        .cap(secs(1))
        .jitter(Jitter::None);
    let policy =
        BreakerPolicy::builder(open, secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    SharedBreaker::new(policy.until_healthy(true).build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn it_drives_breakers_through_an_outage() {
    let up = Arc::new(AtomicBool::new(false));
    let breakers = [breaker(), breaker()];
    for breaker in &breakers {
        let _ = breaker.call(async { Err::<(), _>("no answer") }).await;
    }
    let (begun, changes) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let probe = HealthProbe::new(&policy(), {
        let up = Arc::clone(&up);
        move |checking| {
            assert_eq!(checking.timeout(), secs(1));
            let up = up.load(Ordering::Relaxed);
            async move { if up { Ok(()) } else { Err("down") } }
        }
    });
    let mut probe = probe.on_change({
        let changes = Arc::clone(&changes);
        move |change| changes.lock().unwrap().push((change.to, begun.elapsed()))
    });
    for breaker in &breakers {
        probe = probe.breaker(breaker);
    }
    let probe = probe.start();
    let mut watch = probe.watch();
    sleep(secs(60)).await;
    assert_eq!(probe.health(), Some(Health::Down));
    assert!(
        breakers
            .iter()
            .all(|breaker| breaker.phase() == Phase::Open),
        "nothing was asked"
    );
    up.store(true, Ordering::Relaxed);
    watch
        .wait_for(|health| *health == Some(Health::Up))
        .await
        .unwrap();
    assert!(
        breakers
            .iter()
            .all(|breaker| breaker.phase() == Phase::HalfOpen)
    );
    let told = changes.lock().unwrap().clone();
    assert_eq!(
        told.iter().map(|told| told.0).collect::<Vec<_>>(),
        [Health::Down, Health::Up]
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_or_panics_has_failed() {
    for panics in [false, true] {
        let checks = Arc::new(AtomicU32::new(0));
        let under_way = Arc::new(());
        let probe = HealthProbe::new(&steady(), {
            let (checks, under_way) = (Arc::clone(&checks), Arc::clone(&under_way));
            move |_| {
                checks.fetch_add(1, Ordering::Relaxed);
                let under_way = Arc::clone(&under_way);
                async move {
                    let _under_way = under_way;
                    assert!(!panics, "the check panics");
                    std::future::pending::<Result<(), String>>().await
                }
            }
        });
        let probe = probe.start();
        sleep(Duration::from_millis(1_001)).await;
        assert_eq!(checks.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&under_way), 2, "dropped at its time");
        sleep(secs(30)).await;
        assert_eq!(probe.health(), Some(Health::Down), "panics: {panics}");
        assert!(checks.load(Ordering::Relaxed) >= 2);
        assert!(
            Arc::strong_count(&under_way) <= 3,
            "one at most, and none after its time"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn stop_and_drop_end_the_check_and_the_task_at_once() {
    for by_token in [false, true] {
        let (under_way, stop) = (Arc::new(()), CancellationToken::new());
        let probe = HealthProbe::new(&policy(), {
            let under_way = Arc::clone(&under_way);
            move |_| {
                let under_way = Arc::clone(&under_way);
                async move {
                    let _under_way = under_way;
                    std::future::pending::<Result<(), String>>().await
                }
            }
        });
        let probe = probe.stop(&stop).start();
        sleep(Duration::from_millis(500)).await;
        assert_eq!(Arc::strong_count(&under_way), 3);
        if by_token {
            stop.cancel();
        } else {
            probe.stop();
            assert!(!stop.is_cancelled(), "it is not its own");
        }
        sleep(Duration::from_millis(1)).await;
        assert_eq!(Arc::strong_count(&under_way), 1, "by_token: {by_token}");
    }
}

#[tokio::test(start_paused = true)]
async fn traffic_counts_and_is_told() {
    let breaker = breaker();
    let probe = HealthProbe::new(&policy(), |_| std::future::pending::<Result<(), String>>());
    let probe = probe.breaker(&breaker).start();
    sleep(Duration::from_millis(10)).await; // it waits now
    let (begun, mut watch) = (Instant::now(), probe.watch());
    for found in [Probed::Passed, Probed::Passed] {
        probe.on_traffic(found);
    }
    watch
        .wait_for(|health| *health == Some(Health::Up))
        .await
        .unwrap();
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "at once, not with the next probe"
    );
    let _ = breaker.call(async { Err::<(), _>("no answer") }).await;
    sleep(secs(1)).await;
    assert_eq!(
        breaker.phase(),
        Phase::HalfOpen,
        "healthy, it does not wait for a probe"
    );
}

#[tokio::test(start_paused = true)]
async fn one_seed_probes_at_the_same_instants_and_two_probes_do_not() {
    let instants = async |streams: &Streams| {
        let (begun, instants) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let probe = HealthProbe::new(&policy(), {
            let instants = Arc::clone(&instants);
            move |_| {
                instants.lock().unwrap().push(begun.elapsed());
                async { Ok::<(), String>(()) }
            }
        });
        let probe = probe.streams(streams).start();
        sleep(secs(600)).await;
        probe.stop();
        let instants = instants.lock().unwrap();
        assert!((54..70).contains(&instants.len()), "{}", instants.len());
        instants.clone()
    };
    let streams = Streams::seeded(1);
    let one = instants(&streams).await;
    assert_ne!(one, instants(&streams).await);
    let again = instants(&Streams::seeded(1)).await;
    // Timers are of a millisecond, and are rounded from where the clock stood.
    let near = |pair: (&Duration, &Duration)| {
        pair.0.abs_diff(*pair.1) <= Duration::from_millis(one.len() as u64)
    };
    assert!(one.len() == again.len() && one.iter().zip(&again).all(near));
}

#[test]
fn a_runtime_that_shuts_down_leaves_the_last_verdict() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    let under_way = Arc::new(());
    let probe = runtime.block_on(async {
        let hold = Arc::clone(&under_way);
        let check = move |_| {
            let hold = Arc::clone(&hold);
            async move {
                let _hold = hold;
                sleep(Duration::from_millis(500)).await;
                Err("down")
            }
        };
        let probe = HealthProbe::new(&policy(), check).start();
        sleep(secs(40)).await;
        probe
    });
    drop(runtime);
    assert_eq!(probe.health(), None, "nobody asks any more");
    assert!(probe.watch().has_changed().is_err(), "closed");
    assert_eq!(*probe.watch().borrow(), None);
    assert_eq!(
        Arc::strong_count(&under_way),
        1,
        "the check and its maker are gone"
    );
    probe.stop();
}
