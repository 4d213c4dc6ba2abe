//! `record`: real HTTP clients behind evenkeel-tokio's machines, a server that gets into trouble, and a journal of it.

pub(crate) mod args;
mod bare;
mod checkout;
mod policy;
mod run;
mod script;
mod server;
mod status;
mod summary;
mod tally;
mod wire;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::{Ended, output};

pub(crate) use args::{ABOUT, RecordArgs};

pub(crate) fn record(args: &RecordArgs) -> Result<Ended> {
    let mut stdout = io::stdout().lock();
    if args.print_policy {
        write!(stdout, "{}", policy::BUILT_IN)?;
        return Ok(Ended::Well);
    }
    let out = args
        .out
        .as_deref()
        .unwrap_or_else(|| unreachable!("clap asks for it"));
    let policy = policy::Policy::load(args.policy.as_deref())?;
    let outputs: Vec<&Path> = [out].into_iter().chain(args.trace.as_deref()).collect();
    let inputs: Vec<&Path> = args.policy.as_deref().into_iter().collect();
    output::check(&outputs, &inputs)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| anyhow!("cannot start a runtime: {error}"))?;
    let recorded = runtime.block_on(run::run(args, out, &policy))?;
    let summary = summary::Summary::new(args, out, &policy, &recorded);
    if args.json {
        writeln!(stdout, "{}", serde_json::to_string(&summary)?)?;
    } else {
        write!(stdout, "{summary}")?;
    }
    stdout.flush()?;
    Ok(Ended::Well)
}
