//! ThresholdWindow under the laws.

use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy, ThresholdWindowState};
use evenkeel_core::{Quantile, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum ThresholdWindows {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record { value: u64 },
    Clear,
    Count,
    IsAbove,
    CountAbove,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Count(u64),
    IsAbove(Option<bool>),
    CountAbove(u64),
}

impl Subject for ThresholdWindows {
    const NAME: &'static str = "threshold_window";
    const FULL_AFTER: u32 = 400;

    type Policy = ThresholdWindowPolicy;
    type Machine = ThresholdWindow;
    type State = ThresholdWindowState;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = NoId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::QuietBefore | Law::ProgressAt | Law::LazyIsEager => {
                Some("nothing falls due: no deadline and no poll")
            }
            Law::Strangers => Some("no ids: nothing comes back"),
            Law::Words => Some("no call takes a generator"),
            Law::Forgotten | Law::Order => Some("one estimator, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, ThresholdWindowPolicy)> {
        let all = [
            ("one", 1, Quantile::MAX, 0),
            ("seven", 7, Quantile::P50, 9),
            ("a hundred", 100, Quantile::P95, 1 << 30),
            ("never", 20, Quantile::P99, u64::MAX),
        ];
        all.map(|(name, values, q, above)| {
            (name, ThresholdWindowPolicy::new(values, q, above).expect(name))
        })
        .into()
    }

    fn spans_ns(_: &ThresholdWindowPolicy) -> Vec<u64> {
        vec![10, 1_000_000]
    }

    fn fresh(policy: &ThresholdWindowPolicy, _: u64) -> ThresholdWindow {
        ThresholdWindow::new(*policy)
    }

    fn state(estimator: &ThresholdWindow) -> ThresholdWindowState {
        estimator.state()
    }

    fn restore(policy: &ThresholdWindowPolicy, state: ThresholdWindowState) -> Result<ThresholdWindow, RestoreError> {
        ThresholdWindow::restore(*policy, state)
    }

    fn apply(estimator: &mut ThresholdWindow, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
        match *op {
            Op::Record { value } => {
                estimator.record(now_ns, value);
                Answer::Done
            }
            Op::Clear => {
                estimator.clear();
                Answer::Done
            }
            Op::Count => Answer::Count(estimator.count(now_ns)),
            Op::IsAbove => Answer::IsAbove(estimator.is_above(now_ns)),
            Op::CountAbove => Answer::CountAbove(estimator.count_above(now_ns)),
        }
    }

    fn generate(_: &ThresholdWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(40) {
            0 => Op::Clear,
            _ => Op::Record {
                value: pick.value(),
            },
        }
    }

    fn takes_time(op: &Op) -> bool {
        !matches!(op, Op::Clear)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Count, Op::IsAbove, Op::CountAbove]
    }

    fn moved(_: &ThresholdWindowPolicy, answer: Answer, _: &mut Mover) -> Option<Answer> {
        Some(answer)
    }
}
