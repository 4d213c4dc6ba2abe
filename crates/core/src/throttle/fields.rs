//! The `[adaptive_throttle]` table of a policy file, whose reading goes through `build()`; and a probability read back.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::RejectProbability;
use super::policy::AdaptiveThrottlePolicy;
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdaptiveThrottleFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slices: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_requests: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_rejection: Option<Ratio>,
}

impl<'de> Deserialize<'de> for AdaptiveThrottlePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = AdaptiveThrottleFields::deserialize(deserializer)?;
        let mut builder = Self::builder();
        if let Some(history) = fields.history {
            builder = builder.history(history.get());
        }
        if let Some(slices) = fields.slices {
            builder = builder.slices(slices);
        }
        if let Some(k) = fields.k {
            builder = builder.k(k);
        }
        if let Some(min_requests) = fields.min_requests {
            builder = builder.min_requests(min_requests);
        }
        if let Some(max_rejection) = fields.max_rejection {
            builder = builder.max_rejection(max_rejection);
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for AdaptiveThrottlePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AdaptiveThrottleFields {
            history: Some(Span::new(self.history())),
            slices: Some(self.slices()),
            k: Some(self.k()),
            min_requests: Some(self.min_requests()),
            max_rejection: Some(self.max_rejection()),
        }
        .serialize(serializer)
    }
}

#[derive(Deserialize)]
struct Fraction {
    numerator: u64,
    denominator: u64,
}

impl<'de> Deserialize<'de> for RejectProbability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fraction {
            numerator,
            denominator,
        } = Fraction::deserialize(deserializer)?;
        if numerator >= denominator {
            return Err(D::Error::custom("a probability of rejection is below 1"));
        }
        Ok(Self::new(numerator, denominator))
    }
}
