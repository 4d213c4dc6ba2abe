//! The example `axum_service`, with a shorter script: what its clients are told, what its scraper gets, and that the
//! code on docs/service.md is its code.
#![cfg(feature = "http")]

use std::fs;
use std::path::Path;
use std::time::Duration;

#[path = "../examples/axum_service/faults.rs"]
mod faults;
#[path = "../examples/axum_service/load.rs"]
mod load;
#[path = "../examples/axum_service/run.rs"]
mod run;
#[path = "../examples/axum_service/service.rs"]
mod service;

/// Real servers and real time: what is asserted leaves room for a machine under load.
#[tokio::test]
async fn clients_are_answered_or_told_when_to_come_back() {
    let (told, metrics) = run::run(Duration::from_millis(400))
        .await
        .expect("servers on loopback");
    let count = |scene, path, status, when| told.get(&(scene, path, status, when)).copied();
    let (works, hangs, works_again) = (0, 3, 4);
    assert!(count(works, "/orders/7", 200, false) > Some(0));
    // While the upstream hangs nobody waits for it: the breaker answers, and says when.
    assert!(count(hangs, "/orders/7", 503, true) > Some(0), "{told:?}");
    assert!(
        count(works_again, "/orders/7", 200, false) > Some(0),
        "{told:?}"
    );
    // Breakers and throttle say when to come back.
    let unsaid = |(_, _, status, when): &(_, _, u16, bool)| *status == 503 && !*when;
    assert!(!told.keys().any(unsaid), "{told:?}");

    let lines = run::told(&metrics);
    let opened =
        "evenkeel_breaker_transitions_total{breaker=\"upstream\",from=\"closed\",to=\"open\"";
    assert!(
        lines.iter().any(|line| line.starts_with(opened)),
        "{metrics}"
    );
    for counted in [
        "evenkeel_retry_attempts_total{operation=\"upstream\"",
        "evenkeel_throttle_requests{throttle=\"upstream\"",
    ] {
        assert!(metrics.contains(counted), "{counted} in {metrics}");
    }
    // One state is 1; the others are there, and 0.
    let state = |line: &&str| line.starts_with("evenkeel_breaker_state{breaker=\"upstream\"");
    let states: Vec<_> = metrics.lines().filter(state).collect();
    assert_eq!(states.len(), 3, "{metrics}");
    assert_eq!(
        states.iter().filter(|line| line.ends_with(" 1")).count(),
        1,
        "{metrics}"
    );
}

#[test]
fn the_code_of_the_page_is_the_code_that_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path| fs::read_to_string(root.join(path)).expect("a file of the project");
    let source = read("crates/tower/examples/axum_service/service.rs");
    let page = read("docs/service.md");
    let blocks: Vec<_> = page.split("```rust\n").skip(1).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let block = block.split("```").next().unwrap_or("");
        assert!(source.contains(block), "not in service.rs:\n{block}");
    }
}
