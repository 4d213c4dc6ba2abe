//! SampleWindow under the laws.

use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy, SampleWindowState, LatencySummary};
use evenkeel_core::{Quantile, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum SampleWindows {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record { value: u64 },
    Clear,
    Count,
    Sum,
    Min,
    Max,
    Mean,
    Summary,
    Quantile(Quantile),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Count(u64),
    Sum(u128),
    Min(Option<u64>),
    Max(Option<u64>),
    Mean(Option<u64>),
    Summary(Option<LatencySummary>),
    Quantile(Option<u64>),
}

impl Subject for SampleWindows {
    const NAME: &'static str = "sample_window";
    const FULL_AFTER: u32 = 400;

    type Policy = SampleWindowPolicy;
    type Machine = SampleWindow;
    type State = SampleWindowState;
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

    fn policies() -> Vec<(&'static str, SampleWindowPolicy)> {
        [("one", 1), ("seven", 7), ("a hundred", 100)]
            .map(|(name, values)| (name, SampleWindowPolicy::new(values).expect(name)))
            .into()
    }

    fn spans_ns(_: &SampleWindowPolicy) -> Vec<u64> {
        vec![10, 1_000_000]
    }

    fn fresh(policy: &SampleWindowPolicy, _: u64) -> SampleWindow {
        SampleWindow::new(*policy)
    }

    fn state(estimator: &SampleWindow) -> SampleWindowState {
        estimator.state()
    }

    fn restore(policy: &SampleWindowPolicy, state: SampleWindowState) -> Result<SampleWindow, RestoreError> {
        SampleWindow::restore(*policy, state)
    }

    fn apply(estimator: &mut SampleWindow, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
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
            Op::Sum => Answer::Sum(estimator.sum(now_ns)),
            Op::Min => Answer::Min(estimator.min(now_ns)),
            Op::Max => Answer::Max(estimator.max(now_ns)),
            Op::Mean => Answer::Mean(estimator.mean(now_ns)),
            Op::Summary => Answer::Summary(estimator.summary(now_ns)),
            Op::Quantile(q) => Answer::Quantile(estimator.quantile(now_ns, q)),
        }
    }

    fn generate(_: &SampleWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
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
        let quantiles = [Quantile::MIN, Quantile::P50, Quantile::P99, Quantile::MAX];
        let mut queries = vec![Op::Count, Op::Sum, Op::Min, Op::Max, Op::Mean, Op::Summary];
        queries.extend(quantiles.map(Op::Quantile));
        queries
    }

    fn moved(_: &SampleWindowPolicy, answer: Answer, _: &mut Mover) -> Option<Answer> {
        Some(answer)
    }
}
