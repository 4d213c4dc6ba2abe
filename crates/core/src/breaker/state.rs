//! The state of a breaker as plain data, and the check that a stored one must pass.

use super::counters::BreakerStats;
use super::leases;
use super::permit::PermitId;
use super::policy::{BreakerPolicy, INLINE_WORDS};
use super::quiet::Quiet;
use super::told::{Health, Mode};
use super::transition::Phase;
use super::window::{Layout, Results};
use crate::error::{RestoreError, corrupt, misfit};
use crate::packed::PackedNs;
use crate::store::Store;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`Breaker`](super::Breaker) remembers; store it, compare it, [restore](super::Breaker::restore) it.
///
/// Permits in flight stay valid across a restore, because they are plain ids.
///
/// ```
#[doc = include_str!("examples/closed.txt")]
/// let call = breaker.try_acquire(0, &mut rng)?;
/// let stored: BreakerState = breaker.state();
///
/// let mut restored = Breaker::restore(breaker.policy(), stored)?;
/// let receipt = restored.on_outcome(5, call.permit, Outcome::Failure, 5, &mut rng);
/// assert!(matches!(receipt, Receipt::Counted(_)));
/// assert_eq!(restored.phase(5), Phase::Open);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BreakerState {
    version: Version<1>,
    pub(crate) tag: u32,
    /// Grows by one with every transition; no permit of an earlier one counts.
    pub(crate) generation: u64,
    pub(crate) clock: Monotone,
    pub(crate) mode: Mode,
    /// The health probe's last word.
    pub(super) health: Option<Health>,
    /// Opens in a row, less those that calm time has forgiven.
    pub(super) opens: u32,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) quiet: Quiet,
    /// The last open wait, which decorrelated jitter starts from.
    pub(super) previous_wait_ns: u64,
    pub(super) last_close_ns: PackedNs,
    pub(crate) stats: BreakerStats,
    pub(super) stage: Stage,
    /// The window's bits or slices while closed, the leases of the probes while half-open.
    #[cfg_attr(feature = "serde", serde(with = "crate::runs"))]
    pub(super) words: Store<INLINE_WORDS>,
}

/// What a breaker remembers of its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Stage {
    Closed {
        /// When the ramp began, if it was closed by its probes and has one.
        ramp_from_ns: PackedNs,
        /// Failures in a row.
        consecutive: u32,
        results: Results,
    },
    Open {
        /// The end of the wait; `None` when no instant is late enough.
        until_ns: Option<u64>,
    },
    HalfOpen {
        passed: u32,
        failed: u32,
        /// Leases in the words: probes in flight, among them those whose time is over but not yet noticed.
        leases: u32,
        /// The number of the next probe: not 0, not `u32::MAX`, and none that is in flight.
        next: u32,
        /// Drawn by the first probe, for the wait that follows if the trials fail; `None` before, or without jitter.
        reopen_word: Option<u64>,
    },
}

impl Stage {
    pub(super) const fn closed(layout: &Layout, ramp_from_ns: Option<u64>) -> Self {
        Self::Closed {
            ramp_from_ns: PackedNs::new(ramp_from_ns),
            consecutive: 0,
            results: Results::empty(layout),
        }
    }

    pub(super) const FRESH_HALF_OPEN: Self = Self::HalfOpen {
        passed: 0,
        failed: 0,
        leases: 0,
        next: 1,
        reopen_word: None,
    };

    #[inline]
    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::Closed { .. } => Phase::Closed,
            Self::Open { .. } => Phase::Open,
            Self::HalfOpen { .. } => Phase::HalfOpen,
        }
    }
}

impl BreakerState {
    pub(crate) fn fresh(policy: &BreakerPolicy, tag: u32) -> Self {
        Self {
            version: Version,
            tag,
            generation: 0,
            clock: Monotone::default(),
            mode: Mode::Normal,
            health: None,
            opens: 0,
            quiet: Quiet::NONE,
            previous_wait_ns: 0,
            last_close_ns: PackedNs::NONE,
            stats: BreakerStats::default(),
            stage: Stage::closed(&policy.layout, None),
            words: Store::zeroed(policy.words()),
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(crate) fn check(&self, policy: &BreakerPolicy) -> Result<(), RestoreError> {
        if self.words.words().len() != policy.words() {
            return Err(misfit(
                "its window or its probes take another amount of memory",
            ));
        }
        if policy.open().remembers_wait() && self.previous_wait_ns > policy.open().longest_ns() {
            return Err(misfit(
                "its last open wait is longer than the policy allows",
            ));
        }
        if self
            .last_close_ns
            .get()
            .is_some_and(|at_ns| at_ns > self.clock.latest_ns())
        {
            return Err(corrupt("it closed in the future"));
        }
        let phase = self.stage.phase();
        if (self.mode == Mode::ForcedOpen && phase != Phase::Open)
            || (self.mode == Mode::ForcedClosed && phase != Phase::Closed)
        {
            return Err(corrupt("its phase is not the one that it is forced into"));
        }
        match self.stage {
            Stage::Closed {
                ramp_from_ns,
                results,
                ..
            } => self.check_closed(policy, ramp_from_ns.get(), &results),
            Stage::Open { until_ns } => self.check_open(policy, until_ns),
            Stage::HalfOpen { .. } => self.check_half_open(policy),
        }
    }

    fn check_closed(
        &self,
        policy: &BreakerPolicy,
        ramp_from_ns: Option<u64>,
        results: &Results,
    ) -> Result<(), RestoreError> {
        let now_ns = self.clock.latest_ns();
        if ramp_from_ns.is_some_and(|at_ns| at_ns > now_ns) {
            return Err(corrupt("its ramp begins in the future"));
        }
        if !results.is_consistent(&policy.layout, &policy.planes, self.words.words(), now_ns) {
            return Err(corrupt("its window does not add up"));
        }
        Ok(())
    }

    fn check_open(
        &self,
        policy: &BreakerPolicy,
        until_ns: Option<u64>,
    ) -> Result<(), RestoreError> {
        let fits = match (until_ns, self.latest_end_ns(policy)) {
            (Some(until_ns), Some(latest_ns)) => until_ns <= latest_ns,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        if !fits {
            return Err(misfit("it stays open for longer than the policy allows"));
        }
        if self.words.words().iter().any(|&word| word != 0) {
            return Err(corrupt("an open breaker has no window"));
        }
        Ok(())
    }

    /// The latest end of an open wait that has begun.
    pub(super) fn latest_end_ns(&self, policy: &BreakerPolicy) -> Option<u64> {
        let longest_ns = policy.open().longest_ns().max(policy.advisory_cap_ns);
        self.clock.latest_ns().checked_add(longest_ns)
    }

    fn check_half_open(&self, policy: &BreakerPolicy) -> Result<(), RestoreError> {
        let Stage::HalfOpen {
            passed,
            failed,
            leases,
            next,
            ..
        } = self.stage
        else {
            return Ok(());
        };
        let counted = u64::from(passed).saturating_add(failed.into());
        if passed >= policy.successes()
            || failed > policy.failures_allowed()
            || counted.saturating_add(leases.into()) > policy.trials().into()
            || leases > policy.max_in_flight()
        {
            return Err(misfit(
                "its trials are over, or more probes are out than may be",
            ));
        }
        if next == PermitId::CLOSED || next == PermitId::UNCOUNTED {
            return Err(corrupt("its next probe would not be one"));
        }
        let latest_ns = self.clock.latest_ns().checked_add(policy.probe_timeout_ns);
        if !leases::are_consistent(self.words.words(), leases, next, latest_ns) {
            return Err(corrupt("its probes in flight do not add up"));
        }
        Ok(())
    }
}
