//! The `[backoff_table]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::policy::{BACKOFF, BackoffTablePolicy};
use crate::advice::{AdvisoryRule, cap_text};
use crate::backoff::fields::BackoffFields;
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackoffTableFields {
    max_keys: u32,
    forget_after: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_index: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_cap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_spread: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_rule: Option<AdvisoryRule>,
    /// A table: TOML wants those last.
    backoff: BackoffFields,
}

impl BackoffTableFields {
    fn build(self) -> Result<BackoffTablePolicy, ConfigError> {
        let backoff = self.backoff.builder(BACKOFF)?;
        let mut builder =
            BackoffTablePolicy::builder(backoff, self.max_keys, self.forget_after.get());
        if let Some(due_index) = self.due_index {
            builder = builder.due_index(due_index);
        }
        if let Some(rule) = self.advisory_rule {
            builder = builder.advisory_rule(rule);
        }
        if let Some(cap) = self.advisory_cap {
            builder = builder.advisory_cap(cap.get());
        }
        if let Some(spread) = self.advisory_spread {
            builder = builder.advisory_spread(spread);
        }
        builder.build()
    }
}

impl<'de> Deserialize<'de> for BackoffTablePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BackoffTableFields::deserialize(deserializer)?
            .build()
            .map_err(D::Error::custom)
    }
}

impl Serialize for BackoffTablePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BackoffTableFields {
            max_keys: self.max_keys(),
            forget_after: Span::new(self.forget_after()),
            due_index: Some(self.due_index()),
            advisory_cap: cap_text(self.advisory_cap(), self.backoff()),
            advisory_spread: Some(self.advisory_spread()).filter(|spread| *spread != Ratio::ZERO),
            advisory_rule: Some(self.advisory_rule()),
            backoff: BackoffFields::of(self.backoff()),
        }
        .serialize(serializer)
    }
}
