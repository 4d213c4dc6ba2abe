//! The `[breaker]` table of a policy file; reading it goes through `build()`.

use core::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::{OPEN, SCOPE};
use super::policy::BreakerPolicy;
use super::trigger::{self, MAX_TRIGGERS, Trigger};
use super::window::Window;
use crate::advice::cap_text;
use crate::backoff::fields::{GrowthName, growth_of, growth_parts};
use crate::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use crate::error::{ConfigError, Problem};
use crate::quantile::Quantile;
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TriggerKind {
    Consecutive,
    Failures,
    FailureRate,
    SlowRate,
    Latency,
}

/// One element of `triggers`: flat, so that a key in the wrong place is named together with its kind.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerFields {
    kind: TriggerKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slower_than: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantile: Option<Quantile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_calls: Option<u32>,
}

impl TriggerFields {
    const fn of(kind: TriggerKind) -> Self {
        Self {
            kind,
            failures: None,
            slower_than: None,
            quantile: None,
            above: None,
            at_least: None,
            min_calls: None,
        }
    }

    /// Refuses a key of another kind. It comes before what is missing: a wrong kind, or a key under another kind's
    /// name, is both, and the key that stands there tells more.
    fn check_keys(&self) -> Result<(), ConfigError> {
        let given = [
            ("failures", self.failures.is_some()),
            ("slower_than", self.slower_than.is_some()),
            ("quantile", self.quantile.is_some()),
            ("above", self.above.is_some()),
            ("at_least", self.at_least.is_some()),
            ("min_calls", self.min_calls.is_some()),
        ];
        let own = self.kind.keys();
        match given.iter().find(|(key, set)| *set && !own.contains(key)) {
            None => Ok(()),
            Some((key, _)) => {
                let fix = self.kind.fix();
                Err(ConfigError::new(
                    trigger::SCOPE,
                    key,
                    Problem::Misplaced { fix },
                ))
            }
        }
    }
}

impl TriggerKind {
    /// The keys that a trigger of this kind has beside its kind; it needs all of them.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Consecutive | Self::Failures => &["failures"],
            Self::FailureRate => &["at_least", "min_calls"],
            Self::SlowRate => &["slower_than", "at_least", "min_calls"],
            Self::Latency => &["quantile", "above", "min_calls"],
        }
    }

    /// What to do about a key that belongs to another kind.
    const fn fix(self) -> &'static str {
        match self {
            Self::Consecutive => {
                "the kind consecutive has only the key failures; leave this key out or change the kind"
            }
            Self::Failures => {
                "the kind failures has only the key failures; leave this key out or change the kind"
            }
            Self::FailureRate => {
                "the kind failure-rate has only the keys at_least and min_calls; leave this key out or change the kind"
            }
            Self::SlowRate => {
                "the kind slow-rate has only the keys slower_than, at_least and min_calls; leave this key out or change the kind"
            }
            Self::Latency => {
                "the kind latency has only the keys quantile, above and min_calls; leave this key out or change the kind"
            }
        }
    }
}

impl TryFrom<TriggerFields> for Trigger {
    type Error = ConfigError;

    fn try_from(given: TriggerFields) -> Result<Self, ConfigError> {
        given.check_keys()?;
        Ok(match given.kind {
            TriggerKind::Consecutive => Self::Consecutive {
                failures: needed("failures", given.failures)?,
            },
            TriggerKind::Failures => Self::Failures {
                failures: needed("failures", given.failures)?,
            },
            TriggerKind::FailureRate => Self::FailureRate {
                at_least: needed("at_least", given.at_least)?,
                min_calls: needed("min_calls", given.min_calls)?,
            },
            TriggerKind::SlowRate => Self::SlowRate {
                slower_than: needed("slower_than", given.slower_than)?.get(),
                at_least: needed("at_least", given.at_least)?,
                min_calls: needed("min_calls", given.min_calls)?,
            },
            TriggerKind::Latency => Self::Latency {
                quantile: needed("quantile", given.quantile)?,
                above: needed("above", given.above)?.get(),
                min_calls: needed("min_calls", given.min_calls)?,
            },
        })
    }
}

fn needed<T>(field: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    let fix = "a trigger of this kind needs it";
    value.ok_or_else(|| ConfigError::new(trigger::SCOPE, field, Problem::Missing { fix }))
}

impl From<Trigger> for TriggerFields {
    fn from(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Consecutive { failures } => Self {
                failures: Some(failures),
                ..Self::of(TriggerKind::Consecutive)
            },
            Trigger::Failures { failures } => Self {
                failures: Some(failures),
                ..Self::of(TriggerKind::Failures)
            },
            Trigger::FailureRate {
                at_least,
                min_calls,
            } => Self {
                at_least: Some(at_least),
                min_calls: Some(min_calls),
                ..Self::of(TriggerKind::FailureRate)
            },
            Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            } => Self {
                slower_than: Some(Span::new(slower_than)),
                at_least: Some(at_least),
                min_calls: Some(min_calls),
                ..Self::of(TriggerKind::SlowRate)
            },
            Trigger::Latency {
                quantile,
                above,
                min_calls,
            } => Self {
                quantile: Some(quantile),
                above: Some(Span::new(above)),
                min_calls: Some(min_calls),
                ..Self::of(TriggerKind::Latency)
            },
        }
    }
}

/// The list of triggers, without a heap.
struct TriggerList([Option<TriggerFields>; MAX_TRIGGERS]);

impl<'de> Deserialize<'de> for TriggerList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = TriggerList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of one to four triggers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TriggerList, A::Error> {
                let mut list = [None; MAX_TRIGGERS];
                for place in &mut list {
                    *place = seq.next_element()?;
                }
                match seq.next_element::<TriggerFields>()? {
                    None => Ok(TriggerList(list)),
                    Some(_) => Err(A::Error::invalid_length(MAX_TRIGGERS + 1, &self)),
                }
            }
        }

        deserializer.deserialize_seq(ListVisitor)
    }
}

impl Serialize for TriggerList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flatten())
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slices: Option<u32>,
}

impl WindowFields {
    fn window(self) -> Result<Window, ConfigError> {
        match (self.count, self.span, self.slices) {
            (Some(calls), None, None) => Ok(Window::Count { calls }),
            (None, Some(span), Some(slices)) => Ok(Window::Time {
                span: span.get(),
                slices,
            }),
            (Some(_), ..) => Err(ConfigError::new(
                SCOPE,
                "window.count",
                Problem::Misplaced {
                    fix: "a window is either a count of calls, or a span and slices; leave one out",
                },
            )),
            (None, Some(_), None) => Err(missing(
                "window.slices",
                "say into how many slices the span is cut, such as slices = 10",
            )),
            (None, None, Some(_)) => Err(missing(
                "window.span",
                "say how long the slices last together, such as span = \"10s\"",
            )),
            (None, None, None) => Err(missing(
                "window",
                "give { count = 100 }, or { span = \"10s\", slices = 10 }",
            )),
        }
    }
}

impl From<Window> for WindowFields {
    fn from(window: Window) -> Self {
        let (count, span, slices) = match window {
            Window::Count { calls } => (Some(calls), None, None),
            Window::Time { span, slices } => (None, Some(Span::new(span)), Some(slices)),
        };
        Self {
            count,
            span,
            slices,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenFields {
    base: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    growth: Option<GrowthName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jitter: Option<Jitter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calm_after: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_cap: Option<Span>,
    #[serde(default)]
    until_healthy: bool,
}

impl OpenFields {
    fn backoff(&self) -> Result<BackoffBuilder, ConfigError> {
        let growth =
            growth_of(self.growth, self.step, self.factor).map_err(|error| error.within(OPEN))?;
        let mut builder = BackoffPolicy::builder(self.base.get()).growth(growth);
        if let Some(cap) = self.cap {
            builder = builder.cap(cap.get());
        }
        if let Some(jitter) = self.jitter {
            builder = builder.jitter(jitter);
        }
        Ok(builder)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HalfOpenFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trials: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    successes: Option<u32>,
    probe_timeout: Span,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakerFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<WindowFields>,
    triggers: TriggerList,
    open: OpenFields,
    half_open: HalfOpenFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ramp: Option<Span>,
}

impl BreakerFields {
    fn build(self) -> Result<BreakerPolicy, ConfigError> {
        let half_open = self.half_open;
        let mut builder =
            BreakerPolicy::builder(self.open.backoff()?, half_open.probe_timeout.get())
                .until_healthy(self.open.until_healthy);
        for (at, fields) in self.triggers.0.into_iter().flatten().enumerate() {
            builder = builder.trigger(Trigger::try_from(fields).map_err(|error| error.at(at))?);
        }
        if let Some(window) = self.window {
            builder = builder.window(window.window()?);
        }
        if let Some(span) = self.open.calm_after {
            builder = builder.calm_after(span.get());
        }
        if let Some(span) = self.open.advisory_cap {
            builder = builder.advisory_cap(span.get());
        }
        if let Some(probes) = half_open.max_in_flight {
            builder = builder.max_in_flight(probes);
        }
        if let Some(probes) = half_open.trials {
            builder = builder.trials(probes);
        }
        if let Some(probes) = half_open.successes {
            builder = builder.successes(probes);
        }
        if let Some(span) = self.ramp {
            builder = builder.ramp(span.get());
        }
        builder.build()
    }
}

const fn missing(field: &'static str, fix: &'static str) -> ConfigError {
    ConfigError::new(SCOPE, field, Problem::Missing { fix })
}

impl<'de> Deserialize<'de> for BreakerPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BreakerFields::deserialize(deserializer)?
            .build()
            .map_err(D::Error::custom)
    }
}

impl Serialize for BreakerPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut triggers = [None; MAX_TRIGGERS];
        for (place, trigger) in triggers.iter_mut().zip(self.triggers()) {
            *place = Some(trigger.into());
        }
        let open = self.open();
        let (growth, step, factor) = growth_parts(open.growth());
        BreakerFields {
            window: self.window().map(WindowFields::from),
            triggers: TriggerList(triggers),
            open: OpenFields {
                base: Span::new(open.base()),
                growth: Some(growth),
                step,
                cap: open.cap().map(Span::new),
                factor,
                jitter: Some(open.jitter()),
                calm_after: self.calm_after().map(Span::new),
                advisory_cap: cap_text(self.advisory_cap(), open),
                until_healthy: self.until_healthy(),
            },
            half_open: HalfOpenFields {
                max_in_flight: Some(self.max_in_flight()),
                trials: Some(self.trials()),
                successes: Some(self.successes()),
                probe_timeout: Span::new(self.probe_timeout()),
            },
            ramp: self.ramp().map(Span::new),
        }
        .serialize(serializer)
    }
}
