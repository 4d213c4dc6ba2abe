//! Calls and answers of the estimators as values: what they look like, and that nothing of them is lost.
#![cfg(feature = "alloc")]

#[cfg(feature = "std")]
#[path = "ops_common/by_methods.rs"]
mod by_methods;
#[path = "ops_common/json.rs"]
mod json;
#[path = "ops_common/made_up.rs"]
mod made_up;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, RollingHistogram, SampleWindow,
    ThresholdWindow,
};
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::{Machine, log_histogram, sample_window};

use json::{reads, survives, text, thawed};
use made_up::made_up;

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

fn is_not_asked<M: Generate>() {
    for number in 0..M::POLICIES {
        let (_, policy) = M::sample_policy(number).expect("a policy for each number");
        let mut pilot = Pilot::<M>::new(policy, Times::Tame, 1);
        let mut words = Words::new(1);
        for _ in 0..200 {
            let (now_ns, op) = pilot.next_call();
            for op in [Some(op), pilot.query()].into_iter().flatten() {
                let (policy, state) = (pilot.machine().policy(), pilot.machine().state());
                let mut copy = M::restore(policy.clone(), state).expect("its own state");
                let answer = copy.apply(now_ns, &op, &mut words);
                assert_eq!(M::verdict(&op, &answer), None, "it is asked for no leave");
                let _ = pilot.go(now_ns, &op);
            }
        }
        assert_eq!(words.drawn(), 0);
    }
}

#[test]
fn an_estimator_gives_no_leave_and_draws_no_word() {
    is_not_asked::<SampleWindow>();
    is_not_asked::<QuantileWindow>();
    is_not_asked::<ThresholdWindow>();
    is_not_asked::<LogHistogram>();
    is_not_asked::<RollingHistogram>();
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
    let text = text(&log_histogram::Op::Merge { other });
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
    assert_eq!(reads::<sample_window::Answer>(r#"{"sum":[5,7]}"#), sum);
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

/// Each recorder's own methods; a query is made by `apply`.
#[cfg(feature = "std")]
mod recorded {
    use evenkeel_replay::{Recorder, quantile_window, rolling_histogram, threshold_window};

    use super::*;
    use crate::by_methods::by_methods;

    /// Makes a call by the recorder's own method, where it has one.
    macro_rules! by_method {
        ($name:ident: $Machine:ident) => {
            |recorder: &mut Recorder<$Machine>, now_ns, op: &$name::Op, words: &mut Words| {
                Some(match op {
                    $name::Op::Record { value } => {
                        recorder.record(now_ns, *value);
                        $name::Answer::Recorded
                    }
                    $name::Op::Clear => {
                        recorder.clear(now_ns);
                        $name::Answer::Cleared
                    }
                    query => recorder.apply(now_ns, query.clone(), words),
                })
            }
        };
    }

    #[test]
    fn the_windows() {
        let names = "clear count max mean min quantile record sum summary";
        assert_eq!(by_methods(by_method!(sample_window: SampleWindow)), names);
        let names = "clear count interval quantile record";
        assert_eq!(
            by_methods(by_method!(quantile_window: QuantileWindow)),
            names
        );
        let names = "clear count count_above is_above record";
        assert_eq!(
            by_methods(by_method!(threshold_window: ThresholdWindow)),
            names
        );
    }

    #[test]
    fn the_histograms() {
        let names = "clear count interval max mean min quantile record sum summary";
        assert_eq!(
            by_methods(by_method!(rolling_histogram: RollingHistogram)),
            names
        );
        let made = by_methods::<LogHistogram>(|recorder, now_ns, op, words| match op {
            log_histogram::Op::Merge { other } => {
                Some(log_histogram::Answer::Merged(recorder.merge(now_ns, other)))
            }
            op => by_method!(log_histogram: LogHistogram)(recorder, now_ns, op, words),
        });
        let names = "clear count interval max mean merge min quantile record sum summary";
        assert_eq!(made, names);
    }
}
