//! Calls and answers of what retries are made of as values: what they look like, and that nothing of them is lost.

use core::fmt::Debug;
use std::collections::BTreeSet;

use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::retry::Retry;
use evenkeel_core::throttle::AdaptiveThrottle;
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::{
    Change, Machine, Verdict, adaptive_throttle, retry, retry_ratio, retry_tokens,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Written and read.
fn thawed<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it can be written");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(thawed(value), *value);
}

/// The name of a variant in JSON.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value).expect("it can be written") {
        serde_json::Value::Object(fields) => fields.keys().next().expect("one field").clone(),
        other => other.as_str().expect("a name").to_owned(),
    }
}

/// Makes up calls under every policy. Each call and answer is the same after JSON, and a restored copy gives the same
/// answers. The names of all calls and answers that came up.
fn made_up<M: Generate>() -> [String; 2] {
    let (mut ops, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..M::POLICIES {
        let (_, policy) = M::sample_policy(number).expect("a policy for each number");
        survives(&policy);
        for (times, seed) in [(Times::Tame, 1), (Times::Wild, 2), (Times::Tame, 3)] {
            let mut pilot = Pilot::<M>::new(policy.clone(), times, seed);
            let mut words = Words::new(seed);
            for _ in 0..200 {
                let (now_ns, op) = pilot.next_call();
                let query = pilot.query();
                for op in [Some(op), query].into_iter().flatten() {
                    let state = thawed(&pilot.machine().state());
                    let mut copy = M::restore(thawed(&policy), state).expect("its own state");
                    let answer = pilot.go(now_ns, &op);
                    assert_eq!(copy.apply(now_ns, &thawed(&op), &mut words), answer);
                    assert_eq!(copy.state(), pilot.machine().state());
                    survives(&op);
                    survives(&answer);
                    if let Some(id) = M::reported(&op) {
                        assert_eq!(M::with_id(&op, id), op);
                    }
                    ops.insert(name(&op));
                    answers.insert(name(&answer));
                }
            }
        }
    }
    assert!(M::sample_policy(M::POLICIES).is_none());
    [ops, answers].map(|names| names.into_iter().collect::<Vec<_>>().join(" "))
}

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

fn reads<T: Serialize + DeserializeOwned>(text: &str) -> T {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    let again = serde_json::to_string(&value).expect("it can be written");
    assert_eq!(again, text);
    value
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

/// Each method of the other recorders: the answer of the machine itself, and a line.
#[cfg(feature = "std")]
#[test]
fn recorders_of_budgets_and_throttles_have_the_machines_own_methods() {
    fn sample<M: Generate>(number: usize) -> M {
        let (_, policy) = M::sample_policy(number).expect("a policy");
        M::sample(policy, 0)
    }

    let journal = evenkeel_replay::journal::Journal::in_memory();
    let mut tokens = journal.record("", sample::<RetryTokens>(2));
    let mut ratio = journal.record("", sample::<RetryRatio>(0));
    let mut throttle = journal.record("", sample::<AdaptiveThrottle>(2));
    let (mut plain, mut plain_ratio) = (sample::<RetryTokens>(2), sample::<RetryRatio>(0));
    let mut plain_throttle = sample::<AdaptiveThrottle>(2);
    let mut lines = 0;
    let (mut words, mut plain_words) = (Words::new(3), Words::new(3));
    for now_ns in 0..60 {
        tokens.on_request(now_ns);
        plain.on_request(now_ns);
        ratio.on_request(now_ns);
        plain_ratio.on_request(now_ns);
        lines += 5;
        let one = tokens.try_withdraw(now_ns, evenkeel_core::budget::RetryCause::Failure);
        let other = plain.try_withdraw(now_ns, evenkeel_core::budget::RetryCause::Failure);
        assert_eq!(one, other);
        if now_ns % 2 == 0 {
            tokens.on_success(now_ns, one.ok());
            plain.on_success(now_ns, other.ok());
            lines += 1;
        } else if let (Ok(one), Ok(other)) = (one, other) {
            let back = plain.give_back(now_ns, other);
            lines += 1;
            assert_eq!(tokens.give_back(now_ns, one), back);
        }
        let one = ratio.try_withdraw(now_ns, evenkeel_core::budget::RetryCause::Timeout);
        let other = plain_ratio.try_withdraw(now_ns, evenkeel_core::budget::RetryCause::Timeout);
        assert_eq!(one, other);
        if now_ns % 2 == 0 {
            ratio.on_success(now_ns, one.ok());
            plain_ratio.on_success(now_ns, other.ok());
            lines += 1;
        } else if let (Ok(one), Ok(other)) = (one, other) {
            let back = plain_ratio.give_back(now_ns, other);
            lines += 1;
            assert_eq!(ratio.give_back(now_ns, one), back);
        }
        let asked = plain_throttle.try_request(now_ns, &mut plain_words);
        assert_eq!(throttle.try_request(now_ns, &mut words), asked);
        if now_ns % 3 == 0 {
            throttle.on_accepted(now_ns);
            plain_throttle.on_accepted(now_ns);
            lines += 1;
        }
    }
    assert_eq!(words, plain_words);
    assert!(words.drawn() > 0);
    assert_eq!(tokens.state(), plain.state());
    assert_eq!(ratio.state(), plain_ratio.state());
    assert_eq!(throttle.state(), plain_throttle.state());
    assert_eq!(journal.ops(), lines);
}
