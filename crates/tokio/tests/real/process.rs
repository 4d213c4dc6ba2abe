//! A server process: on a port of its own, stopped and killed with its children, gone when it is dropped.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// Where `program` is, on the search path or in one of `folders`. If it is missing, one line says so (past the harness,
/// which would keep it), and with `EVENKEEL_REAL_SERVERS=1` that is an error.
pub(crate) fn find(program: &str, package: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).chain(folders.iter().cloned());
    let found = all.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()));
    if found.is_none() {
        let say = format!("{program} is not installed (apt-get install {package})");
        let required = std::env::var_os("EVENKEEL_REAL_SERVERS").is_some_and(|set| set == "1");
        assert!(!required, "{say}");
        let _ = writeln!(std::io::stderr(), "skipped: {say}");
    }
    found
}

/// A port that nobody listens on. Not one of those that the kernel gives to clients (from 32 768 up): a client that
/// tries a closed port of that range again and again is once connected with itself.
pub(crate) fn free_port() -> u16 {
    let first = 20_000 + (std::process::id() % 8_000) as u16;
    let mut ports = first..first + 4_000;
    let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("one port in 4 000 is free")
}

pub(crate) struct Process {
    child: Child,
    leaves_on_quit: bool,
}

impl Process {
    /// Starts it; what it says goes to the end of `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(log);
        let log = log.expect("a log file");
        let errors = log.try_clone().expect("a log file");
        // The children of one that is killed become ours: else it depends on the machine whether somebody buries them.
        set_child_subreaper(true).expect("Linux can");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        Self {
            child: command.spawn().expect("the server starts"),
            leaves_on_quit: false,
        }
    }

    /// It is asked to leave when it is dropped, because it has more to tidy up than its folder.
    pub(crate) fn that_leaves_on_quit(mut self) -> Self {
        self.leaves_on_quit = true;
        self
    }

    /// Stops it and its children, which are returned: they keep their sockets, and do nothing.
    pub(crate) fn stop(&self) -> Vec<Pid> {
        let pid = self.pid();
        signal(pid, Signal::SIGSTOP);
        // Before they are counted, so that it has no new ones.
        wait_until(|| state_of(pid).is_none_or(|(state, _)| state == "T" || state == "Z"));
        let children = children_of(pid);
        children
            .iter()
            .for_each(|child| signal(*child, Signal::SIGSTOP));
        children
    }

    /// It goes on, and its children.
    pub(crate) fn resume(&self) {
        for child in children_of(self.pid()) {
            signal(child, Signal::SIGCONT);
        }
        signal(self.pid(), Signal::SIGCONT);
    }

    /// Kills it and its children, and waits until none is left.
    pub(crate) fn kill(&mut self) {
        // Found before it dies: then they are no longer its children.
        let children = self.stop();
        signal(self.pid(), Signal::SIGKILL);
        children
            .iter()
            .for_each(|child| signal(*child, Signal::SIGKILL));
        let _ = self.child.wait();
        for child in children {
            // Gone already, if it was buried by its parent.
            let _ = waitpid(child, None);
        }
    }

    /// Until it was waited for, its id is that of nobody else.
    fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("pids are small"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.runs() {
            return;
        }
        if self.leaves_on_quit {
            self.resume();
            signal(self.pid(), Signal::SIGQUIT);
            wait_until(|| !self.runs());
        }
        if self.runs() {
            self.kill();
        }
    }
}

/// Who has ended meanwhile is no error.
fn signal(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
}

/// For at most five seconds.
fn wait_until(mut so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn children_of(parent: Pid) -> Vec<Pid> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    pids.filter(|pid| state_of(*pid).is_some_and(|(_, its_parent)| its_parent == parent))
        .collect()
}

/// Its state and its parent.
fn state_of(pid: Pid) -> Option<(String, Pid)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, Pid::from_raw(fields.next()?.parse().ok()?)))
}
