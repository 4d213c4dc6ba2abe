//! What each subcommand does, from its arguments to its output.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::Ended;
use crate::args::{ExplainArgs, PercentilesArgs, ReplayArgs};
use crate::decisions::DecisionLog;
use crate::notes;
use crate::output;
use crate::policy::{Policies, PolicyFile};
use crate::progress::Progress;
use crate::recorded::JournalFile;
use crate::report::Inputs;
use crate::screen::Screen;
use crate::terminal;
use crate::timeline::Timeline;
use crate::trace::{Keyed, Trace};
use crate::{band, explain as diagrams, percentiles as windows, replay as engine, report};

pub(crate) fn replay(args: &ReplayArgs) -> Result<Ended> {
    let on_stdout = args.decisions.as_deref() == Some(Path::new("-"));
    if on_stdout && args.json {
        return Err(anyhow!(
            "found --decisions - with --json, expected one of them: both write to stdout; name a file for the decisions"
        ));
    }
    let file = PolicyFile::load(&args.policy).map_err(|error| hinted(args, error))?;
    let policy = file.breaker()?;
    let decisions = args.decisions.as_deref().filter(|_| !on_stdout);
    let outputs: Vec<&Path> = decisions
        .into_iter()
        .chain(args.report.as_deref())
        .chain(args.journal.as_deref())
        .collect();
    output::check(&outputs, &[&args.trace, &args.policy])?;
    let keyed = if args.per_key { Keyed::Yes } else { Keyed::No };
    let progress = match on_stdout {
        true => Progress::beside_output(),
        false => Progress::shown(),
    };
    let trace = Trace::open(&args.trace, keyed, progress)?;
    let trace_name = trace.name().to_owned();
    let mut timeline = Timeline::new(engine::slow_limit_ns(policy), args.report.is_some());
    let mut decisions = match decisions {
        Some(path) => Some(DecisionLog::create(path)?),
        None => on_stdout.then(DecisionLog::on_stdout),
    };
    let journal = args
        .journal
        .as_deref()
        .map(JournalFile::create)
        .transpose()?;
    let summary = engine::replay(
        trace,
        policy,
        args.seed,
        decisions.as_mut(),
        journal.as_ref().map(JournalFile::journal),
        &mut timeline,
    )?;
    if let Some(decisions) = decisions {
        decisions.finish()?;
    }
    journal.map_or(Ok(()), JournalFile::finish)?;
    let inputs = Inputs {
        trace_name: &trace_name,
        policy_name: &file.name,
        policy_text: &file.text,
        policy_notes: &file.notes,
        policy,
        seed: args.seed,
        per_key: args.per_key,
        summary: &summary,
        timeline: &timeline,
    };
    if let Some(path) = &args.report {
        output::write(path, &report::html(&inputs))?;
    }
    tell(&inputs, args, on_stdout)?;
    Ok(Ended::Well)
}

/// The error of the policy, and a hint where trace and policy are exchanged.
fn hinted(args: &ReplayArgs, error: anyhow::Error) -> anyhow::Error {
    let is_policy = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("toml" | "json"))
    };
    match is_policy(&args.trace) && !is_policy(&args.policy) {
        true => anyhow!(
            "{error}: exchanged with the trace {}?",
            args.trace.display()
        ),
        false => error,
    }
}

/// Prints the summary; to stderr where the decisions have stdout.
fn tell(inputs: &Inputs<'_>, args: &ReplayArgs, on_stdout: bool) -> Result<()> {
    if on_stdout {
        // Who does not read stderr has all that was asked for.
        let _ = print(inputs, args, Screen::of_stderr(), io::stderr().lock());
        return Ok(());
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", inputs.summary.json()?)?;
        out.flush()?;
        return Ok(());
    }
    Ok(print(inputs, args, Screen::of_stdout(), out)?)
}

/// The summary for people.
fn print(
    inputs: &Inputs<'_>,
    args: &ReplayArgs,
    screen: Screen,
    out: impl Write,
) -> io::Result<()> {
    let Inputs {
        summary, timeline, ..
    } = *inputs;
    let mut out = BufWriter::new(out);
    let header = terminal::header(
        inputs.trace_name,
        inputs.policy_name,
        summary,
        inputs.per_key,
    );
    writeln!(out, "{}\n", screen.fitted(header.trim_end()))?;
    writeln!(
        out,
        "{}",
        terminal::transitions(summary, inputs.policy, screen)
    )?;
    let picture = band::draw(timeline, summary, inputs.per_key, screen);
    writeln!(out, "{}\n", picture.trim_end_matches('\n'))?;
    write!(
        out,
        "{}",
        terminal::numbers(summary, timeline.slow_limit_ns(), screen)
    )?;
    let mut notes = notes::notes(summary, inputs.policy, inputs.per_key);
    notes.extend_from_slice(inputs.policy_notes);
    write!(out, "{}", told(&notes, screen))?;
    if let Some(path) = &args.report {
        writeln!(out, "Report: {}", path.display())?;
    }
    out.flush()
}

/// Notes below all else: a blank line, then a line for each.
fn told(notes: &[String], screen: Screen) -> String {
    let lines: String = notes
        .iter()
        .map(|note| screen.fitted(&format!("note: {note}")) + "\n")
        .collect();
    match notes.is_empty() {
        true => lines,
        false => format!("\n{lines}"),
    }
}

pub(crate) fn percentiles(args: &PercentilesArgs) -> Result<Ended> {
    let mut trace = Trace::open(&args.trace, Keyed::No, Progress::beside_output())?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let every = args.every.unwrap_or_else(|| u64::from(args.window));
    windows::percentiles(&mut trace, args.window, every, &mut out)?;
    out.flush()?;
    let (name, extent) = (trace.name(), trace.extent());
    let whole = extent.words(&trace.key_count().to_string());
    // Who does not read stderr has all that was asked for.
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{name}: {whole}");
    if let Some(note) = extent.gap_note() {
        let _ = writeln!(err, "note: {note}");
    }
    Ok(Ended::Well)
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<Ended> {
    let file = PolicyFile::load(&args.policy)?;
    if file.policies.is_empty() {
        return Err(anyhow!(
            "{}:1:1: found no table, expected one of [{}]: there is nothing to explain",
            file.name,
            Policies::NAMES.join("], [")
        ));
    }
    let screen = Screen::of_stdout();
    let text = diagrams::explain(&file.policies, &file.name, screen.width, screen.colour);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    write!(out, "{}", told(&file.notes, screen))?;
    out.flush()?;
    Ok(Ended::Well)
}
