//! What can happen to a [`HealthProbe`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::health::{
    Health, HealthChange, HealthProbe, HealthProbePolicy, HealthProbeState, ProbeAction, ProbeId,
    ProbeReceipt, Probed, TrafficReceipt,
};
use evenkeel_core::random::Rng;
use serde::{Deserialize, Serialize};

use crate::machine::{Assumed, Change, Machine, Verdict};
use crate::machines::own::own;

/// A call of a [`HealthProbe`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::health::{HealthProbe, HealthProbePolicy, Probed};
/// use evenkeel_replay::{Machine, health_probe::Op};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// let mut probe = HealthProbe::new(HealthProbePolicy::builder(interval, timeout).fall(1).build()?);
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let failed = Op::OnTraffic { found: Probed::Failed };
/// let answer = probe.apply(5, &failed, &mut rng);
/// let mut told = Vec::new();
/// HealthProbe::changes(5, &failed, &answer, &mut |change| told.push((change.at_ns, change.to, change.cause)));
/// assert_eq!(told, [(5, "down", "failed")]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`HealthProbe::poll`]
    Poll,
    /// [`HealthProbe::on_report`]
    OnReport {
        /// Which probe.
        probe: ProbeId,
        /// What it found.
        found: Probed,
    },
    /// [`HealthProbe::on_traffic`]
    OnTraffic {
        /// What a call of the traffic found.
        found: Probed,
    },
    /// [`HealthProbe::health`]
    Health,
    /// [`HealthProbe::in_flight`]
    InFlight,
}

/// What a [`HealthProbe`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// What to do now.
    Action(ProbeAction),
    /// What became of a probe's report.
    Receipt(ProbeReceipt),
    /// What a result of the traffic changed.
    Traffic(TrafficReceipt),
    /// The verdict.
    Health(Option<Health>),
    /// The probe whose report is awaited.
    InFlight(Option<ProbeId>),
}

impl Answer {
    /// What the end of a probe's time changed, and what the result changed that was reported.
    fn timed_out_and_found(&self) -> [Option<HealthChange>; 2] {
        match self {
            Self::Action(ProbeAction::Abandon { change, .. }) => [*change, None],
            Self::Receipt(receipt) if receipt.reported.is_stale() => [receipt.change, None],
            Self::Receipt(receipt) => [None, receipt.change],
            Self::Traffic(receipt) => [receipt.timed_out, receipt.change],
            _ => [None; 2],
        }
    }
}

/// No report counts for nothing, so there is no [`unknown`](Machine::unknown) one that is [ignored](Assumed::Ignored): a
/// probe of which nobody knows what it found is in flight until its time ends.
impl Machine for HealthProbe {
    const NAME: &'static str = "health_probe";
    const POLL_ASKS: bool = true;

    type Policy = HealthProbePolicy;
    type State = HealthProbeState;
    type Op = Op;
    type Answer = Answer;
    type Id = ProbeId;

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match *op {
            Op::Poll => Answer::Action(self.poll(now_ns, rng)),
            Op::OnReport { probe, found } => Answer::Receipt(self.on_report(now_ns, probe, found)),
            Op::OnTraffic { found } => Answer::Traffic(self.on_traffic(now_ns, found)),
            Op::Health => Answer::Health(self.health(now_ns)),
            Op::InFlight => Answer::InFlight(self.in_flight()),
        }
    }

    fn given(_: &Op, answer: &Answer) -> Option<ProbeId> {
        match answer {
            Answer::Action(ProbeAction::Send { probe, .. }) => Some(*probe),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<ProbeId> {
        match op {
            Op::OnReport { probe, .. } => Some(*probe),
            _ => None,
        }
    }

    fn with_id(op: &Op, id: ProbeId) -> Op {
        let mut op = op.clone();
        if let Op::OnReport { probe, .. } = &mut op {
            *probe = id;
        }
        op
    }

    fn unknown(probe: ProbeId, assumed: Assumed) -> Option<Op> {
        let found = match assumed {
            Assumed::Ignored => return None,
            Assumed::Success => Probed::Passed,
            Assumed::Failure => Probed::Failed,
        };
        Some(Op::OnReport { probe, found })
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        match answer {
            Answer::Action(ProbeAction::Send { .. }) => Some(Verdict::Admitted),
            Answer::Action(ProbeAction::WaitUntil { at_ns }) => {
                Some(Verdict::Waits { until_ns: *at_ns })
            }
            Answer::Action(ProbeAction::Idle) => Some(Verdict::Ended { reason: "idle" }),
            _ => None,
        }
    }

    fn changes(_: u64, op: &Op, answer: &Answer, show: &mut dyn FnMut(Change)) {
        let cause = match op {
            Op::OnReport { found, .. } | Op::OnTraffic { found } => found.name(),
            _ => TIMED_OUT,
        };
        let made = answer.timed_out_and_found().into_iter();
        for (change, cause) in made.zip([TIMED_OUT, cause]) {
            if let Some(change) = change {
                show(Change {
                    at_ns: change.at_ns,
                    from: change.from.map_or("none", Health::name),
                    to: change.to.name(),
                    cause,
                });
            }
        }
    }
}

/// As [`TrafficReceipt`] names it.
const TIMED_OUT: &str = "timed-out";
