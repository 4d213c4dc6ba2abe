//! A process broker that does all of O3: `cargo run -p evenkeel-std --example broker`.
//!
//! Requests name a backend (instance, service, version). Each backend is a process of its own, started when it is first
//! asked: this program again, that answers lines. When one crashes under a request, the budget of its key says whether
//! it is started again: so often in a window and after a wait, else "backend unavailable" with a retry-after.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{DeniedBy, RecoveryBudget, RecoveryBudgetPolicy};
use evenkeel_core::{Refusal, time};
use evenkeel_std::{Clock, MonotonicClock, Sleep, Stream, Streams};

/// Which backend: instance, service, version.
type Key = (&'static str, &'static str, u32);

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("backend") {
        return backend();
    }
    // O3's: one retry, after 250 ms, in a window (here of 2 s). Two keys may have crashed at the same time.
    let backoff = BackoffPolicy::builder(Duration::from_millis(250)).jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(2), 2).build()?;
    let mut broker = Broker::new(policy);

    let billing: Key = ("eu-1", "billing", 3);
    println!("- a backend that works");
    broker.show(billing, "invoice 7");
    println!("- it crashes under a request, and is asked again once it has been started again");
    broker.show(billing, "crash-once invoice 8");
    println!("- the success has cleared its key: the next crash is a first one");
    broker.show(billing, "crash-once invoice 9");
    println!("- a request that always crashes it: a second crash in the window is refused");
    broker.show(billing, "crash");
    println!("- other keys have budgets of their own, also another version of that service");
    broker.show(("eu-1", "billing", 4), "invoice 10");
    broker.show(("eu-1", "billing", 4), "crash");
    println!("- who cannot be counted is not recovered: no third key");
    broker.show(("eu-2", "search", 1), "crash");
    println!("- a refused crash does not extend the window: once it is over, a new one begins");
    let again_ns = broker.refused_until_ns;
    MonotonicClock.sleep_until(again_ns);
    broker.show(billing, "crash-once invoice 11");
    Ok(())
}

/// A backend: answers each line, unless the line makes it crash.
fn backend() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let line = line?;
        if line.starts_with("crash") {
            std::process::abort();
        }
        println!("{line}: done by process {}", std::process::id());
    }
    Ok(())
}

struct Broker {
    backends: HashMap<Key, Backend>,
    /// Shared by all threads of a broker that has many.
    budget: Mutex<(RecoveryBudget<Key>, Stream)>,
    refused_until_ns: u64,
}

/// A backend's process; killed when it is dropped.
struct Backend {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

/// What a client is told.
#[derive(Debug)]
struct Unavailable {
    reason: DeniedBy,
    retry_after: Option<Duration>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backend unavailable ({})", self.reason)?;
        match self.retry_after {
            Some(after) => write!(f, ", retry after {:.2} s", after.as_secs_f64()),
            None => Ok(()),
        }
    }
}

impl Broker {
    fn new(policy: RecoveryBudgetPolicy) -> Self {
        let stream = Streams::of_the_process().next();
        Self {
            backends: HashMap::new(),
            budget: Mutex::new((RecoveryBudget::new(policy), stream)),
            refused_until_ns: 0,
        }
    }

    fn show(&mut self, key: Key, request: &str) {
        let (instance, service, version) = key;
        print!("  {instance}/{service}/v{version} {request:<22} -> ");
        match self.request(key, request) {
            Ok(answer) => println!("{answer}"),
            Err(unavailable) => println!("{unavailable}"),
        }
    }

    /// Asks the backend; where it crashes, starts it again as long as its budget lasts.
    fn request(&mut self, key: Key, request: &str) -> Result<String, Unavailable> {
        let mut request = request;
        loop {
            if let Ok(answer) = self.ask(key, request) {
                let now_ns = MonotonicClock.now_ns();
                let mut budget = self.budget.lock().expect("no panic under it");
                budget.0.on_success(now_ns, &key);
                return Ok(answer);
            }
            self.backends.remove(&key);
            self.recover(key)?;
            // This one crashes a process once only.
            request = request.strip_prefix("crash-once ").unwrap_or(request);
        }
    }

    /// Waits as the budget says, or says when to come back.
    fn recover(&mut self, key: Key) -> Result<(), Unavailable> {
        let now_ns = MonotonicClock.now_ns();
        let recovery = {
            let mut budget = self.budget.lock().expect("no panic under it");
            let (budget, stream) = &mut *budget;
            budget.try_recover(now_ns, &key, stream)
        };
        match recovery {
            Ok(recovery) => {
                let wait = recovery.wait.delay();
                print!(
                    "[crash; attempt {} in {} ms] ",
                    recovery.attempt,
                    wait.as_millis()
                );
                MonotonicClock.sleep_until(time::after(now_ns, wait).unwrap_or(u64::MAX));
                Ok(())
            }
            Err(Refusal {
                reason,
                retry_at_ns,
                ..
            }) => {
                self.refused_until_ns = retry_at_ns.unwrap_or(now_ns);
                let retry_after = retry_at_ns.map(|at_ns| time::until(now_ns, at_ns));
                Err(Unavailable {
                    reason,
                    retry_after,
                })
            }
        }
    }

    /// One request to one process.
    fn ask(&mut self, key: Key, request: &str) -> io::Result<String> {
        let backend = match self.backends.entry(key) {
            std::collections::hash_map::Entry::Occupied(running) => running.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(Backend::start()?),
        };
        let requests = backend.process.stdin.as_mut();
        writeln!(requests.ok_or(io::ErrorKind::BrokenPipe)?, "{request}")?;
        let mut answer = String::new();
        match backend.answers.read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }
}

impl Backend {
    fn start() -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("backend")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let answers = BufReader::new(answers);
        Ok(Self { process, answers })
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // Gone already where it crashed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
