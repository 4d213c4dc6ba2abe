//! The published vectors: numbers out of other projects' test suites, specifications and articles, against ours.
//!
//! Each step is a call that can happen to a machine ([`Machine::Op`](evenkeel_replay::Machine)), and what the vector
//! expects is compared with the answer.
//!
//! `EVENKEEL_VECTORS` is a path list of folders; its default is the folder `shared/vectors` beside the repository.
//! Every `*.json` in them is read, and every vector goes to the machine that it names, never by its own name or
//! its file's. The outcome of each is one of
//!
//! - `agree`: every number that the source states;
//! - `differs`: the source's rule and ours part somewhere, by the decision named; whatever that does not touch agrees,
//!   and where it does, both numbers are the ones that their rules give;
//! - `unsupported`: there is no such machine here, or the vector needs something that none of ours has;
//! - `FAIL`: anything else.
#![cfg(feature = "alloc")]

mod ask;
mod backoff;
mod breaker;
mod breaker_counts;
mod breaker_plan;
mod formula;
mod percentile;
mod quota;
mod ratio;
mod read;
mod throttle;
mod tokens;
mod window;
mod words;

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use read::{Members, Stop, fail, unsupported};
use serde_json::Value;

/// The decisions by which a vector differs; none when it agrees.
type Differences = BTreeSet<&'static str>;
type Checked = Result<Differences, Stop>;

#[derive(Default)]
struct Tally {
    agree: u32,
    differ: u32,
    unsupported: u32,
    fail: u32,
    lines: String,
}

#[test]
fn vectors() {
    let mut tally = Tally::default();
    for folder in folders() {
        tally.folder(&folder);
    }
    let Tally {
        agree,
        differ,
        unsupported,
        fail,
        mut lines,
    } = tally;
    let _ = writeln!(
        lines,
        "vectors: {agree} agree, {differ} differ, {unsupported} unsupported, {fail} FAIL"
    );
    // Past the harness's capture: what differs is worth reading when all is well, too.
    let _ = std::io::stdout().write_all(format!("\n{lines}").as_bytes());
    assert_eq!(fail, 0, "{lines}");
}

/// Vectors of no source, one or more for each way in which a product can part from ours, with the outcome that
/// each must have: so that a wrong number is never passed over as a difference.
#[test]
fn each_outcome_is_told_apart() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("made_up.json")).expect("a list");
    for vector in &vectors {
        let (outcome, why) = match check(vector) {
            Ok(differences) if differences.is_empty() => ("agree", String::new()),
            Ok(differences) => ("differs", format!("{differences:?}")),
            Err(Stop::Unsupported(why)) => ("unsupported", why),
            Err(Stop::Fail(why)) => ("FAIL", why),
        };
        assert_eq!(vector["outcome"], outcome, "{}: {why}", vector["name"]);
    }
}

/// The folders to read. A clone without its neighbour folder has none, and says so.
fn folders() -> Vec<PathBuf> {
    if let Some(list) = env::var_os("EVENKEEL_VECTORS") {
        return env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if beside.is_dir() {
        vec![beside]
    } else {
        println!("no {}: set EVENKEEL_VECTORS", beside.display());
        Vec::new()
    }
}

impl Tally {
    fn folder(&mut self, folder: &Path) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.failed(&folder.display().to_string(), &error.to_string()),
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
        files.sort();
        for file in files {
            self.file(&file);
        }
    }

    fn file(&mut self, file: &Path) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(file).map_err(|error| error.to_string());
        let read: Result<Value, String> =
            text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        match read {
            Ok(Value::Array(vectors)) => {
                for (at, vector) in vectors.iter().enumerate() {
                    let title = vector.get("name").and_then(Value::as_str);
                    let title = title.map_or_else(|| format!("#{at}"), str::to_owned);
                    self.count(&format!("{name} \"{title}\""), check(vector));
                }
            }
            Ok(_) => self.failed(&name, "is no list of vectors"),
            Err(error) => self.failed(&name, &error),
        }
    }

    fn count(&mut self, which: &str, outcome: Checked) {
        let _ = match outcome {
            Ok(differences) if differences.is_empty() => {
                self.agree += 1;
                return;
            }
            Ok(differences) => {
                self.differ += 1;
                let decisions: Vec<_> = differences.into_iter().collect();
                let decisions = decisions.join("; ");
                writeln!(self.lines, "differs: {which}: DESIGN 4, {decisions}")
            }
            Err(Stop::Unsupported(why)) => {
                self.unsupported += 1;
                writeln!(self.lines, "unsupported: {which}: {why}")
            }
            Err(Stop::Fail(why)) => return self.failed(which, &why),
        };
    }

    fn failed(&mut self, which: &str, why: &str) {
        self.fail += 1;
        let _ = writeln!(self.lines, "FAIL: {which}: {why}");
    }
}

fn check(vector: &Value) -> Checked {
    let vector = Members::of(vector, "a vector")?;
    let Some(machine) = vector.text("machine")? else {
        return fail("it names no machine");
    };
    let config = match vector.get("config") {
        Some(config) => Members::of(config, "config")?,
        None => return fail("it has no config"),
    };
    let Some(Value::Array(steps)) = vector.get("steps") else {
        return fail("it has no list of steps");
    };
    let steps: Vec<Step<'_>> = steps.iter().map(Step::of).collect::<Result<_, _>>()?;
    match machine {
        "backoff" => backoff::check(config, &steps),
        "breaker" => breaker::check(config, &steps),
        "percentile" => percentile::check(config, &steps),
        "window_count" => window::check_count(config, &steps),
        "window_time" => window::check_time(config, &steps),
        "scenario" => unsupported("not a machine: a set-up for the simulator"),
        "cubic_rate" => unsupported("not a machine of this library: it shapes no sending rate"),
        "retry_quota" => quota::check(config, &steps),
        "retry_quota_primitive" => tokens::check_primitive(config, &steps),
        "ratio_throttle" => tokens::check_throttle(config, &steps),
        "token_bucket" => tokens::check_bucket(config, &steps),
        "retry_budget_ratio" => ratio::check(config, &steps),
        "adaptive_throttle" => throttle::check(config, &steps),
        other => unsupported(format!("no such machine: {other}")),
    }
}

/// One step of a vector.
struct Step<'a> {
    now_ns: u64,
    input: Members<'a>,
    expect: Members<'a>,
}

impl<'a> Step<'a> {
    fn of(value: &'a Value) -> Result<Self, Stop> {
        let step = Members::of(value, "a step")?;
        let part = |name| match step.get(name) {
            Some(part) => Members::of(part, name),
            None => fail(format!("a step has no {name}")),
        };
        Ok(Self {
            now_ns: step.needed("t_ns")?,
            input: part("input")?,
            expect: part("expect")?,
        })
    }
}
