//! The `[retry_ratio]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::policy::RetryRatioPolicy;
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryRatioFields {
    ratio: Ratio,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor_per_second: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slices: Option<u32>,
}

impl<'de> Deserialize<'de> for RetryRatioPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = RetryRatioFields::deserialize(deserializer)?;
        let mut builder = Self::builder(fields.ratio);
        if let Some(ttl) = fields.ttl {
            builder = builder.ttl(ttl.get());
        }
        if let Some(floor) = fields.floor_per_second {
            builder = builder.floor_per_second(floor);
        }
        if let Some(slices) = fields.slices {
            builder = builder.slices(slices);
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for RetryRatioPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RetryRatioFields {
            ratio: self.ratio(),
            ttl: Some(Span::new(self.ttl())),
            floor_per_second: Some(self.floor_per_second()),
            slices: Some(self.slices()),
        }
        .serialize(serializer)
    }
}
