//! LogHistogram under the laws.

use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy, LogHistogramState, Interval, LatencySummary, PrecisionMismatch};
use evenkeel_core::{Quantile, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum LogHistograms {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record { value: u64 },
    Clear,
    /// With a histogram of these values and the same precision.
    Merge { values: Vec<u64> },
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
    Merged(Result<(), PrecisionMismatch>),
    Count(u64),
    Sum(u128),
    Min(Option<u64>),
    Max(Option<u64>),
    Mean(Option<u64>),
    Summary(Option<LatencySummary>),
    Quantile(Option<u64>),
    Interval(Option<Interval>),
}

impl Subject for LogHistograms {
    const NAME: &'static str = "log_histogram";
    const FULL_AFTER: u32 = 400;

    type Policy = LogHistogramPolicy;
    type Machine = LogHistogram;
    type State = LogHistogramState;
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

    fn policies() -> Vec<(&'static str, LogHistogramPolicy)> {
        [("coarse", 1), ("fine", 3)]
            .map(|(name, bits)| (name, LogHistogramPolicy::new(bits).expect(name)))
            .into()
    }

    fn spans_ns(_: &LogHistogramPolicy) -> Vec<u64> {
        vec![10, 1_000_000]
    }

    fn fresh(policy: &LogHistogramPolicy, _: u64) -> LogHistogram {
        LogHistogram::new(*policy)
    }

    fn state(estimator: &LogHistogram) -> LogHistogramState {
        estimator.state()
    }

    fn restore(policy: &LogHistogramPolicy, state: LogHistogramState) -> Result<LogHistogram, RestoreError> {
        LogHistogram::restore(*policy, state)
    }

    fn apply(estimator: &mut LogHistogram, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
        match op {
            Op::Record { value } => {
                estimator.record(now_ns, *value);
                Answer::Done
            }
            Op::Clear => {
                estimator.clear();
                Answer::Done
            }
            Op::Merge { values } => {
                let mut other = LogHistogram::new(*estimator.policy());
                for value in values {
                    other.record(now_ns, *value);
                }
                Answer::Merged(estimator.merge(&other))
            }
            Op::Count => Answer::Count(estimator.count(now_ns)),
            Op::Sum => Answer::Sum(estimator.sum(now_ns)),
            Op::Min => Answer::Min(estimator.min(now_ns)),
            Op::Max => Answer::Max(estimator.max(now_ns)),
            Op::Mean => Answer::Mean(estimator.mean(now_ns)),
            Op::Summary => Answer::Summary(estimator.summary(now_ns)),
            Op::Quantile(q) => Answer::Quantile(estimator.quantile(now_ns, *q)),
            Op::Interval(q) => Answer::Interval(estimator.interval(now_ns, *q)),
        }
    }

    fn generate(_: &LogHistogramPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(40) {
            0 => Op::Clear,
            1 | 2 => Op::Merge {
                values: (0..pick.below(4)).map(|_| pick.value()).collect(),
            },
            _ => Op::Record {
                value: pick.value(),
            },
        }
    }

    fn takes_time(op: &Op) -> bool {
        !matches!(op, Op::Clear | Op::Merge { .. })
    }

    fn queries() -> Vec<Op> {
        let quantiles = [Quantile::MIN, Quantile::P50, Quantile::P99, Quantile::MAX];
        let mut queries = vec![Op::Count, Op::Sum, Op::Min, Op::Max, Op::Mean, Op::Summary];
        queries.extend(quantiles.map(Op::Quantile));
        queries.extend(quantiles.map(Op::Interval));
        queries
    }

    fn moved(_: &LogHistogramPolicy, answer: Answer, _: &mut Mover) -> Option<Answer> {
        Some(answer)
    }
}
