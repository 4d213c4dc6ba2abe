//! What each subcommand does, from its arguments to its output.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::decisions::DecisionLog;
use crate::output::{self, Draft, cannot_write};
use crate::policy::PolicyFile;
use crate::progress::Progress;
use crate::report::Inputs;
use crate::terminal::{self, Screen};
use crate::timeline::Timeline;
use crate::trace::{Keyed, Trace};
use crate::{ExplainArgs, PercentilesArgs, ReplayArgs};
use crate::{band, explain as diagrams, percentiles as windows, replay as engine, report};

pub(crate) fn replay(args: &ReplayArgs) -> Result<()> {
    let file = PolicyFile::load(&args.policy)?;
    let policy = file.breaker()?;
    let outputs: Vec<&Path> = [&args.decisions, &args.report]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    output::check(&outputs, &[&args.trace, &args.policy])?;
    let keyed = if args.per_key { Keyed::Yes } else { Keyed::No };
    let trace = Trace::open(&args.trace, keyed, Progress::shown())?;
    let trace_name = trace.name().to_owned();
    let slow_limit_ns = engine::slow_limit_ns(policy);
    let mut timeline = Timeline::new(slow_limit_ns, args.report.is_some());
    let mut decisions = args
        .decisions
        .as_deref()
        .map(DecisionLog::create)
        .transpose()?;
    let summary = engine::replay(trace, policy, args.seed, decisions.as_mut(), &mut timeline)?;
    if let Some(decisions) = decisions {
        decisions.finish()?;
    }
    if let Some(path) = &args.report {
        let html = report::html(&Inputs {
            trace_name: &trace_name,
            policy_name: &file.name,
            policy_text: &file.text,
            policy,
            seed: args.seed,
            per_key: args.per_key,
            summary: &summary,
            timeline: &timeline,
        });
        let mut draft = Draft::create(path)?;
        draft
            .write_all(html.as_bytes())
            .map_err(|error| cannot_write(path, &error))?;
        draft.keep()?;
    }

    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", summary.json()?)?;
    } else {
        let screen = Screen::of_stdout();
        let (width, colour) = (screen.width, screen.colour);
        writeln!(
            out,
            "{}",
            terminal::header(&trace_name, &file.name, &summary, args.per_key)
        )?;
        writeln!(out, "{}", terminal::transitions(&summary, screen))?;
        let picture = band::draw(&timeline, &summary, args.per_key, width, colour);
        writeln!(out, "{}\n", picture.trim_end_matches('\n'))?;
        write!(out, "{}", terminal::numbers(&summary, slow_limit_ns))?;
        if let Some(path) = &args.report {
            writeln!(out, "Report: {}", path.display())?;
        }
    }
    out.flush()?;
    Ok(())
}

pub(crate) fn percentiles(args: &PercentilesArgs) -> Result<()> {
    let mut trace = Trace::open(&args.trace, Keyed::No, Progress::beside_output())?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let every = args.every.unwrap_or_else(|| u64::from(args.window));
    windows::percentiles(&mut trace, args.window, every, &mut out)?;
    out.flush()?;
    Ok(())
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<()> {
    let file = PolicyFile::load(&args.policy)?;
    if file.policies.breaker.is_none() && file.policies.backoff.is_none() {
        return Err(anyhow!(
            "{}:1:1: found no table, expected [breaker] or [backoff]: there is nothing to explain",
            file.name
        ));
    }
    let screen = Screen::of_stdout();
    let text = diagrams::explain(&file.policies, &file.name, screen.width, screen.colour);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    out.flush()?;
    Ok(())
}
