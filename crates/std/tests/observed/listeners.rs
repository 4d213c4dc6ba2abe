//! Links, health probes, supervisors, budgets and throttles: what is shown and told of them.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::Health;
use evenkeel_core::budget::{RetryCause, RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_std::supervisor::Ended;
use evenkeel_std::{
    HealthProbe, MonotonicClock, Reconnect, SharedRatio, SharedThrottle, SharedTokens, Streams,
    Supervisor, TestClock,
};
use metrics::with_local_recorder;
use tracing::Level;
use tracing::dispatcher::with_default;

use crate::recorder::Recorded;
use crate::subscriber::Lines;
use crate::unthreaded;

#[test]
fn a_link_is_up_from_its_first_frame_until_it_is_lost() {
    let (lines, recorded) = (Lines::default(), Recorded::default());
    let observer = with_default(&lines.subscriber(Level::INFO), unthreaded);
    let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(5))
        .build()
        .expect("a policy");
    let clock = TestClock::new();
    let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(clock);
    let status = reconnect.status();
    with_local_recorder(&recorded, || observer.link("feed", move || status.now()));
    let up = || recorded.value("evenkeel_link_up{link=feed}");
    assert_eq!(up(), 0.0);
    let live = reconnect.next_link().expect("a link");
    live.on_frame();
    observer.publish();
    assert_eq!(up(), 1.0);
    live.lost("closed by the server");
    observer.publish();
    observer.publish(); // told once
    assert_eq!(
        (up(), recorded.value("evenkeel_link_attempt{link=feed}")),
        (0.0, 1.0)
    );
    let told = [
        r#"INFO evenkeel::link: link is up name="feed" phase="connected" attempt=0 at_ns=0"#,
        r#"WARN evenkeel::link: link is down name="feed" phase="waiting" attempt=1 at_ns=0 why="closed by the server""#,
    ];
    assert_eq!(lines.all(), told);
}

#[test]
fn a_probe_tells_its_changes() {
    let (lines, recorded) = (Lines::default(), Recorded::default());
    let observer = with_default(&lines.subscriber(Level::INFO), unthreaded);
    let listener = with_local_recorder(&recorded, || observer.health("database"));
    let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    let policy = policy.rise(1).fall(1).build().expect("a policy");
    let (changes, changed) = std::sync::mpsc::channel();
    let mut answers = [Ok(()), Err("refused"), Ok(())].into_iter();
    let _probe = HealthProbe::new(&policy, move |_| {
        answers.next().unwrap_or_else(|| {
            loop {
                std::thread::park();
            }
        })
    })
    .clock(TestClock::new())
    .on_change(listener)
    .on_change(move |change| {
        let _ = changes.send(change.to);
    })
    .start();
    let heard: Vec<_> = changed.iter().take(3).collect();
    assert_eq!(heard, [Health::Up, Health::Down, Health::Up]);
    observer.publish();
    assert_eq!(recorded.value("evenkeel_health_up{probe=database}"), 1.0);
    let lines = lines.all();
    assert_eq!(
        lines[0],
        r#"INFO evenkeel::health: up name="database" at_ns=0"#
    );
    assert!(
        lines[1].starts_with(r#"WARN evenkeel::health: down name="database""#),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_supervisor_tells_of_its_children() {
    let (lines, recorded) = (Lines::default(), Recorded::default());
    let observer = with_default(&lines.subscriber(Level::INFO), unthreaded);
    let listener = with_local_recorder(&recorded, || observer.supervisor("workers"));
    let backoff = BackoffPolicy::builder(Duration::from_millis(5)).jitter(Jitter::None);
    let policy = RestartPolicy::builder(backoff).intensity(2, Duration::from_secs(600));
    let policy = policy.build().expect("a policy");
    let supervisor = Supervisor::with(MonotonicClock, &Streams::seeded(7), listener);
    supervisor
        .add("feed", &policy, |_stop| Err("no route to host"))
        .expect("a new child");
    supervisor
        .add("calm", &policy, |stop| {
            stop.wait();
            Ok::<_, String>(())
        })
        .expect("a new child");
    assert!(matches!(supervisor.wait(), Ended::Escalated(_)));
    // When it is over, the listener has heard all.
    assert!(supervisor.stop(Duration::from_secs(30)).is_clean());
    with_local_recorder(&recorded, || observer.publish());
    let of = |name, child| {
        recorded.value(&format!(
            "evenkeel_supervisor_{name}{{supervisor=workers,child={child}}}"
        ))
    };
    assert_eq!(
        [of("restarts_total", "feed"), of("restarts_total", "calm")],
        [2.0, 0.0]
    );
    assert_eq!([of("child_up", "feed"), of("child_up", "calm")], [0.0, 0.0]);
    let lines = lines.all();
    let failed = lines
        .iter()
        .filter(|line| line.contains("child failed name="))
        .count();
    assert_eq!(failed, 3, "{lines:#?}");
    let escalated =
        r#"ERROR evenkeel::supervisor: child failed too often name="workers" child="feed""#;
    let escalated: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with(escalated))
        .collect();
    assert_eq!(escalated.len(), 1, "{lines:#?}");
    assert!(
        escalated[0]
            .ends_with("why=feed failed 3 times within 600s, 2 are allowed: no route to host")
    );
}

#[test]
fn budgets_and_throttles_show_how_they_stand() {
    let (recorded, observer, clock) = (Recorded::default(), unthreaded(), TestClock::new());
    let tokens = RetryTokensPolicy::builder(10_000)
        .build()
        .expect("a policy");
    let tokens = SharedTokens::with_clock(tokens, clock.clone());
    let ratio = RetryRatioPolicy::builder(Ratio::percent(20))
        .floor_per_second(0)
        .build();
    let ratio = SharedRatio::with_clock(ratio.expect("a policy"), clock.clone());
    let throttle = AdaptiveThrottlePolicy::builder().build().expect("a policy");
    let throttle = SharedThrottle::with_clock(throttle, clock, &Streams::seeded(7));
    with_local_recorder(&recorded, || {
        observer.tokens("bucket", &tokens);
        observer.ratio("share", &ratio);
        observer.throttle("api", &throttle);
    });
    assert_eq!(
        recorded.value("evenkeel_retry_budget_balance{budget=bucket}"),
        10.0
    );
    drop(tokens.try_withdraw(RetryCause::Failure));
    (0..10).for_each(|_| ratio.on_request());
    (0..50).for_each(|_| {
        let _ = throttle.try_request();
    });
    (0..5).for_each(|_| throttle.on_accepted());
    observer.publish();
    assert_eq!(
        recorded.value("evenkeel_retry_budget_balance{budget=bucket}"),
        9.0
    );
    assert_eq!(
        recorded.value("evenkeel_retry_budget_retries_left{budget=share}"),
        2.0
    );
    let of = |name| recorded.value(&format!("evenkeel_throttle_{name}{{throttle=api}}"));
    assert_eq!([of("requests"), of("accepts")], [50.0, 5.0]);
    let p = throttle.reject_probability();
    let expected = p.numerator() as f64 / p.denominator() as f64;
    assert!(
        expected > 0.5 && of("reject_probability") == expected,
        "{expected}"
    );
}
