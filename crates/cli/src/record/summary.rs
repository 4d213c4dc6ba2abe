//! What a recording came to: for people, and as one JSON object.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_core::breaker::{Cause, Phase};
use serde::Serialize;

use super::args::RecordArgs;
use super::policy::Policy;
use super::run::Recorded;
use super::script::SCRIPT;
use super::tally::{Counts, PhaseCounts};
use crate::numbers::{count, counted, instant, percent, rounded};

#[derive(Serialize)]
pub(crate) struct Summary {
    seconds: u32,
    seed: u64,
    rate: u32,
    /// When it was told to end, if that was before its time.
    ended_early_at_ns: Option<u64>,
    policy: Option<String>,
    /// The tables that the policy file does not have.
    built_in: Vec<&'static str>,
    journal: Journal,
    trace: Option<Trace>,
    phases: Vec<PhaseLine>,
    /// The breaker's.
    transitions: Vec<Transition>,
    trips: usize,
    probations: usize,
    advised_waits: u64,
}

#[derive(Serialize)]
struct Journal {
    file: String,
    decisions: u64,
    lost: u64,
}

#[derive(Serialize)]
struct Trace {
    file: String,
    rows: u64,
}

/// A phase of the script; what began in it.
#[derive(Serialize)]
struct PhaseLine {
    name: &'static str,
    from_ns: u64,
    to_ns: u64,
    #[serde(flatten)]
    counts: Counts,
    /// Of the attempts that went out; null where none did.
    p99_ns: Option<u64>,
    /// Calls to checkout by the clients of the trace, which have no machines; null without a trace.
    bare: Option<u64>,
    bare_succeeded: Option<u64>,
}

#[derive(Serialize)]
struct Transition {
    at_ns: u64,
    #[serde(serialize_with = "name_of_phase")]
    from: Phase,
    #[serde(serialize_with = "name_of_phase")]
    to: Phase,
    #[serde(serialize_with = "name_of_cause")]
    cause: Cause,
}

fn name_of_phase<S: serde::Serializer>(phase: &Phase, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(phase.name())
}

fn name_of_cause<S: serde::Serializer>(cause: &Cause, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(cause.name())
}

/// So many failed probations in a row are told one by one.
const SHOWN_ROUNDS: usize = 2;

impl Transition {
    /// It leads to a probation, or ends one in vain.
    fn is_of_a_round(&self) -> bool {
        matches!(
            (self.from, self.to),
            (Phase::Open, Phase::HalfOpen) | (Phase::HalfOpen, Phase::Open)
        )
    }
}

impl Summary {
    pub(crate) fn new(args: &RecordArgs, out: &Path, policy: &Policy, recorded: &Recorded) -> Self {
        let script = recorded.tally.script;
        let counted = recorded.tally.counted();
        let line = |(phase, counts): (usize, &PhaseCounts)| {
            let [from, to] = script.span(phase).map(nanos);
            PhaseLine {
                name: SCRIPT[phase].name,
                from_ns: from,
                to_ns: to,
                counts: counts.counts,
                p99_ns: counts.latencies.quantile(to, Quantile::P99),
                bare: recorded.rows.map(|_| counts.bare),
                bare_succeeded: recorded.rows.map(|_| counts.bare_succeeded),
            }
        };
        let made = counted.transitions.iter().map(|made| Transition {
            at_ns: made.at_ns,
            from: made.from,
            to: made.to,
            cause: made.cause,
        });
        let name = |path: &Path| path.display().to_string();
        Self {
            seconds: args.seconds,
            seed: args.seed,
            rate: args.rate,
            ended_early_at_ns: recorded.ended_early.map(nanos),
            policy: policy.file.clone(),
            built_in: policy.built_in.clone(),
            journal: Journal {
                file: name(out),
                decisions: recorded.journal.ops,
                lost: recorded.journal.dropped,
            },
            trace: args
                .trace
                .as_deref()
                .zip(recorded.rows)
                .map(|(file, rows)| Trace {
                    file: name(file),
                    rows,
                }),
            phases: counted.phases.iter().enumerate().map(line).collect(),
            transitions: made.collect(),
            trips: counted.trips(),
            probations: counted.probations(),
            advised_waits: counted.advised_waits,
        }
    }

    fn policy(&self) -> String {
        let built_in = match &self.built_in[..] {
            [] => String::new(),
            tables => format!(" (built in: {})", tables.join(", ")),
        };
        match &self.policy {
            None => "the built-in policy".to_owned(),
            Some(file) => format!("{file}{built_in}"),
        }
    }

    fn phases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {:<14} {:>12} {:>6} {:>10} {:>9} {:>8} {:>10} {:>8}",
            "checkout", "seconds", "calls", "succeeded", "attempts", "refused", "throttled", "p99",
        )?;
        writeln!(
            f,
            "{}",
            if self.trace.is_some() {
                "  without"
            } else {
                ""
            }
        )?;
        for line in &self.phases {
            let counts = &line.counts;
            let [from, to] = [line.from_ns, line.to_ns].map(|ns| ns as f64 / 1e9);
            let p99 = line.p99_ns.map_or_else(|| "-".to_owned(), rounded);
            let without = line.bare.zip(line.bare_succeeded);
            let without = without.map_or_else(String::new, |(all, good)| share(good, all));
            let text = format!(
                "  {:<14} {:>12} {:>6} {:>10} {:>9} {:>8} {:>10} {p99:>8} {without:>8}",
                line.name,
                format!("{from:.1}-{to:.1}"),
                count(counts.operations),
                share(counts.succeeded, counts.operations),
                count(counts.attempts),
                count(counts.refused),
                count(counts.throttled),
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }

    fn transitions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.transitions.is_empty() {
            return writeln!(f, "The breaker stayed closed.");
        }
        let mut left = &self.transitions[..];
        while let Some((made, rest)) = left.split_first() {
            self.transition(f, made)?;
            left = rest;
            let rounds = left.iter().take_while(|made| made.is_of_a_round()).count() / 2;
            // A probation that fails again and again is told once.
            if made.to == Phase::Open && rounds > SHOWN_ROUNDS {
                let (again, rest) = left.split_at(2 * rounds);
                left = rest;
                let [first, .., last] = again else {
                    continue;
                };
                let [first, last] = [first, last].map(|made| self.instant(made));
                writeln!(
                    f,
                    "             {rounds} probations fail, from {first} to {last}"
                )?;
            }
        }
        Ok(())
    }

    fn transition(&self, f: &mut fmt::Formatter<'_>, made: &Transition) -> fmt::Result {
        let at = self.instant(made);
        let [from, to] = [made.from, made.to].map(Phase::name);
        let cause = made.cause.name();
        writeln!(f, "  {at:>9}  {from:>9} -> {to:<9}  {cause}")
    }

    fn instant(&self, made: &Transition) -> String {
        instant(made.at_ns, u64::from(self.seconds) * 1_000_000_000)
    }

    /// The commands that go on from here.
    fn next(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let journal = quoted(&self.journal.file);
        writeln!(f, "Next:")?;
        writeln!(f, "  evenkeel verify {journal}")?;
        writeln!(f, "  evenkeel journal show {journal} --changes")?;
        let Some(trace) = &self.trace else {
            return Ok(());
        };
        let trace = quoted(&trace.file);
        let own = self
            .policy
            .as_ref()
            .filter(|_| !self.built_in.contains(&"breaker"));
        let policy = match own {
            Some(file) => quoted(file),
            None => {
                writeln!(f, "  evenkeel record --print-policy > record.toml")?;
                "record.toml".to_owned()
            }
        };
        writeln!(f, "  evenkeel replay {trace} --policy {policy} --per-key")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at_ns) = self.ended_early_at_ns {
            let at = instant(at_ns, 1_000_000_000);
            writeln!(f, "Ended early, at {at} of {} s.\n", self.seconds)?;
        }
        writeln!(f, "checkout's calls under {}:\n", self.policy())?;
        self.phases(f)?;
        writeln!(
            f,
            "\np99: of attempts that went out, at most 1/128 too high."
        )?;
        if self.trace.is_some() {
            writeln!(
                f,
                "without: what succeeded of the same endpoint's calls by clients without retry, breaker or throttle."
            )?;
        }
        writeln!(f)?;
        self.transitions(f)?;
        let trips = counted(self.trips as u64, "trip");
        let probations = counted(self.probations as u64, "probation");
        let waits = counted(self.advised_waits, "wait");
        writeln!(
            f,
            "\n{trips}, {probations} that closed, {waits} that Retry-After asked for.\n"
        )?;
        let Journal {
            file,
            decisions,
            lost,
        } = &self.journal;
        let lost = match lost {
            0 => "none lost".to_owned(),
            lost => format!("{} LOST: the disk was too slow or full", count(*lost)),
        };
        writeln!(f, "{file}: {}, {lost}", counted(*decisions, "decision"))?;
        if let Some(Trace { file, rows }) = &self.trace {
            writeln!(
                f,
                "{file}: {} of clients without machines",
                counted(*rows, "call")
            )?;
        }
        writeln!(f)?;
        self.next(f)
    }
}

/// Of nothing there is no share.
fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => percent(part, whole),
    }
}

/// As a word of a shell.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=~".contains(c);
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', r"'\''")),
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
