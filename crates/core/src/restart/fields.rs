//! The `[restart]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::RestartOn;
use super::builder::BACKOFF;
use super::policy::{Intensity, RestartPolicy};
use crate::backoff::fields::BackoffFields;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntensityFields {
    max_restarts: u32,
    window: Span,
}

impl From<Intensity> for IntensityFields {
    fn from(intensity: Intensity) -> Self {
        Self {
            max_restarts: intensity.max_restarts,
            window: Span::new(intensity.window),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restart_on: Option<RestartOn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cooldown: Option<Span>,
    backoff: BackoffFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intensity: Option<IntensityFields>,
}

impl<'de> Deserialize<'de> for RestartPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = RestartFields::deserialize(deserializer)?;
        let mut builder = Self::builder(fields.backoff.builder(BACKOFF).map_err(D::Error::custom)?);
        if let Some(restart_on) = fields.restart_on {
            builder = builder.restart_on(restart_on);
        }
        if let Some(intensity) = fields.intensity {
            builder = builder.intensity(intensity.max_restarts, intensity.window.get());
        }
        if let Some(cooldown) = fields.cooldown {
            builder = builder.cooldown(cooldown.get());
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for RestartPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RestartFields {
            restart_on: Some(self.restart_on()),
            cooldown: self.cooldown().map(Span::new),
            backoff: BackoffFields::of(self.backoff()),
            intensity: self.intensity().map(IntensityFields::from),
        }
        .serialize(serializer)
    }
}
