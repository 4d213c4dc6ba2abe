//! The `[health_probe]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::DOWN;
use super::policy::HealthProbePolicy;
use crate::backoff::Jitter;
use crate::backoff::fields::BackoffFields;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthProbeFields {
    interval: Span,
    timeout: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rise: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fall: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jitter: Option<Jitter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down: Option<BackoffFields>,
}

impl<'de> Deserialize<'de> for HealthProbePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = HealthProbeFields::deserialize(deserializer)?;
        let mut builder = Self::builder(fields.interval.get(), fields.timeout.get());
        if let Some(rise) = fields.rise {
            builder = builder.rise(rise);
        }
        if let Some(fall) = fields.fall {
            builder = builder.fall(fall);
        }
        if let Some(jitter) = fields.jitter {
            builder = builder.jitter(jitter);
        }
        if let Some(down) = fields.down {
            builder = builder.down(down.builder(DOWN).map_err(D::Error::custom)?);
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for HealthProbePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HealthProbeFields {
            interval: Span::new(self.interval()),
            timeout: Span::new(self.timeout()),
            rise: Some(self.rise()),
            fall: Some(self.fall()),
            jitter: Some(self.jitter()),
            down: self.down().map(BackoffFields::of),
        }
        .serialize(serializer)
    }
}
