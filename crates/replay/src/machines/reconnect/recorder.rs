//! A reconnect whose calls are recorded.

use evenkeel_core::Reported;
use evenkeel_core::random::Rng;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, Reconnect};

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<Reconnect> {
    /// [`Reconnect::poll`]
    pub fn poll<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> LinkAction {
        self.record_drawn(
            now_ns,
            Op::Poll,
            rng,
            |reconnect, rng| reconnect.poll(now_ns, rng),
            |action| Answer::Action(*action),
        )
    }

    /// [`Reconnect::on_event`]
    pub fn on_event<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        link: LinkId,
        event: LinkEvent,
        rng: &mut R,
    ) -> Reported {
        self.record_drawn(
            now_ns,
            Op::OnEvent { link, event },
            rng,
            |reconnect, rng| reconnect.on_event(now_ns, link, event, rng),
            |reported| Answer::Reported(*reported),
        )
    }

    /// [`Reconnect::on_frame`]
    pub fn on_frame(&mut self, now_ns: u64, link: LinkId) -> Reported {
        self.record_plain(
            now_ns,
            Op::OnFrame { link },
            |reconnect| reconnect.on_frame(now_ns, link),
            |reported| Answer::Reported(*reported),
        )
    }

    /// [`Reconnect::kick`]
    pub fn kick<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> Option<u64> {
        self.record_drawn(
            now_ns,
            Op::Kick,
            rng,
            |reconnect, rng| reconnect.kick(now_ns, rng),
            |at_ns| Answer::Kicked(*at_ns),
        )
    }

    /// [`Reconnect::stop`]
    #[must_use = "the link that it returns is still open: close it"]
    pub fn stop(&mut self, now_ns: u64) -> Option<LinkId> {
        self.record_plain(
            now_ns,
            Op::Stop,
            |reconnect| reconnect.stop(now_ns),
            |link| Answer::Stopped(*link),
        )
    }

    /// [`Reconnect::start`]
    #[must_use = "false where it did not rest: nothing was started"]
    pub fn start(&mut self, now_ns: u64) -> bool {
        self.record_plain(
            now_ns,
            Op::Start,
            |reconnect| reconnect.start(now_ns),
            |started| Answer::Started(*started),
        )
    }
}
