//! A client: the machines that all of its calls share.

use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Grant, Outcome, Permit, Phase, Receipt, Refused, Transitions,
};
use evenkeel_core::budget::{RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy};
use evenkeel_core::health::{HealthProbe, HealthProbePolicy};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, Parts};
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};

use super::{BudgetPolicy, Plan};
use crate::random::{Stream, Streams};
use crate::slab::Timer;

pub(super) struct Client<'a> {
    pub(super) rng: Stream,
    pub(super) throttle: Option<Box<AdaptiveThrottle<&'a AdaptiveThrottlePolicy>>>,
    pub(super) probe: Option<Box<HealthProbe<&'a HealthProbePolicy>>>,
    /// When the probe is due.
    pub(super) timer: Timer,
    breaker: Option<Breaker<&'a BreakerPolicy>>,
    budget: Option<Box<Budget<'a>>>,
}

enum Budget<'a> {
    Tokens(RetryTokens<&'a RetryTokensPolicy>),
    Ratio(RetryRatio<&'a RetryRatioPolicy>),
}

/// How many breakers are in each phase, as far as they have noticed, and how many probes they let through.
#[derive(Default)]
pub(super) struct Phases {
    counts: [u64; 3],
    pub(super) probes: u64,
}

impl Phases {
    pub(super) const fn all_closed(breakers: u64) -> Self {
        Self {
            counts: [breakers, 0, 0],
            probes: 0,
        }
    }

    /// Closed, open, half-open.
    pub(super) const fn counts(&self) -> [u64; 3] {
        self.counts
    }

    fn note(&mut self, transitions: Transitions) {
        for made in transitions {
            for (phase, enters) in [(made.from, false), (made.to, true)] {
                let count = match phase {
                    Phase::Closed => &mut self.counts[0],
                    Phase::Open => &mut self.counts[1],
                    _ => &mut self.counts[2],
                };
                *count = if enters {
                    *count + 1
                } else {
                    count.saturating_sub(1)
                };
            }
        }
    }
}

/// A client's breaker, listened to.
pub(super) struct Gate<'a, 'b> {
    breaker: &'a mut Breaker<&'b BreakerPolicy>,
    phases: &'a mut Phases,
}

impl BreakerGate for Gate<'_, '_> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        let answer = self.breaker.try_acquire(now_ns, rng);
        match &answer {
            Ok(grant) => {
                self.phases.note(grant.transitions);
                let half_open = self.breaker.phase(now_ns) == Phase::HalfOpen;
                self.phases.probes += u64::from(half_open);
            }
            Err(refused) => self.phases.note(refused.transitions),
        }
        answer
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        let receipt = self
            .breaker
            .on_outcome(now_ns, permit, outcome, latency_ns, rng);
        self.phases.note(receipt.transitions());
        receipt
    }
}

impl<'a> Client<'a> {
    pub(super) fn new(plan: &'a Plan, id: u32, streams: Streams) -> Self {
        let budget = plan.budget.as_ref().map(|policy| match policy {
            BudgetPolicy::Tokens(policy) => Box::new(Budget::Tokens(RetryTokens::new(policy))),
            BudgetPolicy::Ratio(policy) => Box::new(Budget::Ratio(RetryRatio::new(policy))),
        });
        Self {
            rng: streams.of("client", u64::from(id)),
            throttle: plan
                .throttle
                .as_ref()
                .map(|policy| Box::new(AdaptiveThrottle::new(policy))),
            probe: plan
                .health_probe
                .as_ref()
                .map(|policy| Box::new(HealthProbe::new(policy))),
            timer: Timer::default(),
            breaker: plan.breaker.as_ref().map(Breaker::new),
            budget,
        }
    }

    /// Tells the breaker how healthy the probe has found the server.
    pub(super) fn tell_health(&mut self, now_ns: u64, phases: &mut Phases) {
        let health = self.probe.as_ref().and_then(|probe| probe.health(now_ns));
        if let (Some(health), Some(breaker)) = (health, &mut self.breaker) {
            phases.note(breaker.on_health(now_ns, health));
        }
    }

    /// Lends its parts, and its random words, to an operation for one call.
    pub(super) fn with_parts<T>(
        &mut self,
        phases: &mut Phases,
        call: impl FnOnce(&mut Parts<'_>, &mut Stream) -> T,
    ) -> T {
        let mut gate = self
            .breaker
            .as_mut()
            .map(|breaker| Gate { breaker, phases });
        let mut parts = Parts::none();
        if let Some(gate) = &mut gate {
            parts = parts.with_breaker(gate);
        }
        parts = match self.budget.as_deref_mut() {
            Some(Budget::Tokens(tokens)) => parts.with_budget(tokens),
            Some(Budget::Ratio(ratio)) => parts.with_budget(ratio),
            None => parts,
        };
        call(&mut parts, &mut self.rng)
    }
}
