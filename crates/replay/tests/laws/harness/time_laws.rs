//! The laws about time: L1 to L5.

use evenkeel_replay::generate::{Pick, mix};

use super::script::{Case, Run, Step};
use super::subject::{Progress, Subject};
use super::verdict::{Verdict, equal, fault, short, timeless};

/// L1: the same policy, state, inputs and words give the same answers and state.
pub(crate) fn same<S: Subject>(case: &Case<S>) -> Verdict {
    let (mut one, mut other) = (Run::fresh(case), Run::fresh(case));
    for (at, step) in case.steps.iter().enumerate() {
        let (by_one, by_other) = (one.go(step), other.go(step));
        equal(at, "two runs' answers", &by_one, &by_other)?;
        equal(at, "two runs' states", &one.state(), &other.state())?;
        equal(at, "two runs' words", &one.words, &other.words)?;
        equal(at, "deadlines", &one.deadline_ns(), &other.deadline_ns())?;
    }
    Ok(case.steps.len() as u64)
}

/// L2: time that runs backwards stands still.
pub(crate) fn clock_back<S: Subject>(case: &Case<S>) -> Verdict {
    let (mut back, mut still) = (Run::fresh(case), Run::fresh(case));
    let mut tested = 0;
    for (at, (early, step)) in case.steps.iter().zip(case.forward()).enumerate() {
        let (by_back, by_still) = (back.go(early), still.go(&step));
        let what = "on a clock that ran backwards and on one that stood still, answers";
        equal(at, what, &by_back, &by_still)?;
        equal(at, "states", &back.state(), &still.state())?;
        equal(at, "words", &back.words, &still.words)?;
        tested += u64::from(early.now_ns < step.now_ns);
        if at % 4 == 0 {
            let now = back.sight(step.now_ns);
            for early_ns in [0, early.now_ns, step.now_ns / 2] {
                equal(
                    at,
                    "what was seen early and now",
                    &back.sight(early_ns),
                    &now,
                )?;
            }
        }
    }
    Ok(tested)
}

/// L3: before the deadline a poll changes nothing but the time memory.
pub(crate) fn quiet_before<S: Subject>(case: &Case<S>) -> Verdict {
    let Some(poll) = S::poll() else {
        return Ok(0);
    };
    let mut run = Run::fresh(case);
    let mut tested = 0;
    for (at, step) in case.forward().iter().enumerate() {
        let _ = run.go(step);
        let before_ns = match run.deadline_ns() {
            Some(due_ns) if due_ns <= step.now_ns => continue,
            Some(due_ns) => due_ns - 1,
            None => u64::MAX,
        };
        let state = timeless(&run.state());
        for poll_ns in [step.now_ns, step.now_ns.midpoint(before_ns), before_ns] {
            let mut polled = run.clone();
            let answer = polled.apply(poll_ns, &poll);
            if S::progress(&run.machine, poll_ns, &answer) != Progress::Quiet {
                let due = run.deadline_ns();
                let answer = short(&answer);
                let what = format!("polled at {poll_ns} with the deadline {due:?}: {answer}");
                return fault(at, what);
            }
            let state = match S::passes_time() {
                None => state.clone(),
                Some(op) => {
                    let mut waited = run.clone();
                    let _ = waited.apply(poll_ns, &op);
                    timeless(&waited.state())
                }
            };
            let what = format!("polled at {poll_ns}, states without the clock");
            equal(at, &what, &state, &timeless(&polled.state()))?;
            equal(
                at,
                "words before and after a poll",
                &run.words,
                &polled.words,
            )?;
            equal(at, "deadlines", &run.deadline_ns(), &polled.deadline_ns())?;
            tested += 1;
        }
    }
    Ok(tested)
}

/// L4: at the deadline a poll makes progress, and does not for ever at one instant.
pub(crate) fn progress_at<S: Subject>(case: &Case<S>) -> Verdict {
    let Some(poll) = S::poll() else {
        return Ok(0);
    };
    let mut run = Run::fresh(case);
    let mut tested = 0;
    for (at, step) in case.forward().iter().enumerate() {
        let _ = run.go(step);
        let mut later = run.clone();
        let (mut now_ns, mut at_once) = (step.now_ns, 0);
        for _ in 0..3 * S::AT_ONCE {
            let Some(due_ns) = later.deadline_ns() else {
                break;
            };
            let is_ahead = due_ns > now_ns;
            at_once = if is_ahead { 1 } else { at_once + 1 };
            now_ns = now_ns.max(due_ns);
            let before = later.machine.clone();
            let answer = later.apply(now_ns, &poll);
            let put_off = S::PUTS_OFF && later.deadline_ns().is_none_or(|ns| ns > due_ns);
            if S::progress(&before, now_ns, &answer) == Progress::Quiet && !put_off {
                let answer = short(&answer);
                return fault(at, format!("polled at the deadline {due_ns}: {answer}"));
            }
            if at_once > S::AT_ONCE {
                return fault(at, format!("at {now_ns} polls report for ever"));
            }
            if let Some(fell_due_ns) = S::fell_due_ns(&answer) {
                // What is overdue may have the deadline "now".
                let due_ns = if is_ahead {
                    due_ns
                } else {
                    due_ns.min(fell_due_ns)
                };
                equal(at, "deadline and when it fell due", &due_ns, &fell_due_ns)?;
            }
            tested += 1;
        }
    }
    Ok(tested)
}

/// One copy of a machine under L5, with what it has reported so far.
struct Copy<S: Subject> {
    run: Run<S>,
    told: Vec<S::Made>,
}

impl<S: Subject> Copy<S> {
    fn new(case: &Case<S>) -> Self {
        let run = Run::fresh(case);
        let told = Vec::new();
        Self { run, told }
    }

    /// A copy that has reported all that is due.
    fn told_all(&self, now_ns: u64) -> (Run<S>, Vec<S::Made>) {
        let mut run = self.run.clone();
        let mut made = self.told.clone();
        made.extend(run.drain(now_ns));
        made.sort_by_key(S::lane);
        (run, made)
    }
}

/// L5: one copy is polled early and often and at each deadline, the other never: only when a transition is reported
/// may differ. (A poll that would begin something is not made by the way: it is an act of the caller.)
pub(crate) fn lazy_is_eager<S: Subject>(case: &Case<S>) -> Verdict {
    let mut pick = Pick::new(mix(case.seed, 5));
    let (mut lazy, mut eager) = (Copy::<S>::new(case), Copy::<S>::new(case));
    let (mut clock_ns, mut tested) = (0, 0);
    for (at, step) in case.forward().iter().enumerate() {
        let is_poll = S::is_poll(&step.op);
        if is_poll && !S::POLL_ASKS {
            continue;
        }
        for poll_ns in early_and_often(&mut pick, clock_ns, step) {
            let made = eager.run.drain(poll_ns);
            eager.told.extend(made);
        }
        for _ in 0..S::AT_ONCE {
            match eager.run.deadline_ns().filter(|ns| *ns <= step.now_ns) {
                None => break,
                Some(due_ns) => {
                    let made = eager.run.drain(due_ns.max(clock_ns));
                    clock_ns = clock_ns.max(due_ns);
                    eager.told.extend(made);
                }
            }
        }
        clock_ns = step.now_ns;
        let (seen_lazy, seen_eager) = (lazy.run.sight(clock_ns), eager.run.sight(clock_ns));
        equal(at, "what lazy and eager show", &seen_lazy, &seen_eager)?;
        let (made_lazy, by_lazy) = lazy.run.settle(step, is_poll);
        let (made_eager, by_eager) = eager.run.settle(step, is_poll);
        equal(at, "lazy's and eager's answers", &by_lazy, &by_eager)?;
        lazy.told.extend(made_lazy);
        eager.told.extend(made_eager);
        let ((lazy_run, lazy_made), (eager_run, eager_made)) =
            (lazy.told_all(clock_ns), eager.told_all(clock_ns));
        equal(at, "lazy's and eager's reports", &lazy_made, &eager_made)?;
        equal(at, "words", &lazy_run.words, &eager_run.words)?;
        equal(
            at,
            "deadlines",
            &lazy_run.deadline_ns(),
            &eager_run.deadline_ns(),
        )?;
        let sights = [&lazy_run, &eager_run].map(|run| run.settled_sight(clock_ns));
        equal(at, "what both show in the end", &sights[0], &sights[1])?;
        tested += 1;
    }
    Ok(tested)
}

/// Instants between the last call and the next.
fn early_and_often<Op>(pick: &mut Pick, clock_ns: u64, step: &Step<Op>) -> [u64; 3] {
    let between_ns = (step.now_ns - clock_ns).saturating_add(1);
    let later_ns = clock_ns + pick.below(between_ns);
    [clock_ns, later_ns, later_ns]
}
