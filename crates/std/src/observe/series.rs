//! The metrics: every name with its unit and meaning, and how a series is registered.

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit,
};

/// A name, and what it stands for.
pub(super) struct Metric {
    name: &'static str,
    unit: Unit,
    help: &'static str,
}

/// All of them, in the order of docs/observability.md.
macro_rules! metrics {
    ($($METRIC:ident: $name:literal, $Unit:ident, $help:literal;)*) => {
        $(pub(super) const $METRIC: Metric = Metric {
            name: concat!("evenkeel_", $name),
            unit: Unit::$Unit,
            help: $help,
        };)*
    };
}

metrics! {
    BREAKER_STATE: "breaker_state", Count, "1 for the phase that the breaker is in, 0 for the others.";
    BREAKER_CALLS: "breaker_calls_total", Count, "Calls through the breaker, by how they ended.";
    BREAKER_REFUSED: "breaker_refused_total", Count, "Calls that the breaker refused.";
    BREAKER_TRANSITIONS: "breaker_transitions_total", Count, "Changes of the breaker's phase, since it is observed.";
    BREAKER_OPENS: "breaker_consecutive_opens", Count, "How often the breaker opened in a row.";
    TABLE_KEYS: "breaker_table_keys", Count, "Keys that the table of breakers has in memory.";
    TABLE_CALLS: "breaker_table_calls_total", Count, "Calls through all breakers of the table, by how they ended.";
    TABLE_REFUSED: "breaker_table_refused_total", Count, "Calls that a breaker of the table refused.";
    TABLE_OPENED: "breaker_table_opened_total", Count, "How often a breaker of the table opened.";
    RETRY_OPERATIONS: "retry_operations_total", Count, "Operations with retries, by how they ended.";
    RETRY_ATTEMPTS: "retry_attempts_total", Count, "Attempts of such operations, by how they ended.";
    RETRY_WAIT: "retry_wait_seconds", Seconds, "Waits between two attempts, as they were planned.";
    RETRY_DURATION: "retry_operation_seconds", Seconds, "Operations from their beginning to their end.";
    BUDGET_BALANCE: "retry_budget_balance", Count, "Tokens in the bucket that retries are paid from.";
    BUDGET_LEFT: "retry_budget_retries_left", Count, "Retries that the ratio of recent requests allows now.";
    THROTTLE_REQUESTS: "throttle_requests", Count, "Requests that the throttle remembers, rejected ones included.";
    THROTTLE_ACCEPTS: "throttle_accepts", Count, "Requests among them that the service accepted.";
    THROTTLE_PROBABILITY: "throttle_reject_probability", Count, "The share of requests that is rejected here, 0 to 1.";
    LINK_UP: "link_up", Count, "1 while a link stands that has brought a frame, else 0.";
    LINK_ATTEMPT: "link_attempt", Count, "Waits since the last stable link; 0 while the link is stable.";
    HEALTH_UP: "health_up", Count, "1 while the probe's verdict is up, else 0, also before the first.";
    SUPERVISOR_RESTARTS: "supervisor_restarts_total", Count, "How often the child was started again, since it is observed.";
    SUPERVISOR_UP: "supervisor_child_up", Count, "1 while a run of the child is in flight, else 0.";
    EVENTS_DROPPED: "events_dropped_total", Count, "Events that were not told because the queue was full.";
}

const METADATA: Metadata<'static> = Metadata::new("evenkeel", Level::INFO, Some(module_path!()));

impl Metric {
    /// Described and registered with the recorder of this thread: the series is there, at 0, from now on.
    fn register<S>(
        &self,
        labels: &[(&'static str, &str)],
        describe: impl FnOnce(&dyn Recorder, KeyName, Option<Unit>, SharedString),
        register: impl FnOnce(&dyn Recorder, &Key, &Metadata<'_>) -> S,
    ) -> S {
        let label = |&(name, value): &(&'static str, &str)| Label::new(name, value.to_owned());
        let labels: Vec<_> = labels.iter().map(label).collect();
        let key = Key::from_parts(self.name, labels);
        metrics::with_recorder(|recorder| {
            let name = KeyName::from_const_str(self.name);
            describe(
                recorder,
                name,
                Some(self.unit),
                SharedString::const_str(self.help),
            );
            register(recorder, &key, &METADATA)
        })
    }

    pub(super) fn counter(&self, labels: &[(&'static str, &str)]) -> Counter {
        self.register(
            labels,
            |recorder, name, unit, help| recorder.describe_counter(name, unit, help),
            |recorder, key, metadata| recorder.register_counter(key, metadata),
        )
    }

    pub(super) fn gauge(&self, labels: &[(&'static str, &str)]) -> Gauge {
        self.register(
            labels,
            |recorder, name, unit, help| recorder.describe_gauge(name, unit, help),
            |recorder, key, metadata| recorder.register_gauge(key, metadata),
        )
    }

    pub(super) fn histogram(&self, labels: &[(&'static str, &str)]) -> Histogram {
        self.register(
            labels,
            |recorder, name, unit, help| recorder.describe_histogram(name, unit, help),
            |recorder, key, metadata| recorder.register_histogram(key, metadata),
        )
    }
}

/// Shows how something stands. Two threads may be here, and the one that looked first write last. So who has written
/// looks again: what stands in the end was so after it was written.
pub(super) fn show<A: Copy + PartialEq>(now: impl Fn() -> A, write: impl Fn(A)) {
    loop {
        let stands = now();
        write(stands);
        if now() == stands {
            return;
        }
    }
}

/// 1 or 0.
pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
