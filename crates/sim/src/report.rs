//! What a scenario's runs come to, in the form in which it is printed and compared.

use crate::param::Value;
use crate::scenario::{Run, Scenario, Summary, summarize};

/// A scenario's parameters, and each metric over its runs. With the feature `serde` it serializes as
/// `{"scenario", "params", "runs", "seed", "metrics": {name: {"mean", "sd", "min", "max"}}}`, parameters and metrics in
/// their order.
///
/// ```
/// use evenkeel_sim::{Report, Streams, Watch};
///
/// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
/// scenario.set("clients", "10")?;
/// let runs: Vec<_> = (0..5).map(|run| scenario.run(Streams::of_run(7, run), &mut Watch::off())).collect();
/// let report = Report::of(&mut *scenario, 7, &runs);
/// let calls = report.metric("calls").expect("it is one");
/// assert!(calls.min >= 10.0);
/// # Ok::<(), evenkeel_sim::ParamError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Which scenario.
    pub scenario: String,
    /// Its parameters.
    pub params: Vec<(String, Value)>,
    /// How many runs.
    pub runs: u64,
    /// The seed of them all.
    pub seed: u64,
    /// Each metric over the runs.
    pub metrics: Vec<(String, Summary)>,
}

impl Report {
    /// Of these runs of a scenario, in the order of their numbers.
    ///
    /// ```
    /// # use evenkeel_sim::{Report, Streams, Value, Watch};
    /// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
    /// let run = scenario.run(Streams::of_run(7, 0), &mut Watch::off());
    /// let report = Report::of(&mut *scenario, 7, &[run]);
    /// assert_eq!((report.runs, report.seed), (1, 7));
    /// assert_eq!(report.params[0], ("clients".to_owned(), Value::Count(100)));
    /// ```
    #[must_use]
    pub fn of(scenario: &mut dyn Scenario, seed: u64, runs: &[Run]) -> Self {
        let params = scenario.values().into_iter();
        let names = scenario.metrics().iter().map(|metric| metric.name.into());
        Self {
            params: params.map(|(name, value)| (name.into(), value)).collect(),
            metrics: names.zip(summarize(runs)).collect(),
            scenario: scenario.name().into(),
            runs: runs.len() as u64,
            seed,
        }
    }

    /// A metric by name.
    ///
    /// ```
    /// # use evenkeel_sim::{Report, Streams, Watch};
    /// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
    /// let run = scenario.run(Streams::of_run(7, 0), &mut Watch::off());
    /// let report = Report::of(&mut *scenario, 7, &[run]);
    /// assert!(report.metric("calls").is_some_and(|calls| calls.mean >= 100.0));
    /// assert_eq!(report.metric("cells"), None);
    /// ```
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<Summary> {
        let found = self.metrics.iter().find(|(metric, _)| metric == name);
        found.map(|(_, summary)| *summary)
    }
}

#[cfg(feature = "serde")]
mod written {
    use serde::ser::SerializeStruct;
    use serde::{Serialize, Serializer};

    use super::Report;

    /// Pairs as an object, in their order.
    struct Object<'a, V>(&'a [(String, V)]);

    impl<V: Serialize> Serialize for Object<'_, V> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }

    impl Serialize for Report {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut fields = s.serialize_struct("Report", 5)?;
            fields.serialize_field("scenario", &self.scenario)?;
            fields.serialize_field("params", &Object(&self.params))?;
            fields.serialize_field("runs", &self.runs)?;
            fields.serialize_field("seed", &self.seed)?;
            fields.serialize_field("metrics", &Object(&self.metrics))?;
            fields.end()
        }
    }
}
