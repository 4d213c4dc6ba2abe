//! An adaptive throttle whose calls are recorded.

use evenkeel_core::Refusal;
use evenkeel_core::random::Rng;
use evenkeel_core::throttle::{AdaptiveThrottle, Throttled};

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<AdaptiveThrottle> {
    /// [`AdaptiveThrottle::try_request`]
    ///
    /// # Errors
    ///
    /// The request is rejected here.
    pub fn try_request<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<(), Refusal<Throttled>> {
        self.record_drawn(
            now_ns,
            Op::TryRequest,
            rng,
            |throttle, rng| throttle.try_request(now_ns, rng),
            Answer::asked,
        )
    }

    /// [`AdaptiveThrottle::on_accepted`]
    pub fn on_accepted(&mut self, now_ns: u64) {
        self.record_plain(
            now_ns,
            Op::OnAccepted,
            |throttle| throttle.on_accepted(now_ns),
            Answer::done,
        );
    }
}
