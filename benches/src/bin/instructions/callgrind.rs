//! Instructions of an operation, as callgrind counts them.

use std::env;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, ensure};

/// Operations in the shorter and the longer run.
const COUNTS: [u64; 2] = [1 << 12, 1 << 13];

/// Whether there is a valgrind.
pub(crate) fn is_there() -> bool {
    let mut version = Command::new("valgrind");
    version.arg("--version").stdout(Stdio::null());
    version.status().is_ok()
}

/// Tenths of instructions an operation, of each case; as many at once as there are processors.
pub(crate) fn of_all(names: &[String]) -> anyhow::Result<Vec<u64>> {
    let threads = thread::available_parallelism()?.get();
    let share = names.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let shares = names.chunks(share).map(|names| {
            let count = move || {
                names
                    .iter()
                    .map(|name| of(name))
                    .collect::<Result<Vec<_>, _>>()
            };
            scope.spawn(count)
        });
        let mut counts = Vec::new();
        for running in shares.collect::<Vec<_>>() {
            let counted = running
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            counts.extend(counted?);
        }
        Ok(counts)
    })
}

fn of(name: &str) -> anyhow::Result<u64> {
    let [few, many] = COUNTS.map(|n| collected(name, n));
    let more = many?.checked_sub(few?);
    let more = more.with_context(|| format!("{name}: more runs took less"))?;
    Ok(more * 10 / (COUNTS[1] - COUNTS[0]))
}

/// The instructions of a whole run of this program that does `n` operations of the case.
fn collected(name: &str, n: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["--only-run", &n.to_string(), name])
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "callgrind: {log}");
    let line = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.context("callgrind did not say what it collected")?;
    Ok(count.trim().parse()?)
}
