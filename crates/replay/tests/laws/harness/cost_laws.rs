//! The laws about cost: L10 and L11.

use core::fmt::Debug;

use evenkeel_replay::generate::{Pilot, Times};

use super::script::{Case, Run};
use super::subject::Subject;
use super::verdict::{Verdict, equal, fault};

/// How many numbers a state holds.
fn numbers(state: &impl Debug) -> usize {
    let text = format!("{state:?}");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c: char| !is_word(c))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .count()
}

/// L10: once its memory is full, a state grows no more, however long the run; ten years of silence cost no more than
/// a short one (a loop over elapsed slices of 1 ns would not come back).
pub(crate) fn bounded<S: Subject>(case: &Case<S>) -> Verdict {
    if case.times == Times::Wild {
        return Ok(0);
    }
    let mut pilot = Pilot::<S>::new(case.policy.clone(), case.times, case.seed);
    let mut full = S::most_numbers(&case.policy).unwrap_or(0);
    for at in 0..S::FULL_AFTER * 8 {
        // Slow at first, so that time windows fill as well; years from then on.
        if at % S::FULL_AFTER == S::FULL_AFTER - 1 {
            pilot.idle();
        }
        let (now_ns, op) = pilot.next_call();
        let _ = pilot.go(now_ns, &op);
        if at % 16 != 0 {
            continue;
        }
        let size = numbers(&pilot.machine().state());
        if at < S::FULL_AFTER * 2 && S::most_numbers(&case.policy).is_none() {
            full = size.max(full);
        } else if size > full + full / 4 + 16 {
            let calls = at + 1;
            return fault(
                calls as usize,
                format!("a state of {full} numbers has {size} after {calls} calls"),
            );
        }
    }
    Ok(u64::from(S::FULL_AFTER) * 8)
}

/// L11: words drawn are the random choices made, and whole words only.
pub(crate) fn words<S: Subject>(case: &Case<S>) -> Verdict {
    let mut run = Run::<S>::fresh(case);
    let mut account = S::Account::default();
    let mut tested = 0;
    for (at, step) in case.forward().iter().enumerate() {
        let (before, drawn) = (run.machine.clone(), run.words.drawn());
        let answer = run.go(step);
        let drawn = run.words.drawn() - drawn;
        let now_ns = step.now_ns;
        let expected = S::words_expected(
            &mut account,
            &case.policy,
            [&before, &run.machine],
            now_ns,
            &step.op,
            &answer,
        );
        equal(
            at,
            &format!("{answer:?}: words drawn and choices made"),
            &drawn,
            &expected,
        )?;
        if run.words.broken() {
            return fault(at, "something else than a whole word was drawn");
        }
        tested += drawn;
    }
    Ok(tested)
}
