//! What tables answer about a key: how long a hold still is, and who answered when an error is handed on.
#![cfg(feature = "alloc")]

use core::error::Error;
use core::fmt;
use core::time::Duration;

use evenkeel_core::table::{Answered, AnsweredBy, HeldBy, Hold};

#[test]
fn a_hold_says_how_long_it_still_is() {
    let hold = |until_ns| Hold {
        until_ns,
        attempt: 1,
        reason: HeldBy::Backoff,
    };
    let waits = [1_000, 1_009, 1_010, 2_000].map(|now_ns| hold(Some(1_010)).wait(now_ns));
    assert_eq!(
        waits,
        [10, 1, 0, 0].map(|ns| Some(Duration::from_nanos(ns)))
    );
    assert_eq!(hold(None).wait(1_000), None);
}

/// A refusal of one's own, and what it came from.
#[derive(Debug)]
struct Refused(fmt::Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn whoever_answers_where_it_came_from_is_not_lost() {
    let answered = |by| Answered {
        answer: Refused(fmt::Error),
        by,
    };
    assert_eq!(answered(AnsweredBy::Key).to_string(), "refused");
    assert_eq!(
        answered(AnsweredBy::Overflow).to_string(),
        "refused, of all keys that are not tracked"
    );
    let answered = answered(AnsweredBy::Key);
    let source = answered.source().expect("that of the answer");
    assert!(source.is::<fmt::Error>());
}
