//! A client of one's own: calls now and then, and asks its breaker first.

use evenkeel_core::breaker::{Breaker, BreakerPolicy, Mode, Outcome, Permit};
use evenkeel_sim::{Delay, Stream, Streams};

/// Calls at random instants, if its breaker lets it.
pub(crate) struct Client<'a> {
    breaker: Breaker<&'a BreakerPolicy>,
    gap: Delay,
    /// When it calls: a stream of its own, so that both sides of a comparison want the same calls.
    gaps: Stream,
    /// All else.
    pub(crate) rng: Stream,
}

impl<'a> Client<'a> {
    /// `mode` is what makes the comparison: `ForcedClosed` lets every call pass.
    pub(crate) fn new(
        policy: &'a BreakerPolicy,
        mode: Mode,
        gap: Delay,
        streams: Streams,
        id: u64,
    ) -> Self {
        let mut breaker = Breaker::new(policy);
        let _ = breaker.set_mode(0, mode);
        let [gaps, rng] = ["gaps", "client"].map(|kind| streams.of(kind, id));
        Self {
            breaker,
            gap,
            gaps,
            rng,
        }
    }

    /// When it calls next, from now.
    pub(crate) fn gap_ns(&mut self) -> u64 {
        self.gap.draw_ns(&mut self.gaps)
    }

    /// Whether a call may go out.
    pub(crate) fn ask(&mut self, now_ns: u64) -> Option<Permit> {
        let grant = self.breaker.try_acquire(now_ns, &mut self.rng).ok()?;
        Some(grant.permit)
    }

    pub(crate) fn report(&mut self, now_ns: u64, permit: Permit, answered: bool) {
        let outcome = if answered {
            Outcome::Success
        } else {
            Outcome::Failure
        };
        // No trigger of this policy looks at the latency.
        let _ = self
            .breaker
            .on_outcome(now_ns, permit, outcome, 0, &mut self.rng);
    }
}
