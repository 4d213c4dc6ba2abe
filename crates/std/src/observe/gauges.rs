//! The metrics of handles that only show how they stand: tables, retry budgets, throttles.

use std::hash::Hash;
use std::sync::Arc;

use metrics::Gauge;

use super::breaker_series::Calls;
use super::series;
use super::shared::Watched;
use crate::budget::{SharedRatio, SharedTokens};
use crate::clock::Clock;
use crate::table::SharedBreakerTable;
use crate::throttle::SharedThrottle;

/// Shows a handle by what this closure sets.
struct Shown<F>(F);

impl<F: Fn() + Send + Sync> Watched for Shown<F> {
    fn show(&self) {
        (self.0)();
    }
}

pub(super) fn breaker_table<K, C>(name: &str, table: &SharedBreakerTable<K, C>) -> Arc<dyn Watched>
where
    K: Hash + Eq + Send + 'static,
    C: Clock + 'static,
{
    let table = table.clone();
    let keys = series::TABLE_KEYS.gauge(&[("table", name)]);
    let opened = series::TABLE_OPENED.counter(&[("table", name)]);
    let calls = Calls::new(
        &series::TABLE_CALLS,
        &series::TABLE_REFUSED,
        ("table", name),
        true,
    );
    Arc::new(Shown(move || {
        let stats = table.stats();
        calls.show(&stats);
        opened.absolute(stats.opened);
        keys.set(count(table.len() as u64));
    }))
}

pub(super) fn tokens<C: Clock + 'static>(name: &str, tokens: &SharedTokens<C>) -> Arc<dyn Watched> {
    let tokens = tokens.clone();
    let balance = series::BUDGET_BALANCE.gauge(&[("budget", name)]);
    Arc::new(Shown(move || {
        balance.set(count(tokens.balance_milli()) / 1_000.0);
    }))
}

pub(super) fn ratio<C: Clock + 'static>(name: &str, ratio: &SharedRatio<C>) -> Arc<dyn Watched> {
    let ratio = ratio.clone();
    let left = series::BUDGET_LEFT.gauge(&[("budget", name)]);
    Arc::new(Shown(move || {
        left.set(count(ratio.retries_left()));
    }))
}

pub(super) fn throttle<C: Clock + 'static>(
    name: &str,
    throttle: &SharedThrottle<C>,
) -> Arc<dyn Watched> {
    let throttle = throttle.clone();
    let gauge = |metric: &series::Metric| -> Gauge { metric.gauge(&[("throttle", name)]) };
    let requests = gauge(&series::THROTTLE_REQUESTS);
    let accepts = gauge(&series::THROTTLE_ACCEPTS);
    let probability = gauge(&series::THROTTLE_PROBABILITY);
    Arc::new(Shown(move || {
        requests.set(throttle.requests());
        accepts.set(throttle.accepts());
        let rejected = throttle.reject_probability();
        probability.set(count(rejected.numerator()) / count(rejected.denominator()));
    }))
}

/// A gauge is a float: exact up to 2^53.
const fn count(count: u64) -> f64 {
    count as f64
}
