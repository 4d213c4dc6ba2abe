//! What tables and budgets answer, as it stands in journals, logs and status pages: the names, the texts, how long a hold
//! still is, and where an error came from.

use core::fmt::Display;

use evenkeel_core::budget::{AllowedWhen, BudgetSpent, RetryCause};

/// The names, which are also how they are shown.
fn names<T: Display + Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    let named = all.iter().map(|one| {
        assert_eq!(one.to_string(), name(*one));
        name(*one)
    });
    named.collect()
}

#[test]
fn what_journals_call_a_budgets_causes_and_rules() {
    let causes = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ];
    assert_eq!(
        names(&causes, RetryCause::name),
        ["failure", "timeout", "throttled"]
    );
    let rules = [AllowedWhen::CoversCost, AllowedWhen::AboveHalf];
    assert_eq!(
        names(&rules, AllowedWhen::name),
        ["covers-cost", "above-half"]
    );
}

#[test]
fn a_spent_budget_says_what_is_there_and_what_had_to_be() {
    let spent = BudgetSpent::new(500, 1_000);
    assert_eq!(spent.name(), "budget-spent");
    assert_eq!(
        spent.to_string(),
        "retry budget spent: 500 of 1000 thousandths there"
    );
}

#[cfg(feature = "alloc")]
mod tables {
    use core::error::Error;
    use core::fmt;
    use core::time::Duration;

    use evenkeel_core::table::{Answered, AnsweredBy, DeniedBy, HeldBy, Hold};

    use super::names;

    #[test]
    fn what_journals_call_who_holds_denies_and_answers() {
        let held = [
            HeldBy::Backoff,
            HeldBy::Advice,
            HeldBy::Stopped,
            HeldBy::Overflow,
        ];
        assert_eq!(
            names(&held, HeldBy::name),
            ["backoff", "advice", "stopped", "overflow"]
        );
        let denied = [DeniedBy::Spent, DeniedBy::TableFull, DeniedBy::EndOfTime];
        assert_eq!(
            names(&denied, DeniedBy::name),
            ["spent", "table-full", "end-of-time"]
        );
        let answered = [AnsweredBy::Key, AnsweredBy::Overflow];
        assert_eq!(names(&answered, AnsweredBy::name), ["key", "overflow"]);
    }

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
}
