//! The `[recovery_budget]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::policy::{BACKOFF, RecoveryBudgetPolicy};
use crate::backoff::fields::BackoffFields;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryBudgetFields {
    budget: u32,
    window: Span,
    max_keys: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forget_after: Option<Span>,
    /// A table: TOML wants those last.
    backoff: BackoffFields,
}

impl<'de> Deserialize<'de> for RecoveryBudgetPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = RecoveryBudgetFields::deserialize(deserializer)?;
        let window = fields.window.get();
        let backoff = fields.backoff.builder(BACKOFF).map_err(D::Error::custom)?;
        let mut builder = Self::builder(backoff, fields.budget, window, fields.max_keys);
        if let Some(span) = fields.forget_after {
            builder = builder.forget_after(span.get());
        }
        builder.build().map_err(D::Error::custom)
    }
}

impl Serialize for RecoveryBudgetPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RecoveryBudgetFields {
            budget: self.budget(),
            window: Span::new(self.window()),
            max_keys: self.max_keys(),
            forget_after: Some(self.forget_after())
                .filter(|span| *span != self.window())
                .map(Span::new),
            backoff: BackoffFields::of(self.backoff()),
        }
        .serialize(serializer)
    }
}
