//! A part of the runs as JSON: what `simulate --shard` prints and `merge` reads.
//!
//! ```json
//! {"version":"0.1.0","scenario":"dice","params":{"throws":60},"runs":5,"seed":1,"shard":{"number":2,"of":3},
//!  "metrics":["most"],"values":[[0.25],[0.2]]}
//! ```
//!
//! `version` is that of the program, as another one may draw or count otherwise; `runs` is that of the whole; `values` has a row for each run of the part, in the order of their numbers: part I of N
//! has the runs I - 1, I - 1 + N, I - 1 + 2 N, .. A sweep or a comparison has one such line for each point.

use evenkeel_sim::{Report, Run};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::args::Shard;
use super::plan::Plan;

/// The part as it is read. `params` keeps its bytes: it goes into the whole as it is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) version: String,
    pub(crate) scenario: String,
    pub(crate) params: Box<RawValue>,
    pub(crate) runs: u64,
    pub(crate) seed: u64,
    pub(crate) shard: Shard,
    pub(crate) metrics: Vec<String>,
    pub(crate) values: Vec<Vec<f64>>,
}

/// What a scenario is run with, as JSON.
#[derive(Deserialize)]
struct Params {
    params: Box<RawValue>,
}

impl Part {
    /// Of these runs.
    pub(crate) fn of(plan: &mut Plan, shard: Shard, runs: Vec<Run>) -> serde_json::Result<Self> {
        // The very bytes that the whole would have.
        let report = Report::of(&mut *plan.scenario, plan.seed, &[]);
        let params = serde_json::from_str::<Params>(&serde_json::to_string(&report)?)?.params;
        let metrics = plan.scenario.metrics().iter();
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").into(),
            scenario: plan.scenario.name().into(),
            params,
            runs: plan.runs,
            seed: plan.seed,
            shard,
            metrics: metrics.map(|metric| metric.name.into()).collect(),
            values: runs.into_iter().map(|run| run.values).collect(),
        })
    }

    /// What all parts of one whole have in common, as text.
    pub(crate) fn whole(&self) -> String {
        format!(
            "{} {} with seed {} in {} and {} by evenkeel {}",
            self.scenario,
            self.params,
            self.seed,
            crate::numbers::counted(self.runs, "run"),
            crate::numbers::counted(self.shard.of, "part"),
            self.version
        )
    }
}
