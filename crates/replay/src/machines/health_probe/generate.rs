//! Random calls of a health probe.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, ProbeAction, ProbeId, Probed};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Generate for HealthProbe {
    const POLICIES: usize = 5;

    fn sample_policy(number: usize) -> Option<(&'static str, HealthProbePolicy)> {
        let of = |interval, timeout| HealthProbePolicy::builder(ns(interval), ns(timeout));
        let waits = BackoffPolicy::builder(ns(20)).cap(ns(500));
        let (name, builder) = match number {
            0 => ("spread", of(100, 40)),
            1 => (
                "no jitter",
                of(100, 40).jitter(Jitter::None).fall(1).rise(1),
            ),
            2 => (
                "waits while down",
                of(100, 30)
                    .down(waits.jitter(Jitter::Decorrelated))
                    .fall(2)
                    .rise(3),
            ),
            3 => (
                "jitter only while down",
                of(100, 99)
                    .jitter(Jitter::None)
                    .down(waits.jitter(Jitter::Full))
                    .fall(1),
            ),
            4 => ("the longest", of(1 << 62, 1 << 61).fall(1)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &HealthProbePolicy) -> [u64; 5] {
        let (interval, timeout) = (policy.interval(), policy.timeout());
        let down = policy.down().map_or(interval, BackoffPolicy::base);
        [interval, timeout, down, interval, timeout].map(|span| span.as_nanos() as u64)
    }

    fn call(_: &HealthProbePolicy, pick: &mut Pick, _: u64, ids: &[ProbeId]) -> Op {
        let found = pick.of(&[Probed::Passed, Probed::Failed, Probed::Failed]);
        match (pick.below(20), pick.recent(ids)) {
            (0..=3, _) => Op::OnTraffic { found },
            (4..=9, Some(probe)) => Op::OnReport { probe, found },
            _ => Op::Poll,
        }
    }

    fn query(_: &HealthProbePolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::Health, Op::InFlight]))
    }

    fn report(probe: ProbeId, pick: &mut Pick) -> Option<Op> {
        let found = pick.of(&[Probed::Passed, Probed::Failed]);
        Some(Op::OnReport { probe, found })
    }

    fn foreign(pick: &mut Pick, given: &[ProbeId]) -> Option<ProbeId> {
        let last = given.last().map_or(0, |probe| probe.to_word());
        let next = last.wrapping_add(1);
        let all = [0, next, next.wrapping_add(1), u64::MAX];
        Some(ProbeId::from_word(pick.of(&all)))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        match answer {
            Answer::Action(
                ProbeAction::Send { timeout_at_ns, .. }
                | ProbeAction::Probing { timeout_at_ns, .. },
            ) => timeout_at_ns.iter().copied().for_each(&mut *show),
            Answer::Action(
                ProbeAction::Abandon { at_ns, .. } | ProbeAction::WaitUntil { at_ns },
            ) => show(*at_ns),
            _ => {}
        }
        let changes = answer.timed_out_and_found().into_iter().flatten();
        changes.for_each(|change| show(change.at_ns));
    }
}
