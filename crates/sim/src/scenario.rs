//! A scenario: a world with parameters that is run many times, and what is measured in each run.

use std::fmt;
use std::path::Path;

use crate::param::{Param, Value};
use crate::param_error::ParamError;
use crate::random::Streams;
use crate::watch::{Column, Watch};

/// A world with parameters, and what is measured in it.
///
/// The fields of the type are the parameters and [`params`](Self::params) names them: from that list they are set,
/// printed and checked. One run depends on the fields and the [`Streams`] alone.
///
/// ```
/// use evenkeel_sim::{Column, Metric, Param, Run, Scenario, Streams, Watch, summarize};
///
/// /// How often the most frequent of six faces comes up.
/// #[derive(Debug)]
/// struct Dice {
///     throws: u64,
/// }
///
/// impl Scenario for Dice {
///     fn name(&self) -> &'static str {
///         "dice"
///     }
///     fn about(&self) -> &'static str {
///         "how uneven dice are"
///     }
///     fn params(&mut self) -> Vec<Param<'_>> {
///         vec![Param::count("throws", "how often", &mut self.throws, 1..=1_000_000)]
///     }
///     fn metrics(&self) -> &'static [Metric] {
///         &[Metric { name: "most", unit: "", about: "the most frequent face's share" }]
///     }
///     fn columns(&self) -> &'static [Column] {
///         &[]
///     }
///     fn run(&self, streams: Streams, _: &mut Watch) -> Run {
///         let mut rng = streams.of("dice", 0);
///         let mut faces = [0.0; 6];
///         for _ in 0..self.throws {
///             faces[rng.below(6) as usize] += 1.0;
///         }
///         let most = faces.into_iter().fold(0.0, f64::max);
///         Run { values: vec![most / self.throws as f64], events: self.throws, end_ns: 0 }
///     }
/// }
///
/// let mut dice: Box<dyn Scenario> = Box::new(Dice { throws: 60 });
/// dice.set("throws", "6000")?;
/// let runs: Vec<Run> = (0..10).map(|run| dice.run(Streams::of_run(7, run), &mut Watch::off())).collect();
/// let summary = summarize(&runs)[0];
/// assert!(summary.min > 1.0 / 6.0 && summary.max < 0.2);
/// # Ok::<(), evenkeel_sim::ParamError>(())
/// ```
pub trait Scenario: fmt::Debug + Send + Sync {
    /// What it is called: lower case, words joined by hyphens.
    fn name(&self) -> &'static str;

    /// What it shows, in one sentence without a full stop.
    fn about(&self) -> &'static str;

    /// Its parameters in their order. What one of them is may decide which others there are (the kind of a server), and
    /// so may a policy of one's own.
    fn params(&mut self) -> Vec<Param<'_>>;

    /// The tables of a scenario file that it takes, besides parameters. Default: none. (Feature `serde`.)
    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        Vec::new()
    }

    /// What is measured in each run.
    fn metrics(&self) -> &'static [Metric];

    /// What can be [watched](Watch) over time.
    fn columns(&self) -> &'static [Column];

    /// Whether its parameters fit together, each being in its range: asked when all are set, before the first run.
    /// Default: they do.
    ///
    /// # Errors
    /// When a run would measure nothing, or not what the metrics say; or when it would never end.
    ///
    /// ```
    /// let mut scenario = evenkeel_sim::scenarios::by_name("metastable").expect("it is built in");
    /// scenario.set("outage", "1h")?; // longer than the run
    /// let error = scenario.check().unwrap_err();
    /// assert_eq!(error.to_string(), "seconds is 120: it must be 3635 or more, 15 s after the outage's end");
    /// scenario.set("seconds", "3635")?;
    /// scenario.check()?;
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }

    /// One run. Whether somebody watches changes nothing in it.
    fn run(&self, streams: Streams, watch: &mut Watch) -> Run;
}

impl dyn Scenario + '_ {
    /// Sets a parameter from text.
    ///
    /// # Errors
    /// When it has no such parameter, or that cannot be this.
    ///
    /// ```
    /// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
    /// scenario.set("algorithm", "full")?;
    /// assert!(scenario.set("algorithm", "fool").is_err());
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ParamError> {
        self.set_in(Path::new(""), name, text)
    }

    /// The same, with paths relative to this folder.
    pub(crate) fn set_in(
        &mut self,
        folder: &Path,
        name: &str,
        text: &str,
    ) -> Result<(), ParamError> {
        let scenario = self.name();
        let mut params = self.params();
        if let Some(param) = params.iter_mut().find(|param| param.name() == name) {
            return param.set_in(folder, text);
        }
        let names: Vec<_> = params.iter().map(Param::name).collect();
        Err(ParamError::Unknown {
            scenario,
            given: name.into(),
            names: names.join(", "),
        })
    }

    /// What its parameters are, in their order.
    ///
    /// ```
    /// use evenkeel_sim::Value;
    ///
    /// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
    /// assert_eq!(scenario.values()[0], ("clients", Value::Count(100)));
    /// ```
    pub fn values(&mut self) -> Vec<(&'static str, Value)> {
        let params = self.params();
        params
            .iter()
            .map(|param| (param.name(), param.value()))
            .collect()
    }
}

/// Something that is measured in each run.
///
/// ```
/// let scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
/// let names: Vec<_> = scenario.metrics().iter().map(|metric| metric.name).collect();
/// assert_eq!(names, ["time_ms", "calls", "failed"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in reports: lower case, words joined by underscores.
    pub name: &'static str,
    /// What it is counted in; empty for a plain number.
    pub unit: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
}

/// What came of one run.
///
/// ```
/// use evenkeel_sim::{Streams, Watch};
///
/// let scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
/// let run = scenario.run(Streams::of_run(7, 0), &mut Watch::off());
/// assert_eq!(run.values.len(), scenario.metrics().len());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// One for each metric, in their order; finite.
    pub values: Vec<f64>,
    /// How many events happened.
    pub events: u64,
    /// When the last one did.
    pub end_ns: u64,
}

/// A metric over all runs.
///
/// ```
/// use evenkeel_sim::Summary;
///
/// let summary = Summary::of([1.0, 2.0, 6.0]);
/// assert_eq!((summary.mean, summary.min, summary.max), (3.0, 1.0, 6.0));
/// assert_eq!(summary.sd, 7.0_f64.sqrt());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation; 0 for one run.
    pub sd: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Summary {
    /// Of these values, summed in their order; all 0 where there are none.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::Summary::of([3.0]).sd, 0.0);
    /// ```
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64, IntoIter: Clone>) -> Self {
        let values = values.into_iter();
        let n = values.clone().count() as f64;
        if n == 0.0 {
            let [mean, sd, min, max] = [0.0; 4];
            return Self { mean, sd, min, max };
        }
        let mean = values.clone().sum::<f64>() / n;
        // Not `powi`, whose last bit is the platform's.
        let square = |value| (value - mean) * (value - mean);
        let squares: f64 = values.clone().map(square).sum();
        Self {
            mean,
            sd: if n > 1.0 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            },
            min: values.clone().fold(f64::INFINITY, f64::min),
            max: values.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Half of the width of the mean's confidence interval: `mean - margin ..= mean + margin` holds the true mean with
    /// this `z` (1.96 for 95 %, 2.576 for 99 %), for some dozens of runs or more.
    ///
    /// ```
    /// let summary = evenkeel_sim::Summary::of([1.0, 3.0, 1.0, 3.0]);
    /// assert!((summary.margin(2.0, 4) - 1.1547).abs() < 1e-4);
    /// ```
    #[must_use]
    pub fn margin(&self, z: f64, runs: u64) -> f64 {
        z * self.sd / (runs.max(1) as f64).sqrt()
    }
}

/// Each metric over these runs, in the metrics' order.
///
/// ```
/// use evenkeel_sim::{Run, summarize};
///
/// let runs = [1.0, 3.0].map(|value| Run { values: vec![value], events: 0, end_ns: 0 });
/// assert_eq!(summarize(&runs)[0].mean, 2.0);
/// ```
#[must_use]
pub fn summarize(runs: &[Run]) -> Vec<Summary> {
    let metrics = runs.first().map_or(0, |run| run.values.len());
    (0..metrics)
        .map(|metric| {
            Summary::of(
                runs.iter()
                    .filter_map(move |run| run.values.get(metric))
                    .copied(),
            )
        })
        .collect()
}
