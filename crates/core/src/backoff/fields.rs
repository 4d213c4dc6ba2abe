//! The `[backoff]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::{BackoffBuilder, SCOPE};
use super::policy::{BackoffPolicy, Growth, Jitter};
use crate::error::{ConfigError, Problem};
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GrowthName {
    Constant,
    Linear,
    Exponential,
}

/// The keys of a backoff, in a table of its own or within another machine's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackoffFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    growth: Option<GrowthName>,
    base: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jitter: Option<Jitter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_total_wait: Option<Span>,
}

/// The growth that `growth`, `step` and `factor` name together; `breaker.open` has the same three keys.
pub(crate) fn growth_of(
    growth: Option<GrowthName>,
    step: Option<Span>,
    factor: Option<Ratio>,
) -> Result<Growth, ConfigError> {
    let name = growth.unwrap_or(GrowthName::Exponential);
    if step.is_some() && name != GrowthName::Linear {
        return Err(stray("step", "only linear growth has a step; leave it out"));
    }
    if factor.is_some() && name != GrowthName::Exponential {
        return Err(stray(
            "factor",
            "only exponential growth has a factor; leave it out",
        ));
    }
    Ok(match name {
        GrowthName::Constant => Growth::Constant,
        GrowthName::Exponential => Growth::Exponential {
            factor: factor.unwrap_or(Ratio::TWO),
        },
        GrowthName::Linear => Growth::Linear {
            step: step.map(Span::get).ok_or(ConfigError::new(
                SCOPE,
                "step",
                Problem::Missing {
                    fix: "linear growth needs a step, such as \"100ms\"",
                },
            ))?,
        },
    })
}

/// The three keys again.
pub(crate) fn growth_parts(growth: Growth) -> (GrowthName, Option<Span>, Option<Ratio>) {
    match growth {
        Growth::Constant => (GrowthName::Constant, None, None),
        Growth::Linear { step } => (GrowthName::Linear, Some(Span::new(step)), None),
        Growth::Exponential { factor } => (GrowthName::Exponential, None, Some(factor)),
    }
}

impl BackoffFields {
    /// The builder; `scope` is the path of the table, for errors.
    pub(crate) fn builder(&self, scope: &'static str) -> Result<BackoffBuilder, ConfigError> {
        let growth =
            growth_of(self.growth, self.step, self.factor).map_err(|error| error.within(scope))?;
        let mut builder = BackoffPolicy::builder(self.base.get()).growth(growth);
        if let Some(cap) = self.cap {
            builder = builder.cap(cap.get());
        }
        if let Some(jitter) = self.jitter {
            builder = builder.jitter(jitter);
        }
        if let Some(retries) = self.max_retries {
            builder = builder.max_retries(retries);
        }
        if let Some(total) = self.max_total_wait {
            builder = builder.max_total_wait(total.get());
        }
        Ok(builder)
    }

    /// The keys that make this policy again.
    pub(crate) fn of(policy: &BackoffPolicy) -> Self {
        let (growth, step, factor) = growth_parts(policy.growth());
        Self {
            growth: Some(growth),
            base: Span::new(policy.base()),
            step,
            factor,
            cap: policy.cap().map(Span::new),
            jitter: Some(policy.jitter()),
            max_retries: policy.max_retries(),
            max_total_wait: policy.max_total_wait().map(Span::new),
        }
    }
}

const fn stray(field: &'static str, fix: &'static str) -> ConfigError {
    ConfigError::new(SCOPE, field, Problem::Misplaced { fix })
}

impl<'de> Deserialize<'de> for BackoffPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BackoffFields::deserialize(deserializer)?
            .builder(SCOPE)
            .and_then(BackoffBuilder::build)
            .map_err(D::Error::custom)
    }
}

impl Serialize for BackoffPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BackoffFields::of(self).serialize(serializer)
    }
}
