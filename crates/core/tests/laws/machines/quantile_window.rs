//! QuantileWindow under the laws.

use evenkeel_core::estimator::{QuantileWindow, QuantileWindowPolicy, QuantileWindowState, Interval};
use evenkeel_core::{Quantile, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum QuantileWindows {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record { value: u64 },
    Clear,
    Count,
    Quantile(Quantile),
    Interval(Quantile),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Count(u64),
    Quantile(Option<u64>),
    Interval(Option<Interval>),
}

impl Subject for QuantileWindows {
    const NAME: &'static str = "quantile_window";
    const FULL_AFTER: u32 = 400;

    type Policy = QuantileWindowPolicy;
    type Machine = QuantileWindow;
    type State = QuantileWindowState;
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

    fn policies() -> Vec<(&'static str, QuantileWindowPolicy)> {
        let all = [
            ("one", 1, &[Quantile::P50][..]),
            ("seven", 7, &[Quantile::P50, Quantile::P99]),
            ("a hundred", 100, &[Quantile::MIN, Quantile::P95, Quantile::MAX]),
        ];
        all.map(|(name, values, quantiles)| {
            (name, QuantileWindowPolicy::new(values, quantiles).expect(name))
        })
        .into()
    }

    fn spans_ns(_: &QuantileWindowPolicy) -> Vec<u64> {
        vec![10, 1_000_000]
    }

    fn fresh(policy: &QuantileWindowPolicy, _: u64) -> QuantileWindow {
        QuantileWindow::new(*policy)
    }

    fn state(estimator: &QuantileWindow) -> QuantileWindowState {
        estimator.state()
    }

    fn restore(policy: &QuantileWindowPolicy, state: QuantileWindowState) -> Result<QuantileWindow, RestoreError> {
        QuantileWindow::restore(*policy, state)
    }

    fn apply(estimator: &mut QuantileWindow, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
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
            Op::Quantile(q) => Answer::Quantile(estimator.quantile(now_ns, q)),
            Op::Interval(q) => Answer::Interval(estimator.interval(now_ns, q)),
        }
    }

    fn generate(_: &QuantileWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
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
        let mut queries = vec![Op::Count];
        queries.extend(quantiles.map(Op::Quantile));
        queries.extend(quantiles.map(Op::Interval));
        queries
    }

    fn moved(_: &QuantileWindowPolicy, answer: Answer, _: &mut Mover) -> Option<Answer> {
        Some(answer)
    }
}
