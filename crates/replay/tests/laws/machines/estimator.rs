//! What the estimators have in common under the laws: queries that take the time, and nothing that falls due.

/// An estimator under the laws: its queries, and what else there is to say of it.
macro_rules! estimator {
    ($Machine:ident: queries $queries:expr $(, $more:item)?) => {
        impl $crate::harness::Subject for $Machine {
            type Made = $crate::harness::NoReport;
            type Account = ();

            fn not_applicable(law: $crate::harness::Law) -> Option<&'static str> {
                $crate::machines::estimator::not_applicable(law)
            }

            /// `merge` takes none either, but is of one to which time makes no difference.
            fn takes_time(op: &Op) -> bool {
                !matches!(op, Op::Clear)
            }

            fn queries() -> Vec<Op> {
                $queries
            }

            $($more)?

            fn moved(
                _: &Self::Policy,
                answer: Self::Answer,
                _: &mut $crate::harness::Mover,
            ) -> Option<Self::Answer> {
                Some(answer)
            }
        }
    };
}

pub(crate) use estimator;

use evenkeel_core::Quantile;

use crate::harness::Law;

pub(crate) const QUANTILES: [Quantile; 4] =
    [Quantile::MIN, Quantile::P50, Quantile::P99, Quantile::MAX];

pub(crate) fn not_applicable(law: Law) -> Option<&'static str> {
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
