//! What is said of the worst case, against the machines themselves running through it.

use evenkeel_core::breaker::Health;
use evenkeel_core::budget::{RetryCause, RetryRatio, RetryTokens};
use evenkeel_core::health::{HealthProbe, ProbeAction, Probed};
use evenkeel_core::restart::{Exit, Restart, RestartAction};
use evenkeel_core::retry::{AttemptOutcome, Parts, Retry, RetryAction};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

use super::{amplification, retry};
use crate::policy::Policies;

const SECOND: u64 = 1_000_000_000;

fn read(policy: &str) -> Policies {
    toml::from_str(policy).unwrap()
}

#[test]
fn an_operation_makes_as_many_attempts_as_it_is_said_to() {
    let mut rng = SplitMix64::seed_from_u64(1);
    for (limits, attempts) in [
        ("max_attempts = 4\n", 4),
        ("unlimited_attempts = true\ndeadline = \"10s\"\n", 10),
        ("max_attempts = 9\ndeadline = \"2500ms\"\n", 3),
    ] {
        let steady = "backoff = { base = \"1s\", growth = \"constant\", jitter = \"none\" }";
        let policy = read(&format!("[retry]\n{limits}{steady}")).retry.unwrap();
        assert_eq!(retry::attempts_at_most(&policy), Some(attempts));
        let mut operation = Retry::new(&policy, 0);
        let mut parts = Parts::none();
        let (mut now_ns, mut made) = (0, 0);
        loop {
            match operation.poll(now_ns, &mut parts, &mut rng).action {
                RetryAction::Attempt { attempt, .. } => {
                    made += 1;
                    let failed = AttemptOutcome::transient(RetryCause::Failure);
                    let _ = operation.on_outcome(now_ns, attempt, failed, &mut parts, &mut rng);
                }
                RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
                _ => break,
            }
        }
        assert_eq!(made, attempts, "{limits}");
    }
}

#[test]
fn a_full_bucket_pays_for_as_many_retries_as_it_is_said_to() {
    for keys in [
        "capacity_milli = 50_000\n",
        "capacity_milli = 50_999\nfailure_cost_milli = 7_000\ntimeout_cost_milli = 9_000\n\
         throttled_cost_milli = 8_000\n",
        "capacity_milli = 10_000\nallowed_when = \"above-half\"\n",
        "capacity_milli = 10_001\nallowed_when = \"above-half\"\n",
        "capacity_milli = 11_003\nallowed_when = \"above-half\"\nfailure_cost_milli = 1\n",
    ] {
        let policy = read(&format!("[retry_tokens]\n{keys}"))
            .retry_tokens
            .unwrap();
        let mut tokens = RetryTokens::new(&policy);
        let mut paid = 0;
        while tokens.try_withdraw(0, RetryCause::Failure).is_ok() {
            paid += 1;
        }
        assert_eq!(paid, amplification::burst(&policy), "{keys}");
    }
    // Then a fifth, by deposits.
    let keys = "capacity_milli = 50_000\ndeposit_milli = 200\n";
    let policy = read(&format!("[retry_tokens]\n{keys}"))
        .retry_tokens
        .unwrap();
    let mut tokens = RetryTokens::new(&policy);
    let mut paid = 0;
    for _ in 0..10_000 {
        tokens.on_request(0);
        paid += u64::from(tokens.try_withdraw(0, RetryCause::Failure).is_ok());
    }
    assert!((2_000..=2_050).contains(&paid), "{paid}");
}

/// 100 operations a second, each of which wants two retries: never more than a fifth and ten a second, but for the
/// floor of one span at the start.
#[test]
fn a_ratio_allows_what_it_is_said_to() {
    for seconds in [60, 600] {
        let policy = read("[retry_ratio]\nratio = \"20%\"\n")
            .retry_ratio
            .unwrap();
        let mut budget = RetryRatio::new(&policy);
        let mut retries = 0;
        for n in 0..seconds * 100 {
            let now_ns = n * SECOND / 100;
            budget.on_request(now_ns);
            for _ in 0..2 {
                retries += u64::from(budget.try_withdraw(now_ns, RetryCause::Failure).is_ok());
            }
        }
        let said = seconds * 100 / 5 + seconds * 10;
        assert!((said - 100..=said + 100).contains(&retries), "{retries}");
    }
}

#[test]
fn it_escalates_when_it_is_said_to() {
    let mut rng = SplitMix64::seed_from_u64(1);
    let policy = "[restart]\nbackoff = { base = \"100ms\", jitter = \"none\" }\n\
                  intensity = { max_restarts = 5, window = \"10m\" }\n";
    let mut task = Restart::new(read(policy).restart.unwrap());
    let (mut now_ns, mut starts) = (0, 0);
    loop {
        match task.poll(now_ns) {
            RestartAction::Start { run } => {
                starts += 1;
                let _ = task.on_exit(now_ns, run, Exit::Failure, &mut rng);
            }
            RestartAction::WaitUntil { at_ns } => now_ns = at_ns,
            _ => break,
        }
    }
    // The first start is no restart; 100 + 200 + 400 + 800 + 1,600 ms.
    assert_eq!((starts - 1, now_ns), (5, 3_100_000_000));
}

/// Up at first; an outage right after a probe passed, in which probes hang; it ends just after a probe was sent.
#[test]
fn an_outage_is_noticed_when_it_is_said_to_be() {
    let mut rng = SplitMix64::seed_from_u64(1);
    let policy = "[health_probe]\ninterval = \"10s\"\ntimeout = \"1s\"\njitter = \"none\"\n\
                  down = { base = \"4s\", cap = \"30s\", jitter = \"none\" }\n";
    let mut probe = HealthProbe::new(read(policy).health_probe.unwrap());
    let (mut now_ns, mut began_ns, mut ended_ns, mut noticed) = (0, None, None, Vec::new());
    while noticed.len() < 2 {
        let change = match probe.poll(now_ns, &mut rng) {
            ProbeAction::Send { probe: id, .. } if began_ns.is_none() || ended_ns.is_some() => {
                let change = probe.on_report(now_ns, id, Probed::Passed).change;
                if probe.health(now_ns) == Some(Health::Up) && began_ns.is_none() {
                    began_ns = Some(now_ns);
                    None
                } else {
                    change
                }
            }
            // One that hangs; after ten minutes it is the last.
            ProbeAction::Send { .. } => {
                ended_ns = (now_ns > 600 * SECOND).then_some(now_ns);
                None
            }
            ProbeAction::Abandon { change, .. } => change,
            _ => {
                now_ns = probe.next_deadline_ns().unwrap();
                None
            }
        };
        noticed.extend(change.map(|change| change.at_ns));
    }
    // 3 x (10 + 1) s; the hanging probe, the wait at the cap, and the first wait again.
    assert_eq!(noticed[0] - began_ns.unwrap(), 33 * SECOND);
    assert_eq!(noticed[1] - ended_ns.unwrap(), (1 + 30 + 4) * SECOND);
    let said = super::explain(&read(policy), "p.toml", 80, false);
    assert!(said.contains("noticed after 33 s at the latest"), "{said}");
    assert!(said.contains("noticed after 35 s at the latest"), "{said}");
}
