//! A breaker whose calls are recorded.

use evenkeel_core::breaker::{
    Breaker, Grant, Health, Mode, Outcome, Permit, Receipt, Refused, Transitions,
};
use evenkeel_core::random::Rng;

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<Breaker> {
    /// [`Breaker::try_acquire`]
    ///
    /// # Errors
    ///
    /// The call may not be made now.
    pub fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Grant, Refused> {
        self.record_drawn(
            now_ns,
            Op::TryAcquire,
            rng,
            |breaker, rng| breaker.try_acquire(now_ns, rng),
            Answer::asked,
        )
    }

    /// [`Breaker::on_outcome`]
    pub fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        let op = Op::OnOutcome {
            permit: permit.id(),
            outcome,
            latency_ns,
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |breaker, rng| breaker.on_outcome(now_ns, permit, outcome, latency_ns, rng),
            |receipt| Answer::Receipt(*receipt),
        )
    }

    /// [`Breaker::on_health`]
    pub fn on_health(&mut self, now_ns: u64, health: Health) -> Transitions {
        self.record_plain(
            now_ns,
            Op::OnHealth { health },
            |breaker| breaker.on_health(now_ns, health),
            |made| Answer::Transitions(*made),
        )
    }

    /// [`Breaker::poll`]
    pub fn poll(&mut self, now_ns: u64) -> Transitions {
        self.record_plain(
            now_ns,
            Op::Poll,
            |breaker| breaker.poll(now_ns),
            |made| Answer::Transitions(*made),
        )
    }

    /// [`Breaker::set_mode`]
    pub fn set_mode(&mut self, now_ns: u64, mode: Mode) -> Transitions {
        self.record_plain(
            now_ns,
            Op::SetMode { mode },
            |breaker| breaker.set_mode(now_ns, mode),
            |made| Answer::Transitions(*made),
        )
    }

    /// [`Breaker::reset`]
    pub fn reset(&mut self, now_ns: u64) -> Transitions {
        self.record_plain(
            now_ns,
            Op::Reset,
            |breaker| breaker.reset(now_ns),
            |made| Answer::Transitions(*made),
        )
    }
}
