//! Tables in a page: what stands between `<!-- name -->` and the next `<!-- end -->` is written anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

const END: &str = "<!-- end -->";

/// A page whose tables are written anew.
#[derive(Debug)]
pub struct Page {
    text: String,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Ok(Self { text })
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, &self.text).with_context(|| path.display().to_string())
    }

    /// The names of the marks that begin with `kind`, without it.
    #[must_use]
    pub fn marks(&self, kind: &str) -> Vec<String> {
        let begin = format!("<!-- {kind} ");
        let names = self.text.lines().filter_map(|line| {
            let name = line.strip_prefix(&begin)?.strip_suffix(" -->")?;
            Some(name.to_owned())
        });
        names.collect()
    }

    /// Puts `table`, lines that each end, where the mark is.
    ///
    /// # Errors
    /// When there is no such mark, or no end of it.
    pub fn fill(&mut self, mark: &str, table: &str) -> anyhow::Result<()> {
        let begin = format!("<!-- {mark} -->\n");
        let (before, rest) = self
            .text
            .split_once(&begin)
            .with_context(|| format!("no line <!-- {mark} -->"))?;
        let (old, after) = rest
            .split_once(END)
            .with_context(|| format!("<!-- {mark} --> has no end"))?;
        ensure!(!old.contains("<!-- "), "<!-- {mark} --> has no end");
        self.text = format!("{before}{begin}{table}{END}{after}");
        Ok(())
    }
}

/// A line on when, of what and on what it was measured.
///
/// # Errors
/// When the system does not say.
pub fn machine(rounds: u32) -> anyhow::Result<String> {
    let date = said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?;
    let commit = said("git", &["rev-parse", "--short", "HEAD"])?;
    let compiler = said("rustc", &["--version"])?;
    let compiler = compiler.split(" (").next().unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let models = cpus.lines().filter_map(|line| {
        let (_, model) = line.strip_prefix("model name")?.split_once(": ")?;
        Some(model)
    });
    let models: Vec<_> = models.collect();
    let model = models.first().context("no model name of a processor")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let count = models.len();
    Ok(format!(
        "Measured on {date}, commit `{commit}`, {rounds} rounds, {count} x {model}, {compiler}, load {load} at the end.\n"
    ))
}

fn said(program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| program.to_owned())?;
    ensure!(output.status.success(), "{program} {args:?} failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
