//! The rest of the reference: half-open, what is refused, what is counted.

use evenkeel_core::random::scaled;

use super::*;

impl Reference {
    pub(super) fn now(&self) -> &Era {
        self.eras.last().expect("the first phase is never removed")
    }

    pub(super) fn generation(&self) -> usize {
        self.eras.len() - 1
    }

    pub(super) fn mode(&self) -> Mode {
        self.modes
            .last()
            .expect("the first mode is never removed")
            .1
    }

    fn is_up(&self) -> bool {
        !self.plan.until_healthy || matches!(self.health.last(), Some((_, Health::Up)))
    }

    // ---- half-open

    /// All probes of this phase.
    pub(super) fn probes(&self) -> Vec<usize> {
        let of_now = |grant: &usize| {
            let given = &self.grants[*grant];
            given.generation == self.generation() && matches!(given.kind, Kind::Probe(_))
        };
        (0..self.grants.len()).filter(of_now).collect()
    }

    /// The probes in flight, in the order in which their time ends.
    pub(super) fn leases(&self) -> Vec<usize> {
        let reported = |grant: usize| {
            let of_it = |r: &Report| r.grant == Some(grant) && r.fate != Fate::Stale;
            self.reports.iter().any(of_it)
        };
        let mut leases = self.probes();
        leases.retain(|grant| !reported(*grant) && !self.lost.contains(grant));
        leases
    }

    pub(super) fn lease_end_ns(&self, grant: usize) -> Option<u64> {
        self.grants[grant]
            .at_ns
            .checked_add(self.plan.probe_timeout_ns)
    }

    pub(super) fn first_lease(&self) -> Option<(usize, u64)> {
        let first = *self.leases().first()?;
        Some((first, self.lease_end_ns(first)?))
    }

    pub(super) fn failures_allowed(&self) -> usize {
        (self.plan.trials - self.plan.successes) as usize
    }

    pub(super) fn passed(&self) -> usize {
        let limit_ns = self.plan.slow_limit_ns().unwrap_or(u64::MAX);
        let passes = |r: &&Report| r.outcome == Outcome::Success && r.latency_ns <= limit_ns;
        self.results().filter(passes).count()
    }

    pub(super) fn failed(&self) -> usize {
        let probes = self.probes();
        let lost = self
            .lost
            .iter()
            .filter(|grant| probes.contains(grant))
            .count();
        self.results().count() - self.passed() + lost
    }

    fn has_place(&self) -> bool {
        let in_flight = self.leases().len();
        let decided = self.passed() + self.failed();
        in_flight < self.plan.max_in_flight as usize
            && decided + in_flight < self.plan.trials as usize
    }

    // ---- yes or no

    /// Why a call is refused at this instant, if it is; `draw` gives the word of the ramp.
    pub(super) fn refusal(&self, draw: impl FnOnce() -> u64) -> Option<No> {
        let no = |reason, retry_at_ns| {
            Some(No {
                reason,
                retry_at_ns,
            })
        };
        match (self.mode(), self.now().phase) {
            (Mode::ForcedOpen, _) => no(RefusedBy::ForcedOpen, None),
            (Mode::ForcedClosed, _) => None,
            (_, Phase::Closed) => {
                let ramp_ns = self.plan.ramp_ns?;
                let since_ns = self.clock_ns - self.now().from_ns;
                if self.now().cause != Some(Cause::TrialsPassed) || since_ns >= ramp_ns {
                    return None;
                }
                if scaled(draw(), ramp_ns) < since_ns {
                    return None;
                }
                no(RefusedBy::Ramp, self.ramp_end_ns())
            }
            (_, Phase::Open) => {
                let over = self
                    .now()
                    .until_ns
                    .is_some_and(|until_ns| until_ns <= self.clock_ns);
                let reason = if over {
                    RefusedBy::Unhealthy
                } else {
                    RefusedBy::Open
                };
                no(reason, self.now().until_ns.filter(|_| self.is_up()))
            }
            (_, Phase::HalfOpen) if self.has_place() => None,
            (_, Phase::HalfOpen) => no(RefusedBy::HalfOpenFull, self.place_at_ns()),
        }
    }

    /// When there is a place again if nobody reports: lets time go on from one lease's end to the next.
    fn place_at_ns(&self) -> Option<u64> {
        let mut later = self.clone();
        loop {
            let (_, end_ns) = later.first_lease()?;
            let _ = later.arrive(end_ns);
            if later.now().phase == Phase::Open {
                return later.now().until_ns.filter(|_| later.is_up());
            }
            if later.has_place() {
                return Some(end_ns);
            }
        }
    }

    pub(super) fn fate(&self, grant: Option<usize>, outcome: Outcome) -> Fate {
        let Some(grant) = grant else {
            return Fate::Stale;
        };
        let given = &self.grants[grant];
        if given.generation != self.generation() {
            return Fate::Stale;
        }
        if given.kind == Kind::Uncounted {
            return Fate::Released;
        }
        if given.kind != Kind::Counts && !self.leases().contains(&grant) {
            return Fate::Stale;
        }
        let forced = matches!(self.mode(), Mode::ForcedOpen | Mode::ForcedClosed);
        if forced || outcome == Outcome::Ignored {
            return Fate::Released;
        }
        Fate::Counted
    }

    /// Open: the end of the wait, unless health must come first. Half-open: the lease's end at which the trials fail.
    pub(super) fn next_deadline_ns(&self) -> Option<u64> {
        if matches!(self.mode(), Mode::ForcedOpen | Mode::ForcedClosed) {
            return None;
        }
        match self.now().phase {
            Phase::Closed => None,
            Phase::Open => self.now().until_ns.filter(|_| self.is_up()),
            Phase::HalfOpen => {
                let losses_left = self.failures_allowed() - self.failed();
                self.lease_end_ns(*self.leases().get(losses_left)?)
            }
        }
    }

    pub(super) fn stats(&self) -> BreakerStats {
        let reports = |fate: Fate, wanted: fn(&Report) -> bool| {
            self.reports
                .iter()
                .filter(|r| r.fate == fate && wanted(r))
                .count() as u64
        };
        let opens = |era: &&Era| era.phase == Phase::Open;
        let mut stats = BreakerStats::default();
        stats.admitted = self.grants.len() as u64;
        stats.refused = self.refusals.len() as u64;
        stats.would_refuse = self
            .grants
            .iter()
            .filter(|given| given.would_refuse)
            .count() as u64;
        stats.successes = reports(Fate::Counted, |r| r.outcome == Outcome::Success);
        stats.failures = reports(Fate::Counted, |r| r.outcome != Outcome::Success);
        stats.released = reports(Fate::Released, |_| true);
        stats.stale = reports(Fate::Stale, |_| true);
        stats.lost = self.lost.len() as u64;
        stats.opened = self.eras.iter().filter(opens).count() as u64;
        stats
    }
}
