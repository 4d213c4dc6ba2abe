//! The load of a service: of any kind, with its parameters.

use std::time::Duration;

use crate::delay::Delay;
use crate::load::Load;
use crate::param::{Choice, Param};
use crate::param_error::ParamError;
use crate::scenarios::calls::Traffic;
use crate::trace_file::TraceFile;

/// Where the calls of a [`Service`](super::Service) come from: the table `[load]` of a scenario file.
///
/// ```
/// use evenkeel_sim::scenarios::{LoadKind, ServiceLoad};
///
/// let load = ServiceLoad { rate: 50.0, ..ServiceLoad::default() };
/// assert_eq!(load.kind, LoadKind::Poisson);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceLoad {
    /// Of which kind. Default: [`LoadKind::Poisson`].
    pub kind: LoadKind,
    /// Calls a second of all clients, outside of a spike. Default: 400.
    pub rate: f64,
    /// Calls a second in the spike, or at the ramp's peak. Default: 800.
    pub peak: f64,
    /// When the spike begins. Default: 20 s.
    pub from: Duration,
    /// When the spike ends. Default: 25 s.
    pub until: Duration,
    /// When the ramp's peak is. Default: 30 s.
    pub at: Duration,
    /// By how many calls a second the ramp rises each second, and falls again. Default: 20.
    pub slope: f64,
    /// How long a client of a closed loop thinks between two calls, on average. Default: 250 ms.
    pub think: Duration,
    /// When calls come, by a trace. Default: never.
    pub trace: TraceFile,
}

/// Of which kind a [`ServiceLoad`] is.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::LoadKind};
///
/// assert_eq!(LoadKind::ALL.len(), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadKind {
    /// From outside, at a steady rate: [`Load::Poisson`].
    Poisson,
    /// The same with another rate for a while: [`Load::Spike`].
    Spike,
    /// Up to a peak and down again: [`Load::Ramp`].
    Ramp,
    /// At the instants of a trace: [`Load::Trace`].
    Trace,
    /// From the clients: each thinks, calls, and waits for the end of its call.
    Closed,
}

impl Choice for LoadKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("poisson", Self::Poisson),
        ("spike", Self::Spike),
        ("ramp", Self::Ramp),
        ("trace", Self::Trace),
        ("closed", Self::Closed),
    ];
}

impl Default for ServiceLoad {
    fn default() -> Self {
        Self {
            kind: LoadKind::Poisson,
            rate: 400.0,
            peak: 800.0,
            from: Duration::from_secs(20),
            until: Duration::from_secs(25),
            at: Duration::from_secs(30),
            slope: 20.0,
            think: Duration::from_millis(250),
            trace: TraceFile::default(),
        }
    }
}

impl ServiceLoad {
    pub(super) fn params(&mut self) -> Vec<Param<'_>> {
        let hour = Duration::from_secs(3_600);
        let (rates, spans) = (|| 0.001..=1e6, || Duration::ZERO..=hour);
        // Refused calls come back at once: a client that thinks for no time would make a world without an end.
        let thoughts = Duration::from_millis(1)..=hour;
        let kind = self.kind;
        let mut params = vec![Param::choice(
            "load.kind",
            "where calls come from",
            &mut self.kind,
        )];
        match kind {
            LoadKind::Poisson => params.push(Param::real(
                "load.rate",
                "calls a second",
                &mut self.rate,
                rates(),
            )),
            LoadKind::Spike => params.extend([
                Param::real(
                    "load.rate",
                    "calls a second outside of the spike",
                    &mut self.rate,
                    rates(),
                ),
                Param::real(
                    "load.peak",
                    "calls a second in the spike",
                    &mut self.peak,
                    rates(),
                ),
                Param::span(
                    "load.from",
                    "when the spike begins",
                    &mut self.from,
                    spans(),
                ),
                Param::span("load.until", "when it ends", &mut self.until, spans()),
            ]),
            LoadKind::Ramp => params.extend([
                Param::real(
                    "load.peak",
                    "calls a second at the peak",
                    &mut self.peak,
                    rates(),
                ),
                Param::real(
                    "load.slope",
                    "by how much more each second",
                    &mut self.slope,
                    rates(),
                ),
                Param::span("load.at", "when the peak is", &mut self.at, spans()),
            ]),
            LoadKind::Trace => params.push(Param::trace(
                "load.trace",
                "a CSV with a column t_ns",
                &mut self.trace,
            )),
            LoadKind::Closed => {
                params.push(Param::span(
                    "load.think",
                    "between two calls, on average",
                    &mut self.think,
                    thoughts,
                ));
            }
        }
        params
    }

    /// The most calls a second, and the parameter that says so.
    pub(super) fn most(&self, clients: u64) -> Result<(&'static str, f64), ParamError> {
        Ok(match self.kind {
            LoadKind::Poisson => ("load.rate", self.rate),
            LoadKind::Spike if self.rate > self.peak => ("load.rate", self.rate),
            LoadKind::Spike | LoadKind::Ramp => ("load.peak", self.peak),
            LoadKind::Closed => ("load.think", clients as f64 / self.think.as_secs_f64()),
            // A trace has an end.
            LoadKind::Trace if !self.trace.is_empty() => ("load.trace", 0.0),
            LoadKind::Trace => {
                let problem = match self.trace.name() {
                    "" => "is missing: it must be the path of a CSV with a column t_ns".into(),
                    name => {
                        format!("is {name:?}, which has no rows: it must have one for each call")
                    }
                };
                let name = "load.trace";
                return Err(ParamError::Together { name, problem });
            }
        })
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic::Open(match self.kind {
            LoadKind::Poisson => Load::Poisson { rate: self.rate },
            LoadKind::Spike => Load::Spike {
                rate: self.rate,
                spike: self.peak,
                from: self.from,
                until: self.until,
            },
            LoadKind::Ramp => Load::Ramp {
                peak: self.peak,
                slope: self.slope,
                at: self.at,
            },
            LoadKind::Trace => self.trace.load(),
            LoadKind::Closed => {
                let think = Delay::exponential(self.think);
                return Traffic::Closed { think };
            }
        })
    }
}
