//! The health probe's thread: whom it tells and when, panics of a check, stops, a breaker that waits for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Health, Phase, Trigger};
use evenkeel_core::health::{HealthProbeBuilder, HealthProbePolicy, Probed};
use evenkeel_std::{Clock, HealthProbe, SharedBreaker, Stop, TestClock};

const MS: u64 = 1_000_000;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Each 10 s, 1 s for a check, two in a row make a verdict.
fn policy() -> HealthProbeBuilder {
    let builder = HealthProbePolicy::builder(ms(10_000), ms(1_000)).jitter(Jitter::None);
    builder.rise(2).fall(2)
}

#[test]
fn a_breaker_that_waits_for_health_gets_it_and_listeners_hear_each_change_once() {
    let open = BackoffPolicy::builder(ms(1_000)).jitter(Jitter::None);
    let builder =
        BreakerPolicy::builder(open, ms(5_000)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker_policy = builder.until_healthy(true).build().expect("a policy");
    let clock = TestClock::new();
    let breaker = SharedBreaker::builder(breaker_policy)
        .clock(clock.clone())
        .build();
    breaker.try_acquire().expect("it is closed").failure();
    clock.advance(ms(60_000));
    assert_eq!(
        breaker.phase(),
        Phase::Open,
        "nobody has said that it is up"
    );

    let (told, hears) = channel();
    // Down until 200 s, then up.
    let there = clock.clone();
    let check = move |_| {
        if there.now_ns() < 200_000 * MS {
            Err("refused")
        } else {
            Ok(())
        }
    };
    let (seen, sees) = channel();
    let watched = breaker.clone();
    let probe = HealthProbe::new(&policy().build().expect("a policy"), check)
        .clock(clock)
        .breaker(&breaker)
        .on_change(move |change| told.send((change.from, change.to)).unwrap_or_default())
        .on_change(move |change| seen.send((change.to, watched.phase())).unwrap_or_default())
        .start();
    let changes = [hears.recv(), hears.recv()].map(|change| change.expect("it runs"));
    assert_eq!(
        changes,
        [(None, Health::Down), (Some(Health::Down), Health::Up)]
    );
    // The breaker is told before the listeners are.
    let phases = [sees.recv(), sees.recv()].map(|seen| seen.expect("it runs"));
    assert_eq!(
        phases,
        [(Health::Down, Phase::Open), (Health::Up, Phase::HalfOpen)]
    );
    assert_eq!(probe.health(), Some(Health::Up));
    probe.stop();
    assert!(
        hears.recv().is_err(),
        "nothing more, and the thread is gone"
    );
}

#[test]
fn a_panic_of_a_check_is_a_failed_probe_and_one_of_a_listener_harms_nobody() {
    let (told, hears) = channel();
    let check = |_| -> Result<(), String> { panic!("a bug in the check") };
    let probe = HealthProbe::new(&policy().build().expect("a policy"), check)
        .clock(TestClock::new())
        .on_change(|_| panic!("a bug in the listener"))
        .on_change(move |change| told.send(change.to).unwrap_or_default())
        .start();
    assert_eq!(hears.recv(), Ok(Health::Down));
    drop(probe);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bug in a drop");
    }
}

#[test]
fn what_a_check_or_a_listener_leaves_behind_ends_no_probe() {
    let ((told, hears), mut checks) = (channel(), 0);
    let check = move |_| {
        checks += 1;
        match checks {
            1 => Err(Bomb),
            2 => std::panic::panic_any(Bomb),
            _ => Ok(()),
        }
    };
    let probe = HealthProbe::new(&policy().build().expect("a policy"), check)
        .clock(TestClock::new())
        .on_change(|_| std::panic::panic_any(Bomb))
        .on_change(move |change| told.send(change.to).unwrap_or_default())
        .start();
    assert_eq!(hears.recv(), Ok(Health::Down));
    assert_eq!(hears.recv(), Ok(Health::Up));
    drop(probe);
}

#[test]
fn a_check_that_takes_too_long_has_failed_whatever_it_found() {
    let clock = TestClock::new();
    let (there, (told, hears)) = (clock.clone(), channel());
    let check = move |checking: evenkeel_std::health::Checking| {
        assert_eq!(checking.timeout(), ms(1_000));
        there.advance(ms(1_000)); // at the very instant is too late
        Ok::<_, String>(())
    };
    let builder = policy().fall(1);
    let probe = HealthProbe::new(&builder.build().expect("a policy"), check)
        .clock(clock)
        .on_change(move |change| told.send((change.at_ns, change.to)).unwrap_or_default())
        .start();
    assert_eq!(hears.recv(), Ok((1_000 * MS, Health::Down)));
    drop(probe);
}

#[test]
fn traffic_counts_and_is_told_by_the_probes_thread() {
    let day = HealthProbePolicy::builder(ms(86_400_000), ms(1_000))
        .fall(2)
        .rise(1);
    let (told, hears) = channel();
    let (checks, checked) = sync_channel(1);
    let check = move |_| {
        let _ = checks.send(());
        Ok::<_, String>(())
    };
    let probe = HealthProbe::new(&day.build().expect("a policy"), check)
        .on_change(move |change| told.send(change.to).unwrap_or_default())
        .start();
    checked.recv().expect("the first check is made at once");
    assert_eq!(hears.recv(), Ok(Health::Up));
    // The next probe is due in up to a day; the traffic shows it sooner.
    probe.on_traffic(Probed::Failed);
    probe.on_traffic(Probed::Failed);
    assert_eq!(hears.recv(), Ok(Health::Down));
}

#[test]
fn a_stop_ends_its_wait_at_once_and_a_handles_drop_stops_no_token_of_yours() {
    let day = HealthProbePolicy::builder(ms(86_400_000), ms(1_000))
        .build()
        .expect("a policy");
    let stop = Stop::new();
    for by_token in [false, true] {
        let (told, hears) = channel::<()>();
        let (checks, checked) = sync_channel(1);
        let probe = HealthProbe::new(&day, move |_| checks.send(()))
            .stop(&stop)
            .on_change(move |_| told.send(()).unwrap_or_default())
            .start();
        checked.recv().expect("the first check is made at once");
        if by_token {
            stop.stop();
            assert!(
                hears.recv().is_err(),
                "the thread is gone, and with it the listener"
            );
            drop(probe);
        } else {
            drop(probe);
            assert!(
                hears.recv().is_err(),
                "the thread is gone, and with it the listener"
            );
            assert!(!stop.is_stopped());
        }
    }
}

#[test]
fn probes_are_at_the_instants_that_core_says() {
    let clock = TestClock::new();
    let (there, (told, hears)) = (clock.clone(), channel());
    let checks = AtomicU32::new(0);
    let stop = Stop::new();
    let own = stop.clone();
    let check = move |_| {
        let _ = told.send(there.now_ns() / MS);
        if checks.fetch_add(1, Ordering::Relaxed) == 3 {
            own.stop();
        }
        Ok::<_, String>(())
    };
    let probe = HealthProbe::new(&policy().build().expect("a policy"), check)
        .clock(clock)
        .stop(&stop)
        .start();
    assert_eq!(
        hears.iter().collect::<Vec<_>>(),
        [0, 10_000, 20_000, 30_000]
    );
    drop(probe);
}
