//! Drivers that are recorded.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::Health;
use evenkeel_core::health::{HealthProbePolicy, Probed};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_replay::journal::Journal;
use evenkeel_std::supervisor::Ended;
use evenkeel_std::{Clock, HealthProbe, Reconnect, Stop, Streams, Supervisor, TestClock};

use super::support::{millis, verified};

#[test]
fn links_that_fail_are_lost_go_silent_and_are_kicked_replay_bit_for_bit() {
    let policy = ReconnectPolicy::builder(BackoffPolicy::builder(millis(100)), millis(1_000));
    let policy = policy.silence_limit(millis(500)).build().unwrap();
    let clock = TestClock::new();
    let (journal, stop) = (Journal::in_memory(), Stop::new());
    let mut tries = 0;
    let there = clock.clone();
    let mut reconnect = Reconnect::new(&policy, |_| {
        tries += 1;
        there.advance(millis(tries % 7 * 200)); // some come too late
        if tries % 3 == 0 {
            Err("refused")
        } else {
            Ok(tries)
        }
    })
    // Recorded before the other settings, which make the line anew.
    .record(&journal, "feed")
    .clock(clock.clone())
    .streams(&Streams::seeded(30))
    .stop(&stop);
    let status = reconnect.status();
    for number in 0..20 {
        let live = reconnect.next_link().unwrap();
        live.on_frame();
        match number % 4 {
            0 => clock.advance(millis(600)), // silent
            1 => live.lost("end of file"),
            2 => {
                live.lost("network is down");
                let _ = status.kick();
            }
            _ => clock.advance(millis(100)), // and dropped
        }
    }
    stop.stop();
    assert!(reconnect.next_link().is_err());
    let verified = verified(&journal);
    assert_eq!(verified.machines, 1, "the one that was made first");
    assert!(verified.ops > 80, "{verified}");
}

#[test]
fn a_health_probe_and_its_traffic_replay_bit_for_bit() {
    let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    let policy = policy.rise(2).fall(2).build().unwrap();
    let (clock, journal) = (TestClock::new(), Journal::in_memory());
    let there = clock.clone();
    let check = move |_| {
        there.advance(millis(1));
        if there.now_ns() < 100_000_000_000 {
            Err(())
        } else {
            Ok(())
        }
    };
    let (told, hears) = channel();
    let probe = HealthProbe::new(&policy, check)
        .record(&journal, "db")
        .clock(clock)
        .on_change(move |change| told.send(change.to).unwrap_or_default())
        .start();
    probe.on_traffic(Probed::Failed);
    assert_eq!(
        [hears.recv(), hears.recv()],
        [Ok(Health::Down), Ok(Health::Up)]
    );
    probe.stop();
    // Its thread may be at work yet: what it decides is recorded as well.
    assert!(verified(&journal).ops > 20);
}

#[test]
fn each_child_of_a_supervisor_is_recorded_under_its_name() {
    let policy = RestartPolicy::builder(BackoffPolicy::builder(millis(10)));
    let policy = policy
        .intensity(3, Duration::from_secs(60))
        .build()
        .unwrap();
    let supervisor = Supervisor::new();
    let journal = Journal::in_memory();
    let polite = |stop: &Stop| -> Result<(), String> {
        stop.wait();
        Ok(())
    };
    supervisor.add("early", &policy, polite).unwrap();
    supervisor.record(&journal);
    let runs = AtomicU32::new(0);
    let fails = move |_: &Stop| match runs.fetch_add(1, Ordering::Relaxed) {
        0 => std::panic::resume_unwind(Box::new("at once")),
        _ => Err("no route"),
    };
    supervisor.add("feed", &policy, fails).unwrap();
    assert!(
        matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.child == "feed")
    );
    supervisor.rearm("feed").unwrap();
    assert!(matches!(supervisor.wait(), Ended::Escalated(_)));
    supervisor.remove("early").unwrap();
    assert!(supervisor.stop(Duration::from_secs(60)).is_clean());
    supervisor.stop_recording();
    let verified = verified(&journal);
    assert_eq!(verified.machines, 2);
    let mut written = Vec::new();
    journal.dump(&mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    for name in ["early", "feed"] {
        assert!(text.contains(&format!("\"name\":\"{name}\"")), "{name}");
    }
    assert!(verified.ops > 15, "{verified}");
}
