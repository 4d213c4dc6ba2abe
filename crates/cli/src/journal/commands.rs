//! What each command about journals does, from its arguments to its output.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};
use evenkeel_replay::journal::Loaded;
use evenkeel_replay::what_if::{self, WhatIf, WhatIfError};
use serde::Serialize;

use super::args::{
    DiffArgs, JournalArgs, JournalCommand, ShowArgs, ShrinkArgs, StatsArgs, VerifyArgs, WhatIfArgs,
};
use super::diff::compare;
use super::filter::Filter;
use super::show::{Show, show};
use super::shrink::{self, Cut};
use super::source::Source;
use super::stats::stats;
use super::{verify as checked, what_if as compared};
use crate::output;
use crate::policy::PolicyFile;
use crate::progress::Progress;
use crate::report::comparison;
use crate::screen::Screen;
use crate::text::printable;
use crate::{Ended, error, numbers};

pub(crate) fn verify(args: &VerifyArgs) -> Result<Ended> {
    let stdins = args.journals.iter().filter(|path| path.as_os_str() == "-");
    if stdins.count() > 1 {
        return Err(anyhow!(
            "found - more than once, expected it once: standard input can be read only once"
        ));
    }
    let screen = Screen::of_stdout();
    let mut worst = Ended::Well;
    for path in &args.journals {
        let source = Source::new(path);
        let started = Instant::now();
        let outcome = checked::check(&source);
        worst = worst.max(outcome.ended());
        let mut out = io::stdout().lock();
        if args.json {
            writeln!(out, "{}", outcome.json(&source)?)?;
            continue;
        }
        match outcome.text(&source, screen, args.state) {
            // How long it took is for who waited for it: elsewhere the same journal gives the same bytes.
            Ok(text) if screen.is_terminal && outcome.ended() == Ended::Well => {
                let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
                writeln!(out, "{text}, in {}", numbers::rounded(took))?;
            }
            Ok(text) => writeln!(out, "{text}")?,
            Err(error) => error::tell(error),
        }
        out.flush()?;
    }
    Ok(worst)
}

pub(crate) fn what_if(args: &WhatIfArgs) -> Result<Ended> {
    let file = PolicyFile::load(&args.policy)?;
    let outputs: Vec<&Path> = args.report.as_deref().into_iter().collect();
    output::check(&outputs, &[&args.journal, &args.policy])?;
    let source = Source::new(&args.journal);
    let loaded = source.load()?;
    let policies = compared::policies(&source, &loaded, &file, &args.machine)?;
    let busy = Progress::busy("replaying");
    let found = what_if::what_if(&loaded, &policies, args.unknown.into(), args.seed);
    drop(busy);
    let found = match found {
        Ok(found) => found,
        Err(error @ WhatIfError::NotVerified { .. }) => {
            let (name, fix) = (&source.name, "`evenkeel verify` shows it");
            let error = printable(&error.to_string());
            error::tell(format!("{name}: {error}: {fix}"));
            return Ok(Ended::Differs);
        }
        Err(error) => return Err(anyhow!("{}: {}", file.name, printable(&error.to_string()))),
    };
    if let Some(path) = &args.report {
        let page = comparison::html(&source.name, &file, &found);
        output::write(path, &page)?;
    }
    let mut out = io::stdout().lock();
    if args.json {
        let json = WhatIfJson {
            journal: &source.name,
            policy: &file.name,
            found: &found,
        };
        writeln!(out, "{}", serde_json::to_string(&json)?)?;
    } else {
        write!(out, "{}", compared::text(&source, &file, &found))?;
        if let Some(path) = &args.report {
            writeln!(out, "Report: {}", path.display())?;
        }
    }
    out.flush()?;
    Ok(damaged(&source, &loaded))
}

/// What was done is done with all that can be read, but it is not all there was.
fn damaged(source: &Source, loaded: &Loaded) -> Ended {
    let Some(damage) = &loaded.damage else {
        return Ended::Well;
    };
    let complaint = source.complaint(damage);
    error::tell(format!("{complaint}\nOnly what stands before it was used."));
    Ended::BadInput
}

#[derive(Serialize)]
struct WhatIfJson<'a> {
    journal: &'a str,
    policy: &'a str,
    #[serde(flatten)]
    found: &'a WhatIf,
}

fn shrunk(args: &ShrinkArgs) -> Result<Ended> {
    let outputs: Vec<&Path> = args.out.as_deref().into_iter().collect();
    output::check(&outputs, &[&args.journal])?;
    let source = Source::new(&args.journal);
    let loaded = source.load()?;
    let (shrunk, property) = match shrink::cut(args, &source, &loaded)? {
        Cut::Shrunk(shrunk, property) => (shrunk, property),
        Cut::NotShown(why) => {
            error::tell(why);
            return Ok(damaged(&source, &loaded).max(Ended::Differs));
        }
    };
    let text = shrunk.text();
    let mut out = io::stdout().lock();
    if let Some(path) = &args.out {
        output::write(path, &text)?;
        write!(out, "{}", shrink::told(&source, &shrunk, &property, path))?;
    } else {
        out.write_all(text.as_bytes())?;
        // Who does not read stderr has all that was asked for.
        let told = shrink::told(&source, &shrunk, &property, Path::new("FILE"));
        let _ = write!(io::stderr(), "{told}");
    }
    out.flush()?;
    Ok(damaged(&source, &loaded))
}

pub(crate) fn journal(args: &JournalArgs) -> Result<Ended> {
    match &args.command {
        JournalCommand::Show(args) => shown(args),
        JournalCommand::Stats(args) => counted(args),
        JournalCommand::Shrink(args) => shrunk(args),
        JournalCommand::Diff(args) => diff(args),
    }
}

fn shown(args: &ShowArgs) -> Result<Ended> {
    let what = Show {
        filter: Filter {
            machines: &args.machine,
            key: args.key.as_deref(),
            from: args.from,
            to: args.to,
        },
        only_changes: args.changes,
        words: args.words,
        json: args.json,
        screen: Screen::of_stdout(),
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    show(&Source::new(&args.journal), &what, &mut out)?;
    out.flush()?;
    Ok(Ended::Well)
}

fn counted(args: &StatsArgs) -> Result<Ended> {
    let source = Source::new(&args.journal);
    let stats = stats(&source)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&stats)?)?;
    } else {
        write!(
            out,
            "{}",
            stats.text(&source.name, Screen::of_stdout().width)
        )?;
    }
    out.flush()?;
    Ok(Ended::Well)
}

fn diff(args: &DiffArgs) -> Result<Ended> {
    if args.one.as_os_str() == "-" && args.other.as_os_str() == "-" {
        return Err(anyhow!(
            "found - twice, expected it once: standard input can be read only once"
        ));
    }
    let (one, other) = (Source::new(&args.one), Source::new(&args.other));
    let (ended, text) = compare(&one, &other, Screen::of_stdout())?;
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(ended)
}
