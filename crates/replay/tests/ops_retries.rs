//! Calls and answers of what retries are made of as values: what they look like, and that nothing of them is lost.

#[cfg(feature = "std")]
#[path = "ops_common/by_methods.rs"]
mod by_methods;
#[path = "ops_common/json.rs"]
mod json;
#[path = "ops_common/made_up.rs"]
mod made_up;

use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::retry::Retry;
use evenkeel_core::throttle::AdaptiveThrottle;
use evenkeel_replay::{
    Change, Machine, Verdict, adaptive_throttle, retry, retry_ratio, retry_tokens,
};

use json::reads;
use made_up::made_up;

#[test]
fn retry_tokens_calls_survive() {
    let [ops, answers] = made_up::<RetryTokens>();
    let names = "balance_milli give_back on_request on_success try_withdraw";
    assert_eq!(ops, names);
    assert_eq!(answers, "balance-milli done given-back refused withdrawn");
}

#[test]
fn retry_ratio_calls_survive() {
    let [ops, answers] = made_up::<RetryRatio>();
    let names = "give_back on_request on_success requests retries retries_left try_withdraw";
    assert_eq!(ops, names);
    let names = "done given-back refused requests retries retries-left withdrawn";
    assert_eq!(answers, names);
}

#[test]
fn adaptive_throttle_calls_survive() {
    let [ops, answers] = made_up::<AdaptiveThrottle>();
    let names = "accepts on_accepted reject_probability requests try_request";
    assert_eq!(ops, names);
    let names = "accepts done granted refused reject-probability requests";
    assert_eq!(answers, names);
}

#[test]
fn retry_calls_survive() {
    let [ops, answers] = made_up::<Retry>();
    let names = "attempts begin cancel deadline_at_ns end in_flight on_outcome poll";
    assert_eq!(ops, names);
    let names = "attempts begun deadline-at-ns end in-flight report step";
    assert_eq!(answers, names);
}

#[test]
fn they_are_named_as_in_policy_files() {
    let names = [
        RetryTokens::NAME,
        RetryRatio::NAME,
        AdaptiveThrottle::NAME,
        Retry::NAME,
    ];
    let expected = ["retry_tokens", "retry_ratio", "adaptive_throttle", "retry"];
    assert_eq!(names, expected);
}

/// The form of journals that are already written: it can only change with their version.
#[test]
fn the_text_of_calls_and_answers() {
    let _: retry_tokens::Op = reads(r#"{"try_withdraw":{"cause":"timeout"}}"#);
    let _: retry_tokens::Op = reads(r#"{"on_success":{"withdrawal":null}}"#);
    let _: retry_tokens::Answer = reads(r#"{"withdrawn":{"amount_milli":1000,"slice":0}}"#);
    let _: retry_tokens::Answer = reads(r#"{"balance-milli":5}"#);
    let _: retry_ratio::Op =
        reads(r#"{"give_back":{"withdrawal":{"amount_milli":1000,"slice":7}}}"#);
    let _: retry_ratio::Answer = reads(r#"{"given-back":"stale"}"#);
    let _: adaptive_throttle::Op = reads(r#""try_request""#);
    let _: adaptive_throttle::Answer = reads(r#""granted""#);
    let _: retry::Op = reads(r#""begin""#);
    let _: retry::Op = reads(r#"{"poll":{}}"#);
    let _: retry::Op = reads(r#"{"poll":{"lent":{"breaker":1,"budget":2}}}"#);
    let _: retry::Op =
        reads(r#"{"on_outcome":{"attempt":1,"outcome":"success","lent":{"budget":2}}}"#);
    let _: retry::Answer =
        reads(r#"{"step":{"action":{"wait-until":{"at_ns":7}},"transitions":[]}}"#);
    let _: retry::Answer = reads(r#"{"report":{"reported":"counted","transitions":[]}}"#);
}

#[cfg(feature = "alloc")]
#[test]
fn the_text_of_a_key_that_was_lent() {
    let _: retry::Op = reads(r#"{"cancel":{"lent":{"breaker":{"table":3,"key":"db-1"}}}}"#);
    let _: retry::Op = reads(r#"{"cancel":{"lent":{"breaker":{"table":3,"key":7}}}}"#);
}

/// A journal is read from whoever has it: what is not understood is not passed over.
#[test]
fn other_text_is_refused() {
    for lent in [
        r#"{"breaker":-1}"#,
        r#"{"breaker":1.5}"#,
        r#"{"breaker":"1"}"#,
        r#"{"breaker":[1]}"#,
        r#"{"breaker":{"table":1}}"#,
        r#"{"breaker":{"key":1}}"#,
        r#"{"breaker":{"table":1,"key":null}}"#,
        r#"{"breaker":{"table":1,"key":1,"by":1}}"#,
        r#"{"budget":{"table":1,"key":1}}"#,
        r#"{"tokens":1}"#,
        "null",
    ] {
        let text = format!(r#"{{"poll":{{"lent":{lent}}}}}"#);
        assert!(serde_json::from_str::<retry::Op>(&text).is_err(), "{text}");
    }
    for text in [r#""poll""#, r#"{"begin":{}}"#, r#"{"poll":{"by":1}}"#, "7"] {
        assert!(serde_json::from_str::<retry::Op>(text).is_err(), "{text}");
    }
    for text in [r#"{"try_withdraw":{}}"#, r#"{"on_request":1}"#] {
        assert!(
            serde_json::from_str::<retry_tokens::Op>(text).is_err(),
            "{text}"
        );
    }
}

fn verdict<M: Machine>(op: &str, answer: &str) -> Option<Verdict> {
    M::verdict(&reads(op), &reads(answer))
}

#[test]
fn what_answers_amount_to() {
    let asked = |answer| verdict::<RetryTokens>(r#"{"try_withdraw":{"cause":"failure"}}"#, answer);
    let withdrawn = r#"{"withdrawn":{"amount_milli":1000,"slice":0}}"#;
    assert_eq!(asked(withdrawn), Some(Verdict::Admitted));
    let refused = r#"{"refused":{"reason":{"there_milli":1,"needed_milli":9},"retry_at_ns":50}}"#;
    let expected = Verdict::Refused {
        reason: "budget-spent",
        retry_at_ns: Some(50),
    };
    assert_eq!(asked(refused), Some(expected));
    assert_eq!(asked(r#""done""#), None);

    let asked = |answer| verdict::<AdaptiveThrottle>(r#""try_request""#, answer);
    assert_eq!(asked(r#""granted""#), Some(Verdict::Admitted));

    let step = |action| format!(r#"{{"step":{{"action":{action},"transitions":[]}}}}"#);
    let asked = |action| verdict::<Retry>(r#"{"poll":{}}"#, &step(action));
    let attempt =
        r#"{"attempt":{"attempt":1,"number":1,"timeout_at_ns":null,"would_refuse":null}}"#;
    assert_eq!(asked(attempt), Some(Verdict::Admitted));
    assert_eq!(
        asked(r#"{"wait-until":{"at_ns":7}}"#),
        Some(Verdict::Waits { until_ns: 7 })
    );
    assert_eq!(
        asked(r#"{"in-flight":{"attempt":1,"timeout_at_ns":null}}"#),
        None
    );
    let done = r#"{"done":{"end":{"budget-spent":{"retry_at_ns":null}}}}"#;
    let reason = "budget-spent";
    assert_eq!(asked(done), Some(Verdict::Ended { reason }));
    assert_eq!(verdict::<Retry>(r#"{"cancel":{}}"#, &step(done)), None);
}

#[test]
fn a_retry_tells_what_changed_in_its_breaker() {
    let opened = r#"{"at_ns":9,"from":"closed","to":"open","cause":"consecutive","generation":1}"#;
    let report = format!(r#"{{"report":{{"reported":"counted","transitions":[{opened}]}}}}"#);
    let mut all = Vec::new();
    Retry::changes(
        70,
        &reads(r#"{"poll":{}}"#),
        &serde_json::from_str(&report).expect("a report"),
        &mut |change| all.push(change),
    );
    let expected = Change {
        at_ns: 9,
        from: "closed",
        to: "open",
        cause: "consecutive",
    };
    assert_eq!(all, [expected]);
}

/// Each recorder's own methods but the retry's, which borrows.
#[cfg(feature = "std")]
mod recorded {
    use evenkeel_core::budget::Withdrawal;
    use evenkeel_replay::Recorder;
    use evenkeel_replay::generate::Words;

    use super::*;
    use crate::by_methods::by_methods;

    /// Makes a call of a budget by the recorder's own method.
    macro_rules! by_method {
        ($name:ident: $Budget:ident) => {
            |budget: &mut Recorder<$Budget>, now_ns, op: &$name::Op, _: &mut Words| {
                use $name::{Answer, Op};
                Some(match *op {
                    Op::TryWithdraw { cause } => match budget.try_withdraw(now_ns, cause) {
                        Ok(withdrawal) => Answer::Withdrawn(withdrawal.id()),
                        Err(refusal) => Answer::Refused(refusal),
                    },
                    Op::OnRequest => {
                        budget.on_request(now_ns);
                        Answer::Done
                    }
                    Op::OnSuccess { withdrawal } => {
                        budget.on_success(now_ns, withdrawal.map(Withdrawal::from_id));
                        Answer::Done
                    }
                    Op::GiveBack { withdrawal } => {
                        Answer::GivenBack(budget.give_back(now_ns, Withdrawal::from_id(withdrawal)))
                    }
                    _ => return None,
                })
            }
        };
    }

    fn of_adaptive_throttle(
        recorder: &mut Recorder<AdaptiveThrottle>,
        now_ns: u64,
        op: &adaptive_throttle::Op,
        words: &mut Words,
    ) -> Option<adaptive_throttle::Answer> {
        use adaptive_throttle::{Answer, Op};
        Some(match op {
            Op::TryRequest => match recorder.try_request(now_ns, words) {
                Ok(()) => Answer::Granted,
                Err(refusal) => Answer::Refused(refusal),
            },
            Op::OnAccepted => {
                recorder.on_accepted(now_ns);
                Answer::Done
            }
            _ => return None,
        })
    }

    #[test]
    fn its_methods_answer_as_the_machine() {
        let names = "give_back on_request on_success try_withdraw";
        assert_eq!(by_methods(by_method!(retry_tokens: RetryTokens)), names);
        assert_eq!(by_methods(by_method!(retry_ratio: RetryRatio)), names);
        let names = "on_accepted try_request";
        assert_eq!(by_methods(of_adaptive_throttle), names);
    }
}
