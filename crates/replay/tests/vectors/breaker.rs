//! Breaker vectors: asks, reports and commands at given instants, and what the breaker shows after each.
//!
//! Where a product's config says that it is later than ours (its wait ends strictly after, its verdict waits for more
//! results, its state is not looked at), the step is checked against what the product's rule and ours each give, and is
//! then left out of our run, so that what follows can be compared again.

use std::collections::VecDeque;

use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerStats, Mode, Outcome, PermitId, Phase, Receipt, Transitions,
    Window, WindowCounts,
};
use evenkeel_replay::breaker::{Answer, Op};

use crate::ask::{ask, holds, strange};
use crate::breaker_plan::{Plan, Rules, reaches};
use crate::read::{Members, Stop, fail, unsupported};
use crate::{Checked, Differences, Step};

const EXACTLY: &str = "At exactly the deadline: ready";
const WHEN: &str = "When a transition happened: at the instant at which it fell due, not at the call that noticed it";
const VERDICT: &str = "Breaker, half-open: close as soon as enough have passed, re-open as soon as they no longer can";
const SLOW: &str = "Breaker, half-open: a slow result counts as failed where a slow trigger is set";
const AFRESH: &str =
    "Breaker, half-open: every counter and window starts afresh on each change of phase";
const INTERVAL: &str =
    "Breaker, closed: Consecutive does not decay, a time window is slices on an absolute grid";

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    let calls = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let plan = Plan::of(config, calls)?;
    let mut differences = Differences::new();
    for policy in &plan.policies {
        // Time has any origin (a multiple of the slices).
        for slices in [0, 1, 86_400] {
            let origin_ns = plan.rules.slice_ns.saturating_mul(slices);
            let mut run = Run::new(*policy, plan.rules, origin_ns);
            for (at, step) in steps.iter().enumerate() {
                let checked = run.step(step).map_err(|stop| match stop {
                    Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
                    unsupported => unsupported,
                });
                checked?;
                if run.parted {
                    break;
                }
            }
            differences.extend(run.differences);
        }
    }
    Ok(differences)
}

/// Results of probes, as a product that waits for all of them counts.
#[derive(Clone, Copy, Default)]
struct Probes {
    results: u32,
    failed: u32,
    slow: u32,
}

pub(crate) struct Run {
    pub(crate) breaker: Breaker,
    pub(crate) rules: Rules,
    origin_ns: u64,
    /// Asked and not yet reported; None for one that only the product sees as a probe.
    permits: VecDeque<Option<PermitId>>,
    /// The counters at the last change of phase, and our own releases since.
    pub(crate) base: BreakerStats,
    pub(crate) given_back: u64,
    changed_at_ns: u64,
    /// The product's interval has passed while it was closed.
    may_be_cleared: bool,
    pub(crate) refused_before_ours: u64,
    probes: Probes,
    /// Our verdict is made, the product's is not.
    awaits_verdict: bool,
    /// The product is open until then, longer than ours.
    open_until_ns: Option<u64>,
    /// What the window held when it opened.
    pub(crate) at_opening: WindowCounts,
    pub(crate) differences: Differences,
    /// From here on the two can no longer be compared.
    parted: bool,
}

impl Run {
    fn new(policy: BreakerPolicy, rules: Rules, origin_ns: u64) -> Self {
        Self {
            breaker: Breaker::new(policy),
            rules,
            origin_ns,
            permits: VecDeque::new(),
            base: BreakerStats::default(),
            given_back: 0,
            changed_at_ns: origin_ns,
            may_be_cleared: false,
            refused_before_ours: 0,
            probes: Probes::default(),
            awaits_verdict: false,
            open_until_ns: None,
            at_opening: WindowCounts::default(),
            differences: Differences::new(),
            parted: false,
        }
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), Stop> {
        let input = step.input.only("input", &["op", "outcome", "latency_ns"])?;
        let Some(op) = input.text("op")? else {
            return fail("a step without an op");
        };
        let now_ns = self.origin_ns.saturating_add(step.now_ns);
        if self.is_later_there(op, now_ns, step.expect)? {
            return Ok(());
        }
        let seen = self.phase(now_ns)?;
        let made = ask(&mut self.breaker, now_ns, &Op::Poll);
        self.note(holds!(made, Answer::Transitions)?, now_ns)?;
        if self.phase(now_ns)? != seen {
            return fail("poll and phase say different things");
        }
        let closed_for_ns = now_ns.saturating_sub(self.changed_at_ns);
        let cleared = self.rules.interval_ns.is_some_and(|ns| closed_for_ns >= ns);
        self.may_be_cleared |= cleared && seen == Phase::Closed;
        let before = self.window(now_ns)?;
        let result = Reported::of(input)?;
        let admitted = match op {
            "state" => None,
            "call" => Some(self.call(now_ns, result)?),
            "acquire" => Some(self.acquire(now_ns)?),
            "report" => self.report(now_ns, result)?,
            "release" => {
                self.given_back += 1;
                self.report(
                    now_ns,
                    Reported {
                        outcome: Outcome::Ignored,
                        latency_ns: 0,
                    },
                )?
            }
            "force_open" | "force_half_open" | "force_closed" => {
                self.command(op, now_ns)?;
                None
            }
            other => return unsupported(format!("no operation of ours is {other}")),
        };
        if seen != Phase::Open && self.phase(now_ns)? == Phase::Open {
            self.at_opening = if seen == Phase::Closed && !op.starts_with("force") {
                self.with_result(before, result)
            } else {
                before
            };
        }
        self.compare(now_ns, step.expect, admitted)
    }

    /// Whether the product, by its own rules, is behind ours at this step; then both are checked here.
    fn is_later_there(&mut self, op: &str, now_ns: u64, expect: Members<'_>) -> Result<bool, Stop> {
        if self.awaits_verdict {
            return Ok(false);
        }
        let says_open = expect.text("state")? == Some("open");
        let says_no = expect.flag("admitted")? == Some(false);
        let until_ns = self.breaker.next_deadline_ns();
        let open = self.breaker.generation() > 0 && self.wait_was_over(now_ns, until_ns)?;
        if !open || !(says_open || says_no) || expect.flag("admitted")? == Some(true) {
            return Ok(false);
        }
        let theirs_ns = self.open_until_ns.or(until_ns).unwrap_or(now_ns);
        let decision = if now_ns < theirs_ns {
            VERDICT
        } else if self.rules.strictly_later && now_ns == theirs_ns {
            EXACTLY
        } else if self.rules.lazy_state && op == "state" {
            WHEN
        } else {
            return Ok(false);
        };
        let peeked = holds!(ask(&mut self.breaker, now_ns, &Op::Peek), Answer::Peek)?;
        if self.phase(now_ns)? != Phase::HalfOpen || peeked.is_err() {
            return fail("ours is not ready at the end of the wait");
        }
        if matches!(op, "call" | "acquire") {
            self.refused_before_ours += 1;
        }
        self.differences.insert(decision);
        Ok(true)
    }

    /// Whether ours was open and its wait is over now, with nothing asked since.
    fn wait_was_over(&mut self, now_ns: u64, until_ns: Option<u64>) -> Result<bool, Stop> {
        let due = until_ns.is_some_and(|at_ns| at_ns <= now_ns);
        let held = self.open_until_ns.is_some_and(|at_ns| now_ns <= at_ns);
        Ok((due || held) && self.phase(now_ns)? == Phase::HalfOpen)
    }

    pub(crate) fn phase(&mut self, now_ns: u64) -> Result<Phase, Stop> {
        holds!(ask(&mut self.breaker, now_ns, &Op::Phase), Answer::Phase)
    }

    pub(crate) fn window(&mut self, now_ns: u64) -> Result<WindowCounts, Stop> {
        holds!(ask(&mut self.breaker, now_ns, &Op::Window), Answer::Window)
    }

    pub(crate) fn stats(&mut self, now_ns: u64) -> Result<BreakerStats, Stop> {
        holds!(ask(&mut self.breaker, now_ns, &Op::Stats), Answer::Stats)
    }

    fn note(&mut self, made: Transitions, now_ns: u64) -> Result<(), Stop> {
        if let Some(last) = made.last() {
            self.base = self.stats(now_ns)?;
            self.given_back = 0;
            self.refused_before_ours = 0;
            self.changed_at_ns = last.at_ns;
            if last.to != Phase::Open {
                self.probes = Probes::default();
            }
        }
        Ok(())
    }

    fn acquire(&mut self, now_ns: u64) -> Result<bool, Stop> {
        if self.awaits_verdict {
            self.permits.push_back(None);
            return Ok(true);
        }
        let permit = self.try_acquire(now_ns)?;
        if permit.is_some() {
            self.permits.push_back(permit);
        }
        Ok(permit.is_some())
    }

    fn try_acquire(&mut self, now_ns: u64) -> Result<Option<PermitId>, Stop> {
        match ask(&mut self.breaker, now_ns, &Op::TryAcquire) {
            Answer::Granted { permit, .. } => Ok(Some(permit)),
            Answer::Refused(_) => Ok(None),
            other => strange(&other),
        }
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: PermitId,
        result: Reported,
    ) -> Result<Receipt, Stop> {
        let report = Op::OnOutcome {
            permit,
            outcome: result.outcome,
            latency_ns: result.latency_ns,
        };
        holds!(ask(&mut self.breaker, now_ns, &report), Answer::Receipt)
    }

    fn call(&mut self, now_ns: u64, result: Reported) -> Result<bool, Stop> {
        if !self.acquire(now_ns)? {
            return Ok(false);
        }
        let permit = self.permits.pop_back().flatten();
        self.settle(now_ns, permit, result)?;
        Ok(true)
    }

    fn report(&mut self, now_ns: u64, result: Reported) -> Result<Option<bool>, Stop> {
        match self.permits.pop_front() {
            Some(permit) => self.settle(now_ns, permit, result)?,
            None => return fail("a report of a call that was not let through"),
        }
        Ok(None)
    }

    fn settle(
        &mut self,
        now_ns: u64,
        permit: Option<PermitId>,
        result: Reported,
    ) -> Result<(), Stop> {
        let was = self.phase(now_ns)?;
        let receipt = match permit {
            Some(permit) => Some(self.on_outcome(now_ns, permit, result)?),
            None => None,
        };
        let counts = !matches!(receipt, Some(Receipt::Stale(_) | Receipt::Released(_)));
        if counts
            && result.outcome != Outcome::Ignored
            && (was == Phase::HalfOpen || receipt.is_none())
        {
            self.probes.results += 1;
            self.probes.failed += u32::from(result.outcome != Outcome::Success);
            self.probes.slow += u32::from(self.is_slow(result.latency_ns));
        }
        if let Some(receipt) = receipt {
            let probes = self.probes;
            self.note(receipt.transitions(), now_ns)?;
            if was == Phase::HalfOpen {
                self.probes = probes;
            }
        }
        Ok(())
    }

    fn is_slow(&self, latency_ns: u64) -> bool {
        let limit = self.breaker.policy().slow_limit();
        limit.is_some_and(|limit| u128::from(latency_ns) > limit.as_nanos())
    }

    /// Operators' commands of products whose open state ends by time: open for one wait, or half-open at once.
    fn command(&mut self, op: &str, now_ns: u64) -> Result<(), Stop> {
        let normal = Op::SetMode { mode: Mode::Normal };
        let forced = |mode| Op::SetMode { mode };
        let commands = match op {
            "force_closed" => vec![forced(Mode::ForcedClosed), normal],
            "force_half_open" => vec![Op::Reset, forced(Mode::ForcedOpen), normal],
            _ => vec![Op::Reset],
        };
        let mut made = Vec::new();
        for command in &commands {
            let answer = ask(&mut self.breaker, now_ns, command);
            made.push(holds!(answer, Answer::Transitions)?);
        }
        if op == "force_open" {
            if let Some(permit) = self.try_acquire(now_ns)? {
                let overloaded = Reported {
                    outcome: Outcome::Overloaded { retry_at_ns: None },
                    latency_ns: 0,
                };
                let receipt = self.on_outcome(now_ns, permit, overloaded)?;
                made.push(receipt.transitions());
            }
        }
        (self.awaits_verdict, self.open_until_ns) = (false, None);
        for transitions in made {
            self.note(transitions, now_ns)?;
        }
        Ok(())
    }

    fn with_result(&self, before: WindowCounts, result: Reported) -> WindowCounts {
        let failed = u32::from(result.outcome != Outcome::Success);
        let slow = u32::from(self.is_slow(result.latency_ns));
        let full = match self.breaker.policy().window() {
            Some(Window::Count { calls }) => before.calls >= calls,
            _ => false,
        };
        let mut counts = before;
        counts.calls += u32::from(!full);
        // Of a full window the result that leaves is not known: only without one is this exact.
        counts.failures = before.failures.filter(|_| !full).map(|n| n + failed);
        counts.slow = before.slow.filter(|_| !full).map(|n| n + slow);
        counts
    }

    fn compare(
        &mut self,
        now_ns: u64,
        expect: Members<'_>,
        admitted: Option<bool>,
    ) -> Result<(), Stop> {
        if let (Some(expected), Some(admitted)) = (expect.flag("admitted")?, admitted) {
            if expected != admitted {
                return self.mismatch(format!("admitted is {admitted}"));
            }
        }
        let phase = self.phase(now_ns)?;
        if let Some(expected) = expect.text("state")? {
            let name = phase.name().replace('-', "_");
            if self.rules.decides_after.is_some() && self.verdict(now_ns, phase, expected)? {
                return Ok(());
            }
            if expected != name {
                return self.mismatch(format!("it is {name}, not {expected}"));
            }
        }
        match self.counters(now_ns, phase, expect)? {
            None => Ok(()),
            Some(why) => self.mismatch(why),
        }
    }

    /// Follows a product that judges its probes only when all are back; whether the step is dealt with.
    fn verdict(&mut self, now_ns: u64, phase: Phase, expected: &str) -> Result<bool, Stop> {
        let needed = self.rules.decides_after.unwrap_or(0);
        let (some, all) = (self.probes.results > 0, self.probes.results >= needed);
        if !some || (phase == Phase::HalfOpen && !all) {
            return Ok(false);
        }
        if !all {
            // Ours has decided already.
            self.awaits_verdict = expected == "half_open";
            if self.awaits_verdict {
                self.differences.insert(VERDICT);
            }
            return Ok(self.awaits_verdict);
        }
        let opens = self.product_opens(needed);
        let late = std::mem::take(&mut self.awaits_verdict);
        self.probes = Probes::default();
        if expected != if opens { "open" } else { "closed" } {
            return fail(format!(
                "{expected} does not follow from the vector's own config"
            ));
        }
        if opens != (phase == Phase::Open) {
            self.differences.insert(SLOW);
            self.parted = true;
            return Ok(true);
        }
        if late && opens {
            self.open_until_ns = now_ns.checked_add(self.rules.open_ns);
        }
        Ok(late)
    }

    fn product_opens(&self, whole: u32) -> bool {
        let above_only = self.rules.above_only;
        reaches(
            self.rules.failure_percent,
            above_only,
            self.probes.failed,
            whole,
        ) || reaches(self.rules.slow_percent, above_only, self.probes.slow, whole)
    }

    /// A mismatch is a failure, unless the product has cleared its counts on the way.
    fn mismatch(&mut self, why: String) -> Result<(), Stop> {
        if self.may_be_cleared {
            self.differences.insert(INTERVAL);
            self.parted = true;
            return Ok(());
        }
        fail(why)
    }

    /// The product still shows what the window held when it opened.
    pub(crate) fn shows_afresh(&mut self) {
        self.differences.insert(AFRESH);
    }
}

/// What a call's end is reported as.
#[derive(Clone, Copy)]
struct Reported {
    outcome: Outcome,
    latency_ns: u64,
}

impl Reported {
    fn of(input: Members<'_>) -> Result<Self, Stop> {
        Ok(Self {
            outcome: match input.text("outcome")? {
                None | Some("ok") => Outcome::Success,
                Some("error" | "timeout") => Outcome::Failure,
                Some("ignored") => Outcome::Ignored,
                Some(other) => return unsupported(format!("no outcome of ours is {other}")),
            },
            latency_ns: input.whole("latency_ns")?.unwrap_or(0),
        })
    }
}
