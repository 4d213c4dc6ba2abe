//! Where a scenario comes from: built in, by name, or a scenario file.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use evenkeel_sim::{FileError, Scenario, ScenarioFile, scenarios};

use crate::{input, near, place, policy};

/// A scenario that can be made anew as often as it takes.
pub(crate) struct Source {
    /// As the user named it.
    pub(crate) name: String,
    origin: Origin,
    /// How many runs its file asks for.
    pub(crate) runs: Option<u64>,
    /// The seed that its file asks for.
    pub(crate) seed: Option<u64>,
}

enum Origin {
    BuiltIn,
    File { path: PathBuf, text: String },
}

impl Source {
    /// The scenario that the user named. A file's tables that its scenario has no machine for are told on stderr.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let path = Path::new(name);
        let source = |origin, runs, seed| Self {
            name: name.into(),
            origin,
            runs,
            seed,
        };
        if path.extension().is_none_or(|ending| ending != "toml") {
            scenarios::by_name(name).ok_or_else(|| anyhow!(unknown(name)))?;
            return Ok(source(Origin::BuiltIn, None, None));
        }
        let bytes = input::read(path)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let what = "found bytes that are not UTF-8, expected UTF-8 text: convert the file";
            anyhow!(place::complaint_in(
                name,
                error.as_bytes(),
                at..at + 1,
                what
            ))
        })?;
        let file = parse(path, &text).map_err(|error| {
            let what = policy::reworded(error.what(), "");
            let what = format!("{what}{}", meant(&what));
            anyhow!(place::complaint_in(
                name,
                text.as_bytes(),
                error.span(),
                &what
            ))
        })?;
        if !file.unused.is_empty() {
            let tables = file.unused.join("], [");
            let scenario = file.scenario.name();
            eprintln!(
                "note: {name}: {scenario} has no machine for [{tables}]: checked, but not used"
            );
        }
        let (runs, seed) = (file.runs, file.seed);
        let path = path.to_owned();
        Ok(source(Origin::File { path, text }, runs, seed))
    }

    /// With the parameters that it comes with.
    pub(crate) fn scenario(&self) -> Box<dyn Scenario> {
        match &self.origin {
            Origin::BuiltIn => scenarios::by_name(&self.name).expect("`open` found it"),
            Origin::File { path, text } => parse(path, text).expect("`open` read it").scenario,
        }
    }

    /// Its file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::BuiltIn => None,
            Origin::File { path, .. } => Some(path),
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<ScenarioFile, FileError> {
    ScenarioFile::parse(text, path.parent().unwrap_or_else(|| Path::new("")))
}

/// The names of the built-in scenarios.
pub(crate) fn names() -> Vec<&'static str> {
    scenarios::all()
        .iter()
        .map(|scenario| scenario.name())
        .collect()
}

/// What is meant where a sentence of the simulator quotes one word and lists those that there are.
pub(super) fn meant(what: &str) -> String {
    let given = what.split('"').nth(1).unwrap_or("");
    let lists = ["; it has ", ": it must be one of ", ": it must be "];
    let list = lists
        .iter()
        .find_map(|start| Some(what.split_once(start)?.1))
        .unwrap_or("");
    let words = list.split(", ").flat_map(|words| words.split(" or "));
    // A range in words is no list.
    near::hint(given, words.filter(|word| !word.contains(' ')))
}

fn unknown(name: &str) -> String {
    let names = names();
    let hint = near::hint(name, names.iter().copied());
    format!(
        "found the unknown scenario {name}, expected a file whose name ends in .toml, or one of {}{hint}",
        names.join(", ")
    )
}
