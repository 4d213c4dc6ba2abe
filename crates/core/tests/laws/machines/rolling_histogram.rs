//! RollingHistogram under the laws.

use core::time::Duration;

use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy, RollingHistogramState, Interval, LatencySummary};
use evenkeel_core::{Quantile, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum RollingHistograms {}

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
    Interval(Quantile),
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
    Interval(Option<Interval>),
}

impl Subject for RollingHistograms {
    const NAME: &'static str = "rolling_histogram";
    const FULL_AFTER: u32 = 400;

    type Policy = RollingHistogramPolicy;
    type Machine = RollingHistogram;
    type State = RollingHistogramState;
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

    fn policies() -> Vec<(&'static str, RollingHistogramPolicy)> {
        let all = [
            ("two of 50", 100, 2),
            ("eight of 1", 8, 8),
            ("one of a second", 1_000_000_000, 1),
            ("the longest", 1 << 60, 4),
        ];
        all.map(|(name, span, slices)| {
            let span = Duration::from_nanos(span);
            (name, RollingHistogramPolicy::new(span, slices, 1).expect(name))
        })
        .into()
    }

    fn grid_ns(policy: &RollingHistogramPolicy) -> u64 {
        policy.slice().as_nanos() as u64
    }

    fn spans_ns(policy: &RollingHistogramPolicy) -> Vec<u64> {
        vec![policy.slice().as_nanos() as u64, policy.span().as_nanos() as u64]
    }

    fn fresh(policy: &RollingHistogramPolicy, _: u64) -> RollingHistogram {
        RollingHistogram::new(*policy)
    }

    fn state(estimator: &RollingHistogram) -> RollingHistogramState {
        estimator.state()
    }

    fn restore(policy: &RollingHistogramPolicy, state: RollingHistogramState) -> Result<RollingHistogram, RestoreError> {
        RollingHistogram::restore(*policy, state)
    }

    fn apply(estimator: &mut RollingHistogram, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
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
            Op::Interval(q) => Answer::Interval(estimator.interval(now_ns, q)),
        }
    }

    fn generate(_: &RollingHistogramPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
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
        queries.extend(quantiles.map(Op::Interval));
        queries
    }

    /// An index, a count for each bucket with its number, and totals, for each slice.
    fn most_numbers(policy: &RollingHistogramPolicy) -> Option<usize> {
        Some(4 + policy.slices() as usize * (2 * 128 + 5))
    }

    fn moved(_: &RollingHistogramPolicy, answer: Answer, _: &mut Mover) -> Option<Answer> {
        Some(answer)
    }
}
