//! What is counted while a recording goes on: for each phase of the script, over all of it, and of the last seconds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_core::breaker::{Phase, Transition};
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, RollingHistogram, RollingHistogramPolicy,
};
use evenkeel_core::retry::End;
use evenkeel_tokio::{Clock, TokioClock};
use serde::Serialize;

use super::script::{SCRIPT, Script};

/// Quantiles are at most 1/128 too high.
const PRECISION_BITS: u8 = 7;
/// What the live status calls the last seconds.
const RECENT: Duration = Duration::from_secs(5);

/// Shared by all calls; its lock is held for a few additions.
pub(crate) struct Tally {
    pub(crate) clock: TokioClock,
    pub(crate) script: Script,
    counted: Mutex<Counted>,
}

pub(crate) struct Counted {
    pub(crate) phases: Vec<PhaseCounts>,
    /// Of attempts that went out.
    pub(crate) recent: RollingHistogram,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) advised_waits: u64,
}

/// What began in a phase of the script.
pub(crate) struct PhaseCounts {
    pub(crate) counts: Counts,
    /// Of attempts that went out, those cut off at their timeout included.
    pub(crate) latencies: LogHistogram,
    /// Calls to checkout by clients without any of our machines.
    pub(crate) bare: u64,
    pub(crate) bare_succeeded: u64,
}

/// Calls to checkout through the machines.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) operations: u64,
    pub(crate) succeeded: u64,
    /// Went out to the server.
    pub(crate) attempts: u64,
    /// The breaker said no.
    pub(crate) refused: u64,
    /// The throttle said no.
    pub(crate) throttled: u64,
}

impl Tally {
    pub(crate) fn new(clock: TokioClock, script: Script) -> Self {
        let precision = LogHistogramPolicy::new(PRECISION_BITS)
            .unwrap_or_else(|error| unreachable!("a constant in range: {error}"));
        let recent = RollingHistogramPolicy::new(RECENT, 10, PRECISION_BITS)
            .unwrap_or_else(|error| unreachable!("constants in range: {error}"));
        let phase = || PhaseCounts {
            counts: Counts::default(),
            latencies: LogHistogram::new(precision),
            bare: 0,
            bare_succeeded: 0,
        };
        Self {
            clock,
            script,
            counted: Mutex::new(Counted {
                phases: SCRIPT.iter().map(|_| phase()).collect(),
                recent: RollingHistogram::new(recent),
                transitions: Vec::new(),
                advised_waits: 0,
            }),
        }
    }

    pub(crate) fn counted(&self) -> MutexGuard<'_, Counted> {
        // Counts are whole after any panic, so poison says nothing here.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The phase of the script now.
    pub(crate) fn phase(&self) -> usize {
        self.phase_at(self.clock.now_ns())
    }

    fn phase_at(&self, at_ns: u64) -> usize {
        self.script.phase(Duration::from_nanos(at_ns))
    }

    /// Counts in a phase of the script.
    pub(crate) fn count(&self, phase: usize, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counted().phases[phase].counts);
    }

    /// How an operation ended that began in `phase`.
    pub(crate) fn ended(&self, phase: usize, end: Option<End>) {
        self.count(phase, |counts| {
            counts.operations += 1;
            counts.succeeded += u64::from(end.is_none());
            counts.refused += u64::from(matches!(end, Some(End::BreakerOpen { .. })));
        });
    }

    /// An attempt goes out; it is over when what this returns is dropped.
    pub(crate) fn attempt(&self) -> AttemptOut<'_> {
        let began_ns = self.clock.now_ns();
        AttemptOut {
            tally: self,
            began_ns,
        }
    }

    /// A bare call to checkout that began at `at_ns`.
    pub(crate) fn bare(&self, at_ns: u64, succeeded: bool) {
        let phase = self.phase_at(at_ns);
        let counts = &mut self.counted().phases[phase];
        counts.bare += 1;
        counts.bare_succeeded += u64::from(succeeded);
    }
}

impl Counted {
    /// All phases together.
    pub(crate) fn total(&self) -> Counts {
        let mut total = Counts::default();
        for PhaseCounts { counts, .. } in &self.phases {
            total.operations += counts.operations;
            total.succeeded += counts.succeeded;
            total.attempts += counts.attempts;
            total.refused += counts.refused;
            total.throttled += counts.throttled;
        }
        total
    }

    /// How often the breaker left closed.
    pub(crate) fn trips(&self) -> usize {
        self.made(Phase::Closed, Phase::Open)
    }

    /// How often a probation ended well.
    pub(crate) fn probations(&self) -> usize {
        self.made(Phase::HalfOpen, Phase::Closed)
    }

    fn made(&self, from: Phase, to: Phase) -> usize {
        let of = |made: &&Transition| (made.from, made.to) == (from, to);
        self.transitions.iter().filter(of).count()
    }
}

/// An attempt that is out. Its end, by an answer or because it is given up, is when this is dropped.
pub(crate) struct AttemptOut<'a> {
    tally: &'a Tally,
    began_ns: u64,
}

impl Drop for AttemptOut<'_> {
    fn drop(&mut self) {
        let now_ns = self.tally.clock.now_ns();
        let latency_ns = now_ns.saturating_sub(self.began_ns);
        let phase = self.tally.phase_at(self.began_ns);
        let mut counted = self.tally.counted();
        counted.recent.record(now_ns, latency_ns);
        let phase = &mut counted.phases[phase];
        phase.counts.attempts += 1;
        phase.latencies.record(now_ns, latency_ns);
    }
}
