//! Runs the real binary on small files, for all tests of the command line.
#![allow(
    dead_code,
    reason = "each test file is a program of its own and uses a part of this"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub(crate) mod journal;
pub(crate) mod page;

pub(crate) const HEADER: &str = "t_ns,key,latency_ns,outcome";

/// The tables that a policy may have, in the order in which all policies have them.
pub(crate) const TABLES: [&str; 12] = [
    "breaker",
    "backoff",
    "retry",
    "retry_ratio",
    "retry_tokens",
    "adaptive_throttle",
    "reconnect",
    "restart",
    "health_probe",
    "backoff_table",
    "breaker_table",
    "recovery_budget",
];

/// What a run of `evenkeel` left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `evenkeel` with `args`.
pub(crate) fn evenkeel<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    fed(args, b"")
}

/// Runs `evenkeel` with `input` on its stdin.
pub(crate) fn fed<S: AsRef<std::ffi::OsStr>>(
    args: impl IntoIterator<Item = S>,
    input: &[u8],
) -> Run {
    let mut child = command()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // Who ends early does not read all of it.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    Run {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_evenkeel"))
}

impl Run {
    /// Stdout of a run that must have gone well.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (0, ""),
            "stdout: {}",
            self.stdout
        );
        self.stdout
    }

    /// Stdout of a run of `percentiles` that must have gone well: on stderr is one line about the trace.
    #[track_caller]
    pub(crate) fn table(self) -> String {
        let lines = self.stderr.lines().count();
        assert_eq!((self.code, lines), (0, 1), "stderr: {}", self.stderr);
        self.stdout
    }

    /// The first line of stderr of a run that must have ended with exit code 2, without `error: `.
    #[track_caller]
    pub(crate) fn complaint(&self) -> &str {
        assert_eq!(
            self.code, 2,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        assert_eq!(
            self.stderr.matches("error: ").count(),
            1,
            "one message: {}",
            self.stderr
        );
        let first = self.stderr.lines().next().unwrap_or("");
        first
            .strip_prefix("error: ")
            .expect("it starts with `error: `")
    }
}

/// A folder of its own for one test; emptied when the test starts again.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        if path.exists() {
            std::fs::remove_dir_all(&path).expect("the old folder can go");
        }
        std::fs::create_dir_all(&path).expect("the folder can be made");
        Self { path }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.path
            .join(name)
            .to_str()
            .expect("the path is UTF-8")
            .to_owned()
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the file can be written");
        path
    }

    /// A trace with these rows, separated by blanks or line ends.
    pub(crate) fn trace(&self, name: &str, rows: &str) -> String {
        let rows: Vec<&str> = rows.split_whitespace().collect();
        self.file(name, format!("{HEADER}\n{}\n", rows.join("\n")))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the file is there")
    }
}

/// Runs `replay --json` with more arguments and reads its object.
#[track_caller]
pub(crate) fn replay_json(trace: &str, policy: &str, more: &[&str]) -> Value {
    let args = ["replay", trace, "--policy", policy, "--json"];
    let stdout = evenkeel(args.iter().chain(more)).good();
    assert!(
        stdout.ends_with("}\n") && stdout.lines().count() == 1,
        "one object: {stdout}"
    );
    serde_json::from_str(&stdout).expect("it is JSON")
}

/// The transitions of a `--json` object, as `at_ns key from>to cause`.
pub(crate) fn transitions(summary: &Value) -> Vec<String> {
    let list = summary["transitions"].as_array().expect("a list");
    list.iter()
        .map(|t| {
            let text = |name: &str| t[name].as_str().unwrap_or("-").to_owned();
            let (from, to, cause) = (text("from"), text("to"), text("cause"));
            format!("{} {} {from}>{to} {cause}", t["at_ns"], text("key"))
        })
        .collect()
}

/// A file of `../shared/data` beside the repository; `None`, with a line that says so, where it is missing.
pub(crate) fn recording(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        return Some(path.to_str()?.to_owned());
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// A file of this repository.
pub(crate) fn of_repository(name: &str) -> String {
    format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Whether the lines are there, in this order; `..` stands for any number of others.
pub(crate) fn is_shown(said: &str, shown: &str) -> bool {
    let mut said = said.lines().peekable();
    let mut shown = shown.lines().peekable();
    while let Some(line) = shown.next() {
        if line == ".." {
            let next = shown.peek().copied();
            while said.next_if(|other| Some(*other) != next).is_some() {}
        } else if said.next() != Some(line) {
            return false;
        }
    }
    said.next().is_none()
}
