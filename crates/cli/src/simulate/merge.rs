//! `evenkeel merge`: the parts of a simulation, joined to the very bytes of the whole.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_sim::{Run, Summary, summarize};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::args::{MAX_RUNS, MergeArgs};
use super::shard::Part;
use crate::{Ended, input, numbers, place};

/// Reads all parts and prints the whole.
pub(crate) fn merge(args: &MergeArgs) -> Result<Ended> {
    let mut files = Vec::new();
    for path in &args.parts {
        files.push(read(path)?);
    }
    let lines = files.first().map_or(0, Vec::len);
    if let Some((first, other)) = files.first().zip(files.iter().find(|of| of.len() != lines)) {
        return Err(anyhow!(
            "{} has {} and {} has {}: they are not parts of one simulation",
            other[0].0,
            numbers::counted(other.len() as u64, "line"),
            first[0].0,
            numbers::counted(lines as u64, "line")
        ));
    }
    let mut wholes: Vec<Vec<Named>> = (0..lines).map(|_| Vec::new()).collect();
    for file in files {
        for (whole, part) in wholes.iter_mut().zip(file) {
            whole.push(part);
        }
    }
    let wholes: Vec<Whole> = wholes.into_iter().map(join).collect::<Result<_>>()?;
    let mut out = BufWriter::new(io::stdout().lock());
    for whole in wholes {
        writeln!(out, "{}", serde_json::to_string(&whole)?)?;
    }
    out.flush()?;
    Ok(Ended::Well)
}

/// A part, and the file that it comes from.
type Named = (String, Part);

/// The parts of a file: one a line, at least one.
fn read(path: &Path) -> Result<Vec<Named>> {
    let name = input::name(path);
    let mut text = String::new();
    let read = input::open(path)?.0.read_to_string(&mut text);
    read.map_err(|error| anyhow!("{name}: cannot be read: {error}"))?;
    let mut parts: Vec<Named> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let part: Part = serde_json::from_str(line).map_err(|error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or("");
            let what = format!("{what}: expected what `evenkeel simulate --shard` prints");
            let place = error.column().saturating_sub(1);
            let (number, line) = (at as u64 + 1, line.as_bytes());
            anyhow!(place::complaint(
                &name,
                number,
                line,
                place..place + 1,
                &what
            ))
        })?;
        check(&part).map_err(|problem| anyhow!("{name}:{}:1: {problem}", at + 1))?;
        if let Some((_, first)) = parts.first() {
            one_part(first, &part).map_err(|problem| anyhow!("{name}:{}:1: {problem}", at + 1))?;
        }
        parts.push((name.clone(), part));
    }
    if parts.is_empty() {
        return Err(anyhow!(
            "{name}: is empty, expected what `evenkeel simulate --shard` prints: did that run end well?"
        ));
    }
    Ok(parts)
}

/// A part that contradicts itself was not printed by `simulate`.
fn check(part: &Part) -> Result<(), String> {
    let shard = part.shard;
    if !(1..=shard.of).contains(&shard.number) {
        return Err(format!(
            "found part {} of {}: parts are counted from 1",
            shard.number, shard.of
        ));
    }
    if !(1..=MAX_RUNS).contains(&part.runs) {
        return Err(format!(
            "found {} runs, expected 1 to {MAX_RUNS}: the file was changed",
            part.runs
        ));
    }
    let runs = shard.runs(part.runs).count();
    if part.values.len() != runs {
        return Err(format!(
            "found the values of {} runs, expected {runs}: the file was changed",
            part.values.len()
        ));
    }
    let metrics = part.metrics.len();
    match part.values.iter().find(|values| values.len() != metrics) {
        Some(values) => Err(format!(
            "found a run with {} values, expected {metrics}, one for each metric",
            values.len()
        )),
        None => Ok(()),
    }
}

/// The lines of a file are the points of one part, not one part after the other.
fn one_part(first: &Part, other: &Part) -> Result<(), String> {
    let (first, other) = (first.shard, other.shard);
    if first == other {
        return Ok(());
    }
    Err(format!(
        "found part {} of {} below part {} of {}, expected one part: give each part as a file of its own",
        other.number, other.of, first.number, first.of
    ))
}

/// What the unsharded simulation prints.
struct Whole {
    first: Part,
    metrics: Vec<Summary>,
}

fn join(mut parts: Vec<Named>) -> Result<Whole> {
    parts.sort_by_key(|(_, part)| part.shard.number);
    let Some((first_name, first)) = parts.first() else {
        return Err(anyhow!("found no part"));
    };
    for (name, part) in &parts {
        if part.whole() != first.whole() || part.metrics != first.metrics {
            return Err(anyhow!(
                "{name} is a part of another simulation than {first_name}:\n  {}\n  {}",
                part.whole(),
                first.whole()
            ));
        }
    }
    let of = first.shard.of;
    for ((name, part), (next_name, next)) in parts.iter().zip(parts.iter().skip(1)) {
        if part.shard.number == next.shard.number {
            let number = part.shard.number;
            return Err(anyhow!(
                "{name} and {next_name} are both part {number} of {of}"
            ));
        }
    }
    let has = |number: &u64| parts.iter().any(|(_, part)| part.shard.number == *number);
    let missing: Vec<_> = (1..=of).filter(|number| !has(number)).take(20).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(u64::to_string).collect();
        return Err(anyhow!(
            "of {of} parts these are missing: {}",
            missing.join(", ")
        ));
    }
    let runs = first.runs;
    let mut rows: Vec<_> = parts.iter().map(|(_, part)| part.values.iter()).collect();
    let runs: Vec<Run> = (0..runs)
        .filter_map(|run| rows.get_mut(usize::try_from(run % of).ok()?)?.next())
        .map(|values| Run {
            values: values.clone(),
            events: 0,
            end_ns: 0,
        })
        .collect();
    let metrics = summarize(&runs);
    let first = parts.swap_remove(0).1;
    Ok(Whole { first, metrics })
}

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut fields = s.serialize_struct("Whole", 5)?;
        fields.serialize_field("scenario", &self.first.scenario)?;
        fields.serialize_field("params", &self.first.params)?;
        fields.serialize_field("runs", &self.first.runs)?;
        fields.serialize_field("seed", &self.first.seed)?;
        fields.serialize_field("metrics", &Metrics(self))?;
        fields.end()
    }
}

struct Metrics<'a>(&'a Whole);

impl Serialize for Metrics<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (name, summary) in self.0.first.metrics.iter().zip(&self.0.metrics) {
            map.serialize_entry(name, summary)?;
        }
        map.end()
    }
}
