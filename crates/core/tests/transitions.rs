//! The transitions of one call: gone through by value and by reference, counted, told in one line, stored.

use evenkeel_core::breaker::{Cause, Phase, Transition, Transitions};

const fn made(at_ns: u64) -> Transition {
    Transition {
        at_ns,
        from: Phase::Closed,
        to: Phase::Open,
        cause: Cause::FailureRate,
        generation: 1,
    }
}

#[test]
fn transitions_are_gone_through_by_reference_too() {
    let all = Transitions::from_iter([made(7); 3]);
    let mut seen = 0;
    for transition in &all {
        assert_eq!(*transition, made(7));
        seen += 1;
    }
    assert_eq!((seen, all.len()), (3, 3));
}

/// No call makes more than three: a file that tells of four is not ours.
#[cfg(feature = "serde")]
#[test]
fn a_file_tells_of_at_most_three_transitions() {
    let read = |made: &[Transition]| {
        let text = serde_json::to_string(made).expect("plain data");
        serde_json::from_str::<Transitions>(&text).map_err(|error| error.to_string())
    };
    assert_eq!(
        read(&[made(7); 3]),
        Ok(Transitions::from_iter([made(7); 3]))
    );
    let error = read(&[made(7); 4]).expect_err("one too many");
    let said = "invalid length 4, expected a list of at most 3 transitions";
    assert!(error.starts_with(said), "{error}");
    let error = serde_json::from_str::<Transitions>("7").expect_err("no list");
    assert!(
        error
            .to_string()
            .contains("expected a list of at most 3 transitions"),
        "{error}"
    );
}

#[test]
fn a_transition_is_one_line() {
    assert_eq!(made(20).to_string(), "closed -> open at 20 (failure-rate)");
}

/// Whoever makes room for them asks first how many are left.
#[test]
fn transitions_say_how_many_are_left() {
    let mut rest = Transitions::from_iter([1, 2, 3].map(made)).into_iter();
    for left in [3, 2, 1] {
        assert_eq!((rest.size_hint(), rest.len()), ((left, Some(left)), left));
        assert!(rest.next().is_some());
    }
    assert_eq!((rest.size_hint(), rest.len()), ((0, Some(0)), 0));
    assert_eq!((rest.next(), rest.next()), (None, None));
    assert_eq!(rest.len(), 0);
}
