//! Calls and answers of the estimators as values: what they look like, and that nothing of them is lost.
#![cfg(feature = "alloc")]

use core::fmt::Debug;
use std::collections::BTreeSet;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, RollingHistogram, SampleWindow,
    ThresholdWindow,
};
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::{Machine, log_histogram, sample_window};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Written and read.
fn thawed<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it can be written");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(thawed(value), *value);
    // A reader that looks before it knows the type: no number is too large for it.
    let value_of = serde_json::to_value(value).expect("any reader can hold it");
    let read: T = serde_json::from_value(value_of).expect("it is the same to any reader");
    assert_eq!(read, *value);
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
                for op in [Some(op), pilot.query()].into_iter().flatten() {
                    let state = thawed(&pilot.machine().state());
                    let mut copy = M::restore(thawed(&policy), state).expect("its own state");
                    let answer = pilot.go(now_ns, &op);
                    assert_eq!(copy.apply(now_ns, &thawed(&op), &mut words), answer);
                    assert_eq!(copy.state(), pilot.machine().state());
                    assert_eq!(M::verdict(&op, &answer), None, "it is asked for no leave");
                    survives(&op);
                    survives(&answer);
                    ops.insert(name(&op));
                    answers.insert(name(&answer));
                }
            }
            assert_eq!(words.drawn(), 0);
        }
    }
    assert!(M::sample_policy(M::POLICIES).is_none());
    [ops, answers].map(|names| names.into_iter().collect::<Vec<_>>().join(" "))
}

#[test]
fn sample_window_calls_survive() {
    let [ops, answers] = made_up::<SampleWindow>();
    let names = "clear count max mean min quantile record sum summary";
    assert_eq!(ops, names);
    let names = "cleared count max mean min quantile recorded sum summary";
    assert_eq!(answers, names);
}

#[test]
fn quantile_window_calls_survive() {
    let [ops, answers] = made_up::<QuantileWindow>();
    assert_eq!(ops, "clear count interval quantile record");
    assert_eq!(answers, "cleared count interval quantile recorded");
}

#[test]
fn threshold_window_calls_survive() {
    let [ops, answers] = made_up::<ThresholdWindow>();
    assert_eq!(ops, "clear count count_above is_above record");
    assert_eq!(answers, "cleared count count-above is-above recorded");
}

#[test]
fn log_histogram_calls_survive() {
    let [ops, answers] = made_up::<LogHistogram>();
    let names = "clear count interval max mean merge min quantile record sum summary";
    assert_eq!(ops, names);
    let names = "cleared count interval max mean merged min quantile recorded sum summary";
    assert_eq!(answers, names);
}

#[test]
fn rolling_histogram_calls_survive() {
    let [ops, answers] = made_up::<RollingHistogram>();
    let names = "clear count interval max mean min quantile record sum summary";
    assert_eq!(ops, names);
    let names = "cleared count interval max mean min quantile recorded sum summary";
    assert_eq!(answers, names);
}

fn histogram(precision_bits: u8, values: &[u64]) -> LogHistogram {
    let policy = LogHistogramPolicy::new(precision_bits).expect("a precision");
    let mut histogram = LogHistogram::new(policy);
    values.iter().for_each(|value| histogram.record(0, *value));
    histogram
}

fn merge(into: &mut LogHistogram, other: &LogHistogram) -> log_histogram::Answer {
    let other = Box::new(other.clone());
    into.apply(
        0,
        &thawed(&log_histogram::Op::Merge { other }),
        &mut Words::new(0),
    )
}

#[test]
fn a_merge_adds_what_the_other_held_exactly() {
    let other = histogram(3, &[9, 1 << 40, u64::MAX]);
    let (mut by_op, mut by_method) = (histogram(3, &[7]), histogram(3, &[7]));
    assert_eq!(
        merge(&mut by_op, &other),
        log_histogram::Answer::Merged(Ok(()))
    );
    assert_eq!(by_method.merge(&other), Ok(()));
    assert_eq!(by_op, by_method);
    assert_eq!(by_op, histogram(3, &[7, 9, 1 << 40, u64::MAX]));
}

#[test]
fn a_merge_with_another_precision_is_answered_as_the_method_does() {
    let other = histogram(2, &[9]);
    let mut ours = histogram(3, &[7]);
    let refused = histogram(3, &[7]).merge(&other);
    assert!(refused.is_err());
    assert_eq!(
        merge(&mut ours, &other),
        log_histogram::Answer::Merged(refused)
    );
    assert_eq!(ours, histogram(3, &[7]));
}

/// A journal is read from whoever has it: a histogram that no values lead to is none.
#[test]
fn a_merge_of_an_impossible_histogram_is_not_read() {
    let other = Box::new(histogram(1, &[5, 6]));
    let text = serde_json::to_string(&log_histogram::Op::Merge { other }).expect("written");
    let read = |text: &str| serde_json::from_str::<log_histogram::Op>(text);
    assert!(read(&text).is_ok());
    for (of, to) in [
        (r#""count":2"#, r#""count":3"#),
        (r#""precision_bits":1"#, r#""precision_bits":2"#),
        (r#""precision_bits":1"#, r#""precision_bits":99"#),
        (r#""state":{"#, r#""more":0,"state":{"#),
    ] {
        assert!(text.contains(of), "{of} is not in {text}");
        assert!(read(&text.replace(of, to)).is_err(), "{of} became {to}");
    }
}

/// A sum has up to 128 bits: it stands as two words, as in the core's states.
#[test]
fn a_sum_is_two_words() {
    let sum = sample_window::Answer::Sum((5 << 64) | 7);
    assert_eq!(
        serde_json::to_string(&sum).expect("written"),
        r#"{"sum":[5,7]}"#
    );
    survives(&sum);
    survives(&sample_window::Answer::Sum(u128::MAX));
}

#[test]
fn other_text_is_refused() {
    let read = |text: &str| serde_json::from_str::<sample_window::Op>(text);
    assert!(read(r#"{"quantile":{"q":"p99"}}"#).is_ok());
    for text in [
        r#""record""#,
        r#"{"record":{}}"#,
        r#"{"record":{"value":-1}}"#,
        r#"{"record":{"value":1,"at_ns":2}}"#,
        r#"{"quantile":{"q":"p101"}}"#,
        r#"{"clear":{}}"#,
        r#"{"merge":{}}"#,
        "7",
        "null",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    let q = Quantile::P99;
    assert_eq!(
        read(r#"{"quantile":{"q":"p99"}}"#).expect("a query"),
        sample_window::Op::Quantile { q }
    );
}

#[cfg(feature = "std")]
mod recorded {
    //! A recorder's own methods do what `apply` does, and the journal holds it.

    use evenkeel_replay::any::{AnyAnswer, AnyOp, Journaled};
    use evenkeel_replay::journal::{Journal, load};
    use evenkeel_replay::{Recorder, quantile_window, rolling_histogram, threshold_window};

    use super::*;

    /// Makes up calls under every policy and makes them by `call`.
    fn recorded<M: Generate + Journaled + PartialEq + Clone + Debug>(
        call: impl Fn(&mut Recorder<M>, u64, &M::Op) -> M::Answer,
    ) {
        for number in 0..M::POLICIES {
            let (name, policy) = M::sample_policy(number).expect("a policy for each number");
            let mut pilot = Pilot::<M>::new(policy, Times::Wild, 5);
            let journal = Journal::in_memory();
            let mut recorder = journal.record(name, pilot.machine().clone());
            let mut expected: Vec<(u64, AnyOp, AnyAnswer)> = Vec::new();
            for _ in 0..200 {
                let (now_ns, op) = pilot.next_call();
                for op in [Some(op), pilot.query()].into_iter().flatten() {
                    let answer = pilot.go(now_ns, &op);
                    assert_eq!(call(&mut recorder, now_ns, &op), answer);
                    assert_eq!(&*recorder, pilot.machine());
                    expected.push((now_ns, M::any_op(op), M::any_answer(answer)));
                }
            }
            let mut lines = Vec::new();
            journal.dump(&mut lines).expect("a vector takes all");
            let loaded = load(&lines[..]);
            assert_eq!(loaded.damage, None);
            let entries = loaded.entries.into_iter();
            let entries = entries.map(|entry| (entry.t_ns, entry.op, entry.answer));
            assert_eq!(entries.collect::<Vec<_>>(), expected);
        }
    }

    /// Makes a call by the recorder's own method, where it has one.
    macro_rules! by_method {
        ($name:ident: $Machine:ident) => {
            |recorder: &mut Recorder<$Machine>, now_ns, op: &$name::Op| match op {
                $name::Op::Record { value } => {
                    recorder.record(now_ns, *value);
                    $name::Answer::Recorded
                }
                $name::Op::Clear => {
                    recorder.clear(now_ns);
                    $name::Answer::Cleared
                }
                query => recorder.apply(now_ns, query.clone(), &mut Words::new(0)),
            }
        };
    }

    #[test]
    fn the_windows() {
        recorded::<SampleWindow>(by_method!(sample_window: SampleWindow));
        recorded::<QuantileWindow>(by_method!(quantile_window: QuantileWindow));
        recorded::<ThresholdWindow>(by_method!(threshold_window: ThresholdWindow));
    }

    #[test]
    fn the_histograms() {
        recorded::<RollingHistogram>(by_method!(rolling_histogram: RollingHistogram));
        recorded::<LogHistogram>(|recorder, now_ns, op| match op {
            log_histogram::Op::Merge { other } => {
                log_histogram::Answer::Merged(recorder.merge(now_ns, other))
            }
            op => by_method!(log_histogram: LogHistogram)(recorder, now_ns, op),
        });
    }
}
