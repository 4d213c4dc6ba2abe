//! The laws about copies of a machine: L6, L7, and L12, whose overflow is judged against a copy far from it.

use evenkeel_replay::generate::{Pick, TAME_NS, Times, mix};

use super::script::{Case, Run, Step};
use super::subject::{Mover, Subject, thawed};
use super::verdict::{Fault, Verdict, equal, fault};

/// L6: restored from its own state at every step, and from one that was written and read, it cannot be told from the
/// original.
pub(crate) fn restored<S: Subject>(case: &Case<S>) -> Verdict {
    let (mut kept, mut copy) = (Run::fresh(case), Run::fresh(case));
    for (at, step) in case.steps.iter().enumerate() {
        let state = copy.state();
        let stored = match thawed(&state) {
            Ok(stored) => stored,
            Err(error) => return fault(at, format!("a state was not read back: {error}")),
        };
        equal(at, "a state written and read", &state, &stored)?;
        copy.machine = match S::restored(&case.policy, stored) {
            Ok(machine) => machine,
            Err(error) => return fault(at, format!("its own state was refused: {error}")),
        };
        let (by_kept, by_copy) = (kept.go(step), copy.go(step));
        equal(at, "kept's and restored's answers", &by_kept, &by_copy)?;
        equal(at, "states", &kept.state(), &copy.state())?;
        equal(at, "words", &kept.words, &copy.words)?;
        equal(at, "deadlines", &kept.deadline_ns(), &copy.deadline_ns())?;
        let seen = (kept.sight(step.now_ns), copy.sight(step.now_ns));
        equal(at, "what kept and restored show", &seen.0, &seen.1)?;
    }
    Ok(case.steps.len() as u64)
}

/// L7: adding a constant to all times shifts all outputs by it.
pub(crate) fn shifted<S: Subject>(case: &Case<S>) -> Verdict {
    if case.times == Times::Wild {
        return Ok(0);
    }
    let grid_ns = S::grid_ns(&case.policy);
    let mut pick = Pick::new(mix(case.seed, 7));
    let most = TAME_NS / grid_ns;
    let times = [pick.below(1_000.min(most)), pick.below(most)];
    let mut tested = 0;
    for by_ns in times.map(|times| (times + 1).saturating_mul(grid_ns)) {
        tested += compare_shifted(case, by_ns, false)?;
    }
    Ok(tested)
}

/// L12: nothing panics at any `u64`, and at the end of time the answers are those of far from it, where what would lie
/// past the end is `None`.
pub(crate) fn any_u64<S: Subject>(case: &Case<S>) -> Verdict {
    if case.times == Times::Wild {
        let mut run = Run::fresh(case);
        for step in &case.steps {
            let _ = (run.go(step), run.sight(step.now_ns), run.state());
            let _ = (run.sight(0), run.sight(u64::MAX), run.deadline_ns());
        }
        return Ok(case.steps.len() as u64);
    }
    let grid_ns = S::grid_ns(&case.policy);
    let mut pick = Pick::new(mix(case.seed, 12));
    let steps = case.forward();
    let mut tested = 0;
    // The script's end, or any step of it, is brought near the end of time.
    for last in [
        steps.len().saturating_sub(1),
        pick.below(steps.len() as u64) as usize,
    ] {
        let Some(last_ns) = steps.get(last).map(|step| step.now_ns) else {
            break;
        };
        let room_ns = (u64::MAX - last_ns).saturating_sub(pick.sized(8));
        tested += compare_shifted(case, room_ns / grid_ns * grid_ns, true)?;
    }
    Ok(tested)
}

/// Compares a run with one that begins later. Ends at the first call or answer that has no shifted form.
fn compare_shifted<S: Subject>(case: &Case<S>, by_ns: u64, at_the_end: bool) -> Verdict {
    let Some(begin_ns) = case.begin_ns.checked_add(by_ns) else {
        return Ok(0);
    };
    let (mut here, mut there) = (Run::<S>::fresh(case), Run::<S>::begun(case, begin_ns));
    for (at, step) in case.forward().iter().enumerate() {
        let mut mover = Mover::new(by_ns);
        let later = S::moved_op(&case.policy, &step.op, &mut mover)
            .and_then(|op| Some((step.now_ns.checked_add(by_ns)?, op)));
        let Some((now_ns, op)) = later else {
            return Ok(at as u64);
        };
        if at_the_end && S::PARTS_AT_THE_END {
            let _ = (here.drain(step.now_ns), there.drain(now_ns));
            let due_ns = here.deadline_ns();
            if due_ns.is_some_and(|ns| ns.checked_add(by_ns).is_none()) {
                return Ok(at as u64);
            }
        }
        if !compare_sights(case, at, step, &here, &there, by_ns)? {
            return Ok(at as u64);
        }
        let (by_here, by_there) = (here.go(step), there.apply(now_ns, &op));
        if at_the_end && S::gives_up_at_the_end(&by_there) {
            return Ok(at as u64);
        }
        let Some(expected) = S::moved(&case.policy, by_here, &mut mover) else {
            return Ok(at as u64);
        };
        equal(at, &format!("{by_ns} later, answers"), &expected, &by_there)?;
        if mover.is_last() {
            return Ok(at as u64 + 1);
        }
        equal(at, "words", &here.words, &there.words)?;
        let due_ns = here.deadline_ns().map(|ns| ns.max(step.now_ns));
        let expected = due_ns.and_then(|ns| ns.checked_add(by_ns));
        let due_ns = there.deadline_ns().map(|ns| ns.max(now_ns));
        equal(at, &format!("{by_ns} later, deadlines"), &expected, &due_ns)?;
    }
    Ok(case.steps.len() as u64)
}

/// Compares what both show; no if that has no shifted form, so that they part.
fn compare_sights<S: Subject>(
    case: &Case<S>,
    at: usize,
    step: &Step<S::Op>,
    here: &Run<S>,
    there: &Run<S>,
    by_ns: u64,
) -> Result<bool, Fault> {
    let mut mover = Mover::new(by_ns);
    let later = there.sight(step.now_ns.saturating_add(by_ns));
    for (seen, later) in here.sight(step.now_ns).into_iter().zip(later) {
        let Some(expected) = S::moved(&case.policy, seen, &mut mover) else {
            return Ok(false);
        };
        equal(
            at,
            &format!("{by_ns} later, what it shows"),
            &expected,
            &later,
        )?;
    }
    Ok(true)
}
