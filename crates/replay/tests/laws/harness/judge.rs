//! Runs every law over a machine, finds the shortest script that breaks one, and says how to see it again.

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::law::Law;
use evenkeel_replay::generate::{Pick, Times, mix};

use super::script::{Case, Start};
use super::subject::Subject;
use super::verdict::{Fault, Verdict};
use super::{copy_laws, cost_laws, id_laws, time_laws};

const STEPS: u32 = 40;

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) seed: u64,
    /// Scripts for each policy, of each kind.
    pub(crate) runs: u32,
}

impl Effort {
    /// As the environment says.
    pub(crate) fn from_env() -> Self {
        let number = |name| Some(std::env::var(name).ok()?.parse().expect("a number"));
        Self {
            seed: number("EVENKEEL_LAWS_SEED").unwrap_or(1),
            runs: number("EVENKEEL_LAWS_RUNS").unwrap_or(6) as u32,
        }
    }
}

/// What came out for a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// It held so many times.
    Ok(u64),
    /// It cannot be asked of this machine, for this reason.
    NotApplicable(&'static str),
    /// It broke.
    Broken,
    /// It cannot be judged while this one is broken.
    RestsOn(Law),
}

/// A law that broke, and all that is needed to see it again.
pub(crate) struct Failure {
    pub(crate) law: Law,
    panicked: bool,
    text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What came out for a machine.
pub(crate) struct Report {
    pub(crate) machine: &'static str,
    pub(crate) cells: Vec<(Law, Cell)>,
    pub(crate) failures: Vec<Failure>,
}

/// Runs every law over a machine.
pub(crate) fn judge<S: Subject>(effort: Effort) -> Report {
    let mut cells: Vec<(Law, Cell)> = Law::ALL
        .into_iter()
        .map(|law| {
            (
                law,
                S::not_applicable(law).map_or(Cell::Ok(0), Cell::NotApplicable),
            )
        })
        .collect();
    let mut failures = Vec::new();
    for (number, (policy_name, policy)) in (0..S::POLICIES).map(sample::<S>).enumerate() {
        for run in 0..effort.runs {
            for times in [Times::Tame, Times::Wild] {
                let place = (number as u64) << 33 | u64::from(run) << 1 | times as u64;
                let mut case = Case::<S> {
                    policy_name,
                    policy: policy.clone(),
                    times,
                    seed: mix(effort.seed, place),
                    begin_ns: 0,
                    start: None,
                    steps: Vec::new(),
                };
                let made_up = guarded(|| {
                    case.make_up(STEPS, Pick::new(case.seed));
                    Ok(1)
                });
                if let Err(broken) = made_up {
                    note(
                        &mut cells,
                        &mut failures,
                        Law::AnyU64,
                        broken,
                        &case,
                        effort,
                    );
                }
                // Long runs are dear: one for each policy.
                judge_case(&mut cells, &mut failures, &case, effort, run == 0);
            }
        }
    }
    drop_what_rests(&mut cells, &mut failures);
    Report {
        machine: S::NAME,
        cells,
        failures,
    }
}

fn sample<S: Subject>(number: usize) -> (&'static str, S::Policy) {
    S::sample_policy(number).expect("a good policy for each number")
}

fn judge_case<S: Subject>(
    cells: &mut [(Law, Cell)],
    failures: &mut Vec<Failure>,
    case: &Case<S>,
    effort: Effort,
    is_first: bool,
) {
    for law in Law::ALL {
        let stands = matches!(cells[law.number() - 1].1, Cell::Ok(_));
        if !stands || (law == Law::Bounded && !is_first) {
            continue;
        }
        match guarded(|| check(law, case)) {
            Ok(times) => {
                if let Cell::Ok(sum) = &mut cells[law.number() - 1].1 {
                    *sum += times;
                }
            }
            Err(broken) => note(cells, failures, law, broken, case, effort),
        }
    }
}

/// A fault, or a panic told as one.
struct Broken {
    fault: Fault,
    panicked: bool,
}

/// Runs a check and catches the panic of the machine.
fn guarded(check: impl FnOnce() -> Verdict) -> Result<u64, Broken> {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(verdict) => verdict.map_err(|fault| Broken {
            fault,
            panicked: false,
        }),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).into()));
            let what = format!("it panicked: {}", text.unwrap_or_default());
            Err(Broken {
                fault: Fault { step: 0, what },
                panicked: true,
            })
        }
    }
}

/// Holds the machine to one law in this script: nothing, or how the shortest one found breaks it.
#[allow(dead_code, reason = "for the fuzz targets, which share this harness")]
pub(crate) fn broken_by<S: Subject>(law: Law, case: &Case<S>) -> Option<String> {
    let broken = guarded(|| check(law, case)).err()?;
    let (case, broken) = shorten(law, case.clone(), broken);
    Some(tell(law, &case, &broken.fault))
}

fn check<S: Subject>(law: Law, case: &Case<S>) -> Verdict {
    match law {
        Law::Same => time_laws::same(case),
        Law::ClockBack => time_laws::clock_back(case),
        Law::QuietBefore => time_laws::quiet_before(case),
        Law::ProgressAt => time_laws::progress_at(case),
        Law::LazyIsEager => time_laws::lazy_is_eager(case),
        Law::Restored => copy_laws::restored(case),
        Law::Shifted => copy_laws::shifted(case),
        Law::Strangers => id_laws::strangers(case),
        Law::Forgotten => id_laws::forgotten(case),
        Law::Bounded => cost_laws::bounded(case),
        Law::Words => cost_laws::words(case),
        Law::AnyU64 => copy_laws::any_u64(case),
        Law::Order => id_laws::order(case),
    }
}

/// Takes down a failure with the shortest script that shows it. A panic breaks L12, whichever check ran into it.
fn note<S: Subject>(
    cells: &mut [(Law, Cell)],
    failures: &mut Vec<Failure>,
    checked: Law,
    broken: Broken,
    case: &Case<S>,
    effort: Effort,
) {
    let law = if broken.panicked {
        Law::AnyU64
    } else {
        checked
    };
    if cells[law.number() - 1].1 == Cell::Broken {
        return;
    }
    cells[law.number() - 1].1 = Cell::Broken;
    let panicked = broken.panicked;
    // A long run is made up as it goes: there is no script to shorten.
    let (case, broken) = match checked {
        Law::Bounded => (case.clone(), broken),
        _ => shorten(checked, case.clone(), broken),
    };
    let Effort { seed, runs } = effort;
    let again = format!(
        "EVENKEEL_LAWS_SEED={seed} EVENKEEL_LAWS_RUNS={runs} cargo test -p evenkeel-replay"
    );
    let text =
        tell(law, &case, &broken.fault) + &format!("  again: {again} --test laws {}", S::NAME);
    failures.push(Failure {
        law,
        panicked,
        text,
    });
}

/// The shortest script found that still breaks the law in the same manner.
fn shorten<S: Subject>(law: Law, mut case: Case<S>, mut broken: Broken) -> (Case<S>, Broken) {
    let mut chunk = case.steps.len().max(1);
    loop {
        let mut at = 0;
        while at < case.steps.len() {
            let mut shorter = case.clone();
            let end = (at + chunk).min(shorter.steps.len());
            shorter.steps.drain(at..end);
            match guarded(|| check(law, &shorter)) {
                Err(still) if still.panicked == broken.panicked => {
                    case = shorter;
                    broken = still;
                }
                _ => at += chunk,
            }
        }
        if chunk == 1 {
            return (case, broken);
        }
        chunk = chunk.div_ceil(2);
    }
}

fn tell<S: Subject>(law: Law, case: &Case<S>, fault: &Fault) -> String {
    use fmt::Write;

    let mut text = format!(
        "{} breaks {law} ({}) under policy {:?}, {:?}, at step {} of {}\n  {}\n  policy {:?}\n  words seeded by {:#x}, begun at {}\n",
        S::NAME,
        law.text(),
        case.policy_name,
        case.times,
        fault.step,
        case.steps.len(),
        fault.what,
        case.policy,
        case.seed,
        case.begin_ns,
    );
    if let Some(Start { state, clock_ns }) = &case.start {
        let _ = writeln!(text, "  restored at {clock_ns} from {state:?}");
    }
    for (at, step) in case.steps.iter().enumerate() {
        let _ = writeln!(text, "  {at:3}: at {} {:?}", step.now_ns, step.op);
    }
    text
}

/// What rests on a broken law is not judged; but a panic is a panic.
fn drop_what_rests(cells: &mut [(Law, Cell)], failures: &mut Vec<Failure>) {
    for law in Law::ALL {
        let mut ground = law.rests_on();
        while let Some(under) = ground {
            let is_broken = failures.iter().any(|failure| failure.law == under);
            if is_broken {
                failures.retain(|failure| failure.law != law || failure.panicked);
                let panicked = failures.iter().any(|failure| failure.law == law);
                let cell = &mut cells[law.number() - 1].1;
                if !panicked && !matches!(cell, Cell::NotApplicable(_)) {
                    *cell = Cell::RestsOn(under);
                }
            }
            ground = under.rests_on();
        }
    }
}
