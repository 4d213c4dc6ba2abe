//! The binary `evenkeel`: runs resilience policies over recorded traffic, explains them, and replays journals.

mod args;
mod band;
mod bare;
mod commands;
mod decisions;
mod error;
mod explain;
mod extent;
mod input;
mod journal;
mod keys;
mod near;
mod notes;
mod numbers;
mod outline;
mod output;
mod percentiles;
mod place;
mod policy;
mod progress;
#[cfg(feature = "record")]
mod record;
#[cfg(not(feature = "record"))]
#[path = "record/absent.rs"]
mod record;
mod recorded;
mod replay;
mod report;
mod screen;
mod shell;
mod simulate;
mod starter;
mod summary;
mod terminal;
mod text;
mod timeline;
mod trace;
mod trace_error;
mod wrap;

use std::io;
use std::process::ExitCode;

use clap::{ColorChoice, Parser};

use args::{Cli, Command};

/// Bad usage or bad input.
const BAD_INPUT: u8 = 2;

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Well = 0,
    /// A difference or a failed check.
    Differs = 1,
    /// Bad input, of which all has been said.
    BadInput = BAD_INPUT as isize,
}

fn main() -> ExitCode {
    // Bad usage ends in clap, with exit code 2.
    let Cli { color, command } = Cli::parse();
    choose(color);
    let result = match command {
        Command::Replay(args) => commands::replay(&args),
        Command::Percentiles(args) => commands::percentiles(&args),
        Command::Explain(args) => commands::explain(&args),
        Command::Policy(args) => starter::policy(&args),
        Command::Verify(args) => journal::verify(&args),
        Command::WhatIf(args) => journal::what_if(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Record(args) => record::record(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Merge(args) => simulate::merge(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    let error = match result {
        Ok(ended) => return ExitCode::from(ended as u8),
        Err(error) => error,
    };
    match error.downcast_ref::<io::Error>() {
        // `evenkeel .. | head` is no error.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        // Only the errors of stdout come as they are; those of files have been put into words.
        Some(error) => error::tell(format!("stdout: cannot be written: {error}")),
        None => error::tell(error),
    }
    ExitCode::from(BAD_INPUT)
}

/// For all that is printed from here on.
fn choose(color: ColorChoice) {
    let choice = match color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
