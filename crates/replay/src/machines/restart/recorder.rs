//! A restart whose calls are recorded.

use evenkeel_core::Reported;
use evenkeel_core::random::Rng;
use evenkeel_core::restart::{Exit, Restart, RestartAction, RunId};

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<Restart> {
    /// [`Restart::poll`]
    pub fn poll(&mut self, now_ns: u64) -> RestartAction {
        self.record_plain(
            now_ns,
            Op::Poll,
            |restart| restart.poll(now_ns),
            |action| Answer::Action(*action),
        )
    }

    /// [`Restart::on_exit`]
    pub fn on_exit<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        run: RunId,
        exit: Exit,
        rng: &mut R,
    ) -> Reported {
        self.record_drawn(
            now_ns,
            Op::OnExit { run, exit },
            rng,
            |restart, rng| restart.on_exit(now_ns, run, exit, rng),
            |reported| Answer::Reported(*reported),
        )
    }

    /// [`Restart::stop`]
    #[must_use = "the run that it returns still runs: end it, and report its exit"]
    pub fn stop(&mut self, now_ns: u64) -> Option<RunId> {
        self.record_plain(
            now_ns,
            Op::Stop,
            |restart| restart.stop(now_ns),
            |run| Answer::Stopped(*run),
        )
    }

    /// [`Restart::rearm`]
    pub fn rearm(&mut self, now_ns: u64) {
        self.record_plain(
            now_ns,
            Op::Rearm,
            |restart| restart.rearm(now_ns),
            |()| Answer::Rearmed,
        );
    }
}
