//! What is to be simulated: the sides of a comparison, the points of a sweep, or one scenario alone.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_sim::Scenario;

use super::args::{Assignment, MAX_RUNS, SimulateArgs, Sweep};
use super::source::{self, Source};

const RUNS: u64 = 100;
const SEED: u64 = 1;
/// More cannot be taken in.
const MAX_POINTS: usize = 1_000;
/// All points together: what they measure is kept in memory.
const MAX_ALL_RUNS: u64 = 10 * MAX_RUNS;

/// One scenario with its parameters set.
pub(crate) struct Plan {
    /// What tells it from the others; the name of the scenario where there are none.
    pub(crate) label: String,
    /// The value of each sweep, in their order.
    pub(crate) point: Vec<String>,
    pub(crate) scenario: Box<dyn Scenario>,
    pub(crate) runs: u64,
    pub(crate) seed: u64,
}

/// The scenarios that the user named.
pub(crate) fn sources(args: &SimulateArgs) -> Result<Vec<Source>> {
    let given: Vec<&String> = args.scenario.iter().chain(&args.compare).collect();
    if given.is_empty() {
        return Err(anyhow!(
            "found no scenario, expected a scenario file or one of {}: --list tells more of them",
            source::names().join(", ")
        ));
    }
    if !args.compare.is_empty() && given.len() < 2 {
        return Err(anyhow!(
            "found one scenario to compare, expected two or more: name another, such as --compare {} other.toml",
            given[0]
        ));
    }
    given.into_iter().map(|name| Source::open(name)).collect()
}

/// What to make of them, in the order in which it is told.
pub(crate) fn plans(args: &SimulateArgs, sources: &[Source]) -> Result<Vec<Plan>> {
    let points = points(args)?;
    let mut plans = Vec::new();
    for (source, own) in sources.iter().zip(labels(sources)) {
        for point in &points {
            let mut scenario = source.scenario();
            let set = args.set.iter().map(|set| (set, "--set"));
            let swept = point.iter().map(|set| (set, "--sweep"));
            let mut all: Vec<(&Assignment, &str)> = set.chain(swept).collect();
            // A kind brings parameters of its own: first, as in a file.
            all.sort_by_key(|(set, _)| !set.name.ends_with("kind"));
            for (set, option) in all {
                assign(&mut *scenario, set, option)?;
            }
            let said: Vec<String> = point
                .iter()
                .map(|set| format!("{}={}", set.name, set.value))
                .collect();
            let label = if said.is_empty() {
                own.clone()
            } else {
                said.join(" ")
            };
            scenario
                .check()
                .map_err(|error| anyhow!("{label}: {error}"))?;
            plans.push(Plan {
                label,
                point: point.iter().map(|set| set.value.clone()).collect(),
                scenario,
                runs: args.runs.or(source.runs).unwrap_or(RUNS),
                seed: args.seed.or(source.seed).unwrap_or(SEED),
            });
        }
    }
    let runs: u64 = plans.iter().map(|plan| plan.runs).sum();
    if runs > MAX_ALL_RUNS {
        return Err(anyhow!(
            "found {runs} runs in all, expected at most {MAX_ALL_RUNS}: lower --runs, or leave out values"
        ));
    }
    Ok(plans)
}

/// The names of what is compared, without the folders where the files differ by name.
fn labels(sources: &[Source]) -> Vec<String> {
    let whole = |source: &Source| source.name.clone();
    let file = |source: &Source| {
        let name = Path::new(&source.name).file_name();
        name.map_or_else(|| whole(source), |name| name.to_string_lossy().into_owned())
    };
    let files: BTreeSet<String> = sources.iter().map(file).collect();
    if sources.len() > 1 && files.len() == sources.len() {
        sources.iter().map(file).collect()
    } else {
        sources.iter().map(whole).collect()
    }
}

/// All combinations of the swept values, the first sweep outermost; one without any where nothing is swept.
fn points(args: &SimulateArgs) -> Result<Vec<Vec<Assignment>>> {
    let mut points = vec![Vec::new()];
    for (at, Sweep { name, values }) in args.sweep.iter().enumerate() {
        if args.set.iter().any(|set| set.name == *name) {
            return Err(anyhow!(
                "{name} is set and swept, expected one of them: leave out --set {name}"
            ));
        }
        if args.sweep[..at].iter().any(|before| before.name == *name) {
            return Err(anyhow!(
                "{name} is swept twice, expected all its values in one --sweep"
            ));
        }
        if points.len().saturating_mul(values.len()) > MAX_POINTS {
            return Err(anyhow!(
                "found more than {MAX_POINTS} combinations of swept values, expected at most that: leave out some"
            ));
        }
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(|value| {
                    let (name, value) = (name.clone(), value.clone());
                    let set = Assignment { name, value };
                    point.iter().cloned().chain([set]).collect()
                })
            })
            .collect();
    }
    Ok(points)
}

fn assign(scenario: &mut dyn Scenario, set: &Assignment, option: &str) -> Result<()> {
    let Assignment { name, value } = set;
    scenario.set(name, value).map_err(|error| {
        let hint = source::meant(&error.to_string());
        anyhow!("{option} {name}={value}: {error}{hint}")
    })
}
