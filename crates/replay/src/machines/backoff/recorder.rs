//! A backoff whose calls are recorded.

use evenkeel_core::backoff::{Backoff, Exhausted, Wait};
use evenkeel_core::random::Rng;

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<Backoff> {
    /// [`Backoff::next_wait`]
    ///
    /// # Errors
    ///
    /// There is no further wait.
    pub fn next_wait<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Exhausted> {
        self.record_drawn(
            now_ns,
            Op::NextWait,
            rng,
            |backoff, rng| backoff.next_wait(now_ns, rng),
            Answer::asked,
        )
    }

    /// [`Backoff::reset`]. It takes the time, which the machine itself does not ask for: each call of a journal has
    /// its instant.
    pub fn reset(&mut self, now_ns: u64) {
        self.record_plain(now_ns, Op::Reset, Backoff::reset, |()| Answer::Reset);
    }
}
