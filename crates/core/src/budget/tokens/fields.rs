//! The `[retry_tokens]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::policy::{AllowedWhen, RetryTokensPolicy};
use crate::budget::RetryCause;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryTokensFields {
    capacity_milli: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure_cost_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_cost_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_cost_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deposit_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refill_milli: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refill_per: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_when: Option<AllowedWhen>,
}

impl<'de> Deserialize<'de> for RetryTokensPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = RetryTokensFields::deserialize(deserializer)?;
        let mut builder = Self::builder(fields.capacity_milli);
        if let Some(initial) = fields.initial_milli {
            builder = builder.initial_milli(initial);
        }
        if let Some(cost) = fields.failure_cost_milli {
            builder = builder.failure_cost_milli(cost);
        }
        if let Some(cost) = fields.timeout_cost_milli {
            builder = builder.timeout_cost_milli(cost);
        }
        if let Some(cost) = fields.throttled_cost_milli {
            builder = builder.throttled_cost_milli(cost);
        }
        if let Some(credit) = fields.credit_milli {
            builder = builder.credit_milli(credit);
        }
        if let Some(refund) = fields.refund {
            builder = builder.refund(refund);
        }
        if let Some(deposit) = fields.deposit_milli {
            builder = builder.deposit_milli(deposit);
        }
        if let Some(refill) = fields.refill_milli {
            builder = builder.refill_milli(refill);
        }
        if let Some(per) = fields.refill_per {
            builder = builder.refill_per(per.get());
        }
        if let Some(rule) = fields.allowed_when {
            builder = builder.allowed_when(rule);
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for RetryTokensPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RetryTokensFields {
            capacity_milli: self.capacity_milli(),
            initial_milli: Some(self.initial_milli()),
            failure_cost_milli: Some(self.cost_milli(RetryCause::Failure)),
            timeout_cost_milli: Some(self.cost_milli(RetryCause::Timeout)),
            throttled_cost_milli: Some(self.cost_milli(RetryCause::Throttled)),
            credit_milli: Some(self.credit_milli()),
            refund: Some(self.refund()),
            deposit_milli: Some(self.deposit_milli()),
            refill_milli: Some(self.refill_milli()),
            refill_per: Some(Span::new(self.refill_per())),
            allowed_when: Some(self.allowed_when()),
        }
        .serialize(serializer)
    }
}
