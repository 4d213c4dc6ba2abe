//! The laws about ids, keys and their order: L8, L9 and L13.

use evenkeel_replay::generate::{Pick, mix};

use super::script::{Case, Run, Step};
use super::subject::Subject;
use super::verdict::{Fault, Verdict, equal, fault, short};

/// How many steps after a change that must not be seen are looked at.
const LOOK_AHEAD: usize = 10;

/// The ids of a script as they come and go.
struct Ids<S: Subject> {
    given: Vec<S::Id>,
    settled: Vec<S::Id>,
}

impl<S: Subject> Ids<S> {
    /// Takes down a call; a fault if an id came twice or a report counted that must not have.
    fn note(&mut self, at: usize, op: &S::Op, answer: &S::Answer) -> Result<(), Fault> {
        if let Some(id) = S::reported(op).filter(|_| !S::is_stale(answer)) {
            if S::is_single(id.clone()) && !self.given.contains(&id) {
                return fault(
                    at,
                    format!("a report with {id:?} counted, which was not given"),
                );
            }
            if S::is_single(id.clone()) && self.settled.contains(&id) {
                return fault(at, format!("a second report with {id:?} counted"));
            }
            if S::settles(op) {
                self.settled.push(id);
            }
        }
        if let Some(id) = S::given(op, answer) {
            if S::is_single(id.clone()) && self.given.contains(&id) {
                return fault(at, format!("{id:?} was given twice"));
            }
            self.given.push(id);
        }
        Ok(())
    }
}

/// L8: reports with stale, foreign and doubled ids are recognised, draw no word, and change nothing: one copy gets
/// such a report, another is polled instead, and the rest of the script cannot tell them apart.
pub(crate) fn strangers<S: Subject>(case: &Case<S>) -> Verdict {
    let mut pick = Pick::new(mix(case.seed, 8));
    let mut run = Run::<S>::fresh(case);
    let mut ids = Ids::<S> {
        given: Vec::new(),
        settled: Vec::new(),
    };
    let steps = case.forward();
    let mut tested = 0;
    for (at, step) in steps.iter().enumerate() {
        let answer = run.go(step);
        ids.note(at, &step.op, &answer)?;
        if at % 3 != 0 && at + 1 != steps.len() {
            continue;
        }
        let foreign = S::foreign(&mut pick, &ids.given).filter(|id| !ids.given.contains(id));
        let mut asked: Vec<S::Id> = foreign.iter().cloned().collect();
        asked.extend(pick.recent(&ids.given));
        asked.extend(pick.recent(&ids.settled));
        for id in asked {
            let due_ns = run.deadline_ns().unwrap_or(step.now_ns);
            let late_ns = step.now_ns.saturating_add(pick.sized(40));
            for now_ns in [step.now_ns, due_ns.max(step.now_ns), late_ns] {
                let Some(op) = S::report(id.clone(), &mut pick) else {
                    continue;
                };
                let report = Step { now_ns, op };
                let stale = is_nothing(at, &run, &report, &ids, &steps[at + 1..])?;
                if !stale && foreign.as_ref() == Some(&id) {
                    return fault(at, format!("a foreign report counted: {report:?}"));
                }
                tested += u64::from(stale);
            }
        }
    }
    Ok(tested)
}

/// Whether the report is stale; a fault if it should be, or is and changes something.
fn is_nothing<S: Subject>(
    at: usize,
    run: &Run<S>,
    report: &Step<S::Op>,
    ids: &Ids<S>,
    rest: &[Step<S::Op>],
) -> Result<bool, Fault> {
    let (mut told, mut untold) = (run.clone(), run.clone());
    let mut answer = told.go(report);
    if !S::is_stale(&answer) {
        let mut ids = Ids::<S> {
            given: ids.given.clone(),
            settled: ids.settled.clone(),
        };
        return match ids.note(at, &report.op, &answer) {
            Ok(()) => Ok(false),
            Err(error) => fault(at, format!("{} (then {report:?})", error.what)),
        };
    }
    let what = |what: &str| {
        format!(
            "after {report:?}, {}, and without it, {what}",
            short(&answer)
        )
    };
    let (words, reports, sights, answers) = (
        what("words"),
        what("reports"),
        what("sights"),
        what("answers"),
    );
    let mut made = S::take_made(&mut answer);
    made.extend(told.drain(report.now_ns));
    let untold_made = untold.drain(report.now_ns);
    equal(at, &words, &told.words, &untold.words)?;
    equal(at, &reports, &made, &untold_made)?;
    let sight = |run: &Run<S>| -> Vec<S::Answer> {
        let seen = run.settled_sight(report.now_ns).into_iter();
        seen.map(S::without_stale_count).collect()
    };
    let (seen, unseen) = (sight(&told), sight(&untold));
    equal(at, &sights, &seen, &unseen)?;
    look_alike(at, &answers, told, untold, report.now_ns, rest)?;
    Ok(true)
}

/// Both answer the rest of a script alike.
fn look_alike<S: Subject>(
    at: usize,
    what: &str,
    mut one: Run<S>,
    mut other: Run<S>,
    from_ns: u64,
    rest: &[Step<S::Op>],
) -> Result<(), Fault> {
    for step in rest.iter().take(LOOK_AHEAD) {
        let now_ns = step.now_ns.max(from_ns);
        let by_one = S::without_stale_count(one.apply(now_ns, &step.op));
        let by_other = S::without_stale_count(other.apply(now_ns, &step.op));
        equal(at, what, &by_one, &by_other)?;
        equal(at, what, &one.deadline_ns(), &other.deadline_ns())?;
        equal(at, what, &one.words, &other.words)?;
    }
    Ok(())
}

/// L9: forgetting a key whose state equals fresh is unobservable.
pub(crate) fn forgotten<S: Subject>(case: &Case<S>) -> Verdict {
    let mut run = Run::<S>::fresh(case);
    let steps = case.forward();
    let mut tested = 0;
    for (at, step) in steps.iter().enumerate() {
        let _ = run.go(step);
        for op in S::forgettings(&run.machine, step.now_ns) {
            let (mut without, mut with) = (run.clone(), run.clone());
            let mut answer = without.apply(step.now_ns, &op);
            let what = format!("with and without {op:?}, answers");
            let mut made = S::take_made(&mut answer);
            made.extend(without.drain(step.now_ns));
            equal(at, &what, &made, &with.drain(step.now_ns))?;
            let (seen, unseen) = (
                with.settled_sight(step.now_ns),
                without.settled_sight(step.now_ns),
            );
            equal(at, &what, &seen, &unseen)?;
            look_alike(at, &what, with, without, step.now_ns, &steps[at + 1..])?;
            tested += 1;
        }
    }
    Ok(tested)
}

/// L13: tables with the same content answer in the same order, whatever their history or hasher.
pub(crate) fn order<S: Subject>(case: &Case<S>) -> Verdict {
    let mut tested = 0;
    for machine in S::likes_of_fresh(&case.policy) {
        let (mut one, mut other) = (Run::<S>::fresh(case), Run::<S>::fresh(case));
        other.machine = machine;
        for (at, step) in case.forward().iter().enumerate() {
            let (by_one, by_other) = (one.go(step), other.go(step));
            equal(at, "two with the same content, answers", &by_one, &by_other)?;
            let (seen, seen_other) = (
                one.settled_sight(step.now_ns),
                other.settled_sight(step.now_ns),
            );
            equal(at, "two with the same content, sights", &seen, &seen_other)?;
            equal(at, "deadlines", &one.deadline_ns(), &other.deadline_ns())?;
            tested += 1;
        }
    }
    Ok(tested)
}
