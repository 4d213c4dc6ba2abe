//! docs/observability.md and the code say the same names, types and labels.

use std::collections::BTreeSet;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::{Restart, RestartAction, RestartPolicy};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_std::supervisor::{ChildEvent, ChildEventKind};
use evenkeel_std::{
    Reconnect, SharedBreakerTable, SharedRatio, SharedThrottle, SharedTokens, TestClock,
};
use metrics::{Unit, with_local_recorder};
use std::time::Duration;

use crate::recorder::Recorded;
use crate::{breaker, two_failures, unthreaded};

/// One of everything, each name once.
fn everything() -> Recorded {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    with_local_recorder(&recorded, || {
        observer.breaker("a", &breaker(&TestClock::new()));
        let policy = two_failures().build().expect("a policy");
        let policy = BreakerTablePolicy::builder(policy, 9, Duration::from_secs(60)).build();
        observer.breaker_table(
            "b",
            &SharedBreakerTable::<u64>::new(policy.expect("a policy")),
        );
        let tokens = RetryTokensPolicy::builder(1_000).build();
        observer.tokens("c", &SharedTokens::new(tokens.expect("a policy")));
        let ratio = RetryRatioPolicy::builder(Ratio::percent(20)).build();
        observer.ratio("d", &SharedRatio::new(ratio.expect("a policy")));
        let throttle = AdaptiveThrottlePolicy::builder().build();
        observer.throttle("e", &SharedThrottle::new(throttle.expect("a policy")));
        let _ = observer.retry("f");
        let backoff = || BackoffPolicy::builder(Duration::from_secs(1));
        let policy = ReconnectPolicy::builder(backoff(), Duration::from_secs(5)).build();
        let reconnect = Reconnect::new(&policy.expect("a policy"), |_| Ok::<_, String>(()));
        let status = reconnect.status();
        observer.link("g", move || status.now());
        let _ = observer.health("h");
        let mut restart =
            Restart::new(RestartPolicy::builder(backoff()).build().expect("a policy"));
        let RestartAction::Start { run } = restart.poll(0) else {
            panic!("it starts at once");
        };
        let mut listener = observer.supervisor("i");
        listener(&ChildEvent::new(
            "j".into(),
            0,
            ChildEventKind::Started { run },
        ));
        observer.publish();
    });
    recorded
}

#[test]
fn the_docs_name_what_is_registered_and_nothing_else() {
    let text = include_str!("../../../../docs/observability.md");
    let rows = text.lines().filter(|line| line.starts_with("| `evenkeel_"));
    let documented: BTreeSet<_> = rows
        .map(|row| {
            let cells: Vec<_> = row
                .split('|')
                .map(|cell| cell.trim().replace('`', ""))
                .collect();
            format!("{} {} {}", cells[2], cells[1], cells[3].replace(", ", ","))
        })
        .collect();
    let registered: BTreeSet<_> = everything().shapes().into_iter().collect();
    assert_eq!(documented, registered);
}

#[test]
fn names_follow_the_conventions_of_prometheus() {
    let recorded = everything();
    for shape in recorded.shapes() {
        let (kind, rest) = shape.split_once(' ').expect("a kind");
        let name = rest.split(' ').next().expect("a name");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{shape}");
        let unit = if name.ends_with("_seconds") {
            Unit::Seconds
        } else {
            Unit::Count
        };
        assert_eq!(recorded.unit(name), Some(unit), "{shape}");
    }
}
