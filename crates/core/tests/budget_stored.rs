//! Budgets in files: policies read and written, states stored, taken over, moved to another clock, and refused if no
//! history leads to them.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::budget::{
    AllowedWhen, RetryCause, RetryRatio, RetryRatioPolicy, RetryRatioState, RetryTokens,
    RetryTokensPolicy, RetryTokensState,
};
use evenkeel_core::{Ratio, Rebase};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;
const CAUSE: RetryCause = RetryCause::Failure;

fn survives<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(value: &T) {
    let json = serde_json::to_string(value).expect("JSON");
    assert_eq!(
        &serde_json::from_str::<T>(&json).expect(&json),
        value,
        "{json}"
    );
    let toml = toml::to_string(value).expect("TOML");
    assert_eq!(&toml::from_str::<T>(&toml).expect(&toml), value, "{toml}");
}

/// `honest` with one value replaced, and what is said to it.
fn refused<S: DeserializeOwned, M>(
    honest: &Value,
    path: &str,
    value: &Value,
    restore: impl Fn(S) -> Result<M, evenkeel_core::RestoreError>,
) -> String {
    let mut text = honest.clone();
    *text.pointer_mut(path).expect(path) = value.clone();
    match serde_json::from_value::<S>(text).map(restore) {
        Err(error) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(_)) => panic!("{path} = {value} was taken"),
    }
}

#[test]
fn a_policy_file_of_tokens() {
    let policy: RetryTokensPolicy = toml::from_str(
        "capacity_milli = 500_000\ninitial_milli = 100_000\nfailure_cost_milli = 5_000\ntimeout_cost_milli = 10_000\n\
         throttled_cost_milli = 2_000\ncredit_milli = 1_000\nrefund = true\ndeposit_milli = 10\nrefill_milli = 500\n\
         refill_per = \"250ms\"\nallowed_when = \"covers-cost\"",
    )
    .unwrap();
    let built = RetryTokensPolicy::aws_standard_2_0()
        .initial_milli(100_000)
        .throttled_cost_milli(2_000)
        .deposit_milli(10)
        .refill_milli(500)
        .refill_per(Duration::from_millis(250));
    assert_eq!(Ok(policy), built.build());
    let short: RetryTokensPolicy =
        toml::from_str("capacity_milli = 10_000\nallowed_when = \"above-half\"").unwrap();
    assert_eq!(Ok(short), RetryTokensPolicy::grpc(10, 100).build());
    let error = toml::from_str::<RetryTokensPolicy>("capacity_milli = 10").unwrap_err();
    assert!(error.to_string().contains("one token is 1000"), "{error}");
    assert!(toml::from_str::<RetryTokensPolicy>("capacity_milli = 10_000\ncapacity = 10").is_err());
    assert!(toml::from_str::<RetryTokensPolicy>("").is_err());
}

#[test]
fn a_policy_file_of_a_ratio() {
    let policy: RetryRatioPolicy =
        toml::from_str("ratio = \"51%\"\nttl = \"30s\"\nfloor_per_second = 3\nslices = 15")
            .unwrap();
    assert_eq!((policy.allowance(100), policy.slices()), (141, 15));
    let short: RetryRatioPolicy = toml::from_str("ratio = \"20%\"").unwrap();
    assert_eq!(Ok(short), RetryRatioPolicy::finagle().build());
    let error = toml::from_str::<RetryRatioPolicy>("ratio = 20").unwrap_err();
    assert!(
        error.to_string().contains("retry_ratio.ratio is 20"),
        "{error}"
    );
    assert!(toml::from_str::<RetryRatioPolicy>("ratio = \"20%\"\npercent = 1").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_reads_back(
        amounts in prop::array::uniform8(0..=1_u64 << 62),
        flags in any::<[bool; 2]>(),
        ratio in (0..300_u32, 30..300_u32),
        slice_ns in 1..10_000_u64,
        slices in 1..=16_u32,
        floor in any::<u32>(),
    ) {
        let [capacity, initial, failure, timeout, throttled, credit, deposit, refill] = amounts;
        let rule = if flags[0] { AllowedWhen::AboveHalf } else { AllowedWhen::CoversCost };
        let policy = RetryTokensPolicy::builder(capacity)
            .initial_milli(initial % (capacity + 1))
            .failure_cost_milli(failure)
            .timeout_cost_milli(timeout)
            .throttled_cost_milli(throttled)
            .credit_milli(credit)
            .deposit_milli(deposit)
            .refill_milli(refill)
            .refill_per(Duration::from_nanos(slice_ns))
            .refund(flags[1])
            .allowed_when(rule)
            .build();
        if let Ok(policy) = policy {
            survives(&policy);
        }
        let policy = RetryRatioPolicy::builder(Ratio::new(ratio.0, ratio.1).unwrap())
            .floor_per_second(floor)
            .ttl(Duration::from_nanos(slice_ns * u64::from(slices)))
            .slices(slices)
            .build();
        if let Ok(policy) = policy {
            survives(&policy);
        }
    }
}

fn third() -> RetryTokensPolicy {
    let builder = RetryTokensPolicy::builder(5_000).refill_milli(1);
    builder.refill_per(Duration::from_nanos(3)).build().unwrap()
}

fn used_tokens() -> RetryTokens {
    let mut tokens = RetryTokens::new(third());
    let _ = tokens.try_withdraw(100, CAUSE);
    tokens.on_request(104);
    tokens
}

#[test]
fn a_state_of_tokens_reads_back_and_goes_on() {
    let tokens = used_tokens();
    let text = serde_json::to_value(tokens.state()).unwrap();
    assert_eq!(
        text,
        json!({"version": 1, "clock": 104, "started": true, "balance_milli": 4_001, "gained": 1})
    );
    let state: RetryTokensState = serde_json::from_value(text).unwrap();
    assert_eq!(RetryTokens::restore(third(), state), Ok(tokens));
}

#[test]
fn a_hostile_state_of_tokens_is_refused() {
    let honest = serde_json::to_value(used_tokens().state()).unwrap();
    let refused = |path, value| {
        refused(&honest, path, &value, |state| {
            RetryTokens::restore(third(), state)
        })
    };
    assert!(refused("/version", json!(9)).contains("version 9"));
    assert!(refused("/balance_milli", json!(5_001)).contains("above the capacity"));
    assert!(refused("/balance_milli", json!(u64::MAX)).contains("above the capacity"));
    assert!(refused("/gained", json!(3)).contains("refill"));
    assert!(refused("/gained", json!(u64::MAX)).contains("refill"));
    assert!(refused("/balance_milli", json!(5_000)).contains("full bucket"));
    assert!(refused("/started", json!(false)).contains("first call"));
    // One that was never called: neither has its clock moved nor has it gained.
    for (clock, gained) in [(104, 0), (0, 1)] {
        let early = json!({
            "version": 1, "clock": clock, "started": false, "balance_milli": 4_001, "gained": gained
        });
        let state: RetryTokensState = serde_json::from_value(early).unwrap();
        let error = RetryTokens::restore(third(), state).unwrap_err();
        assert!(
            error.to_string().contains("before its first call"),
            "{clock} {gained}"
        );
    }
    let no_refill = RetryTokensPolicy::builder(5_000).build().unwrap();
    assert!(RetryTokens::restore(no_refill, used_tokens().state()).is_err());
}

#[test]
fn a_bucket_moves_to_another_clock_with_the_time_away() {
    let policy = RetryTokensPolicy::builder(9_000)
        .refill_milli(1_000)
        .build()
        .unwrap();
    let mut tokens = RetryTokens::new(policy);
    for _ in 0..9 {
        let _ = tokens.try_withdraw(50 * SECOND, CAUSE);
    }
    let moved = |now_s: u64, away_s: u64| {
        let rebase = Rebase {
            taken_at_ns: 52 * SECOND,
            now_ns: now_s * SECOND,
            away: Duration::from_secs(away_s),
        };
        RetryTokens::restore_rebased(policy, tokens.state(), rebase).unwrap()
    };
    assert_eq!(moved(52, 0), tokens);
    assert_eq!(moved(1_000, 0).balance_milli(1_000 * SECOND), 2_000);
    assert_eq!(moved(1_000, 3).balance_milli(1_000 * SECOND), 5_000);
    // Also where the new clock is younger than the last call.
    assert_eq!(moved(1, 0).balance_milli(SECOND), 2_000);
    assert_eq!(moved(1, 0).balance_milli(2 * SECOND), 3_000);
    assert_eq!(moved(0, 4).balance_milli(0), 6_000);
    assert_eq!(moved(0, 100).balance_milli(0), 9_000);
    // One that was never asked begins where it is first asked.
    let fresh = RetryTokens::new(policy).state();
    let rebase = Rebase {
        taken_at_ns: 5,
        now_ns: 9 * SECOND,
        away: Duration::MAX,
    };
    assert_eq!(
        RetryTokens::restore_rebased(policy, fresh, rebase)
            .unwrap()
            .state(),
        fresh
    );
}

fn used_ratio() -> RetryRatio {
    let mut ratio = RetryRatio::new(RetryRatioPolicy::finagle().build().unwrap());
    ratio.on_request(3 * SECOND);
    ratio.on_request(7 * SECOND);
    let _ = ratio.try_withdraw(7 * SECOND, CAUSE);
    ratio
}

#[test]
fn a_state_of_a_ratio_reads_back_and_goes_on() {
    let ratio = used_ratio();
    let text = serde_json::to_value(ratio.state()).unwrap();
    assert_eq!(
        text,
        json!({
            "version": 1, "clock": 7 * SECOND,
            "tally": {"index": 7, "sums": {"requests": 2, "others": 1}, "words": [10, 0, 3, 1, 0, 3, (1_u64 << 32) + 1]}
        })
    );
    let state: RetryRatioState = serde_json::from_value(text).unwrap();
    assert_eq!(RetryRatio::restore(*ratio.policy(), state), Ok(ratio));
}

#[test]
fn a_hostile_state_of_a_ratio_is_refused() {
    let policy = RetryRatioPolicy::finagle().build().unwrap();
    let honest = serde_json::to_value(used_ratio().state()).unwrap();
    let refused = |path, value| {
        refused(&honest, path, &value, |state| {
            RetryRatio::restore(policy, state)
        })
    };
    assert!(refused("/version", json!(0)).contains("version 0"));
    assert!(refused("/tally/index", json!(8)).contains("slice"));
    assert!(refused("/clock", json!(8 * SECOND)).contains("slice"));
    assert!(refused("/tally/sums/requests", json!(1)).contains("sums"));
    assert!(refused("/tally/sums/others", json!(2)).contains("sums"));
    let early = json!([10, 0, 3, 1, 0, 3, (1_u64 << 32) + 1, 0, 1, 1]);
    assert!(refused("/tally/words", early).contains("before the first instant"));
    assert!(
        refused("/tally/words", json!([9, 0, 3, 1, 0, 3, (1_u64 << 32) + 1])).contains("slices")
    );
    assert!(refused("/tally/words", json!([1_u64 << 40])).contains("row"));
}

#[test]
fn a_window_full_of_retries_takes_no_more() {
    let builder = RetryRatioPolicy::builder(Ratio::ONE)
        .floor_per_second(u32::MAX)
        .slices(1);
    let policy = builder.ttl(Duration::from_secs(10)).build().unwrap();
    let full = json!({
        "version": 1, "clock": 7, "tally": {
            "index": 0, "sums": {"requests": u32::MAX, "others": u32::MAX - 1},
            "words": [1, u64::MAX - (1 << 32)]
        }
    });
    let state: RetryRatioState = serde_json::from_value(full).unwrap();
    let mut ratio = RetryRatio::restore(policy, state).unwrap();
    assert_eq!(ratio.retries_left(7), 1);
    ratio.on_request(7);
    let last = ratio.try_withdraw(7, CAUSE).unwrap();
    assert_eq!(
        (ratio.requests(7), ratio.retries(7), ratio.retries_left(7)),
        (u32::MAX, u32::MAX, 0)
    );
    let refused = ratio.try_withdraw(7, CAUSE).unwrap_err();
    assert_eq!(refused.retry_at_ns, Some(10 * SECOND));
    assert!(!ratio.give_back(7, last).is_stale());
    assert_eq!(ratio.retries(7), u32::MAX - 1);
}

/// Two slices hold all retries that can be counted, and both ratio and floor would allow more: there is room when the
/// first of them has gone.
#[test]
fn a_full_window_has_room_when_its_first_retries_leave() {
    let builder = RetryRatioPolicy::builder(Ratio::percent(250)).slices(4);
    let policy = builder.ttl(Duration::from_secs(4)).build().unwrap();
    let full = json!({
        "version": 1, "clock": 3 * SECOND, "tally": {
            "index": 3, "sums": {"requests": u32::MAX, "others": u32::MAX},
            "words": [4, 9, 1_u64 << 32 | 4, 0, 1, u64::MAX - (1_u64 << 32 | 13)]
        }
    });
    let state: RetryRatioState = serde_json::from_value(full).unwrap();
    let mut ratio = RetryRatio::restore(policy, state).unwrap();
    for _ in 0..2 {
        let refused = ratio.try_withdraw(3 * SECOND, CAUSE).unwrap_err();
        // One and a half for each, and the floor.
        let left = u64::from(u32::MAX) * 1_500 + 40_000;
        assert_eq!(refused.reason.there_milli, left);
        assert_eq!(refused.retry_at_ns, Some(5 * SECOND));
    }
    assert!(ratio.try_withdraw(5 * SECOND - 1, CAUSE).is_err());
    assert!(ratio.try_withdraw(5 * SECOND, CAUSE).is_ok());
    // The one that has left made room for one.
    let refused = ratio.try_withdraw(5 * SECOND, CAUSE).unwrap_err();
    assert_eq!(refused.retry_at_ns, Some(7 * SECOND));
}

#[test]
fn a_ratio_moves_to_another_clock_by_whole_slices() {
    let ratio = used_ratio();
    let moved = |now_s: u64, away_s: u64| {
        let rebase = Rebase {
            taken_at_ns: 8 * SECOND,
            now_ns: now_s * SECOND,
            away: Duration::from_secs(away_s),
        };
        let moved = RetryRatio::restore_rebased(*ratio.policy(), ratio.state(), rebase).unwrap();
        assert_eq!(
            RetryRatio::restore(*ratio.policy(), moved.state()).as_ref(),
            Ok(&moved)
        );
        let now_ns = now_s * SECOND;
        (moved.requests(now_ns), moved.retries(now_ns))
    };
    assert_eq!(moved(8, 0), (2, 1));
    assert_eq!(moved(500, 0), (2, 1));
    assert_eq!(moved(500, 5), (1, 1));
    assert_eq!(moved(500, 9), (0, 0));
    // What was before 0 on the new clock has gone.
    assert_eq!(moved(4, 0), (1, 1));
    assert_eq!(moved(1, 0), (1, 1));
    assert_eq!(moved(0, 0), (0, 0));
    // And what has left the window by then stays away.
    assert_eq!(moved(12, 9), (0, 0));
    assert_eq!(moved(5, 8), (0, 0));
    assert_eq!(moved(0, 100), (0, 0));
    assert_eq!(moved(u64::MAX / SECOND, 0), (2, 1));
}

/// Whoever stores a state may have read the clock before the last call, or on another thread: that call is not younger
/// than the state.
#[test]
fn a_window_that_has_seen_a_later_instant_was_taken_then() {
    let mut ratio = RetryRatio::new(RetryRatioPolicy::finagle().build().unwrap());
    ratio.on_request(7 * SECOND + SECOND / 2);
    for taken_at_ns in [5 * SECOND, 7 * SECOND + SECOND / 2] {
        let rebase = Rebase {
            taken_at_ns,
            now_ns: 500 * SECOND,
            away: Duration::ZERO,
        };
        let moved = RetryRatio::restore_rebased(*ratio.policy(), ratio.state(), rebase).unwrap();
        // Half a slice had gone: it began at 499.5 s, in slice 499, and leaves with that.
        let requests = [509 * SECOND - 1, 509 * SECOND].map(|now_ns| moved.requests(now_ns));
        assert_eq!(requests, [1, 0], "taken at {taken_at_ns}");
    }
}
