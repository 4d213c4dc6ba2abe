//! A health probe whose calls are recorded.

use evenkeel_core::health::{
    HealthProbe, ProbeAction, ProbeId, ProbeReceipt, Probed, TrafficReceipt,
};
use evenkeel_core::random::Rng;

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<HealthProbe> {
    /// [`HealthProbe::poll`]
    pub fn poll<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> ProbeAction {
        self.record_drawn(
            now_ns,
            Op::Poll,
            rng,
            |machine, rng| machine.poll(now_ns, rng),
            |action| Answer::Action(*action),
        )
    }

    /// [`HealthProbe::on_report`]
    pub fn on_report(&mut self, now_ns: u64, probe: ProbeId, found: Probed) -> ProbeReceipt {
        self.record_plain(
            now_ns,
            Op::OnReport { probe, found },
            |machine| machine.on_report(now_ns, probe, found),
            |receipt| Answer::Receipt(*receipt),
        )
    }

    /// [`HealthProbe::on_traffic`]
    pub fn on_traffic(&mut self, now_ns: u64, found: Probed) -> TrafficReceipt {
        self.record_plain(
            now_ns,
            Op::OnTraffic { found },
            |machine| machine.on_traffic(now_ns, found),
            |receipt| Answer::Traffic(*receipt),
        )
    }
}
