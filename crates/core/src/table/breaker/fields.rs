//! The `[breaker_table]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::policy::BreakerTablePolicy;
use crate::breaker::BreakerPolicy;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakerTableFields {
    max_keys: u32,
    forget_after: Span,
    /// A table: TOML wants those last.
    breaker: BreakerPolicy,
}

impl<'de> Deserialize<'de> for BreakerTablePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BreakerTableFields::deserialize(deserializer)?;
        Self::builder(fields.breaker, fields.max_keys, fields.forget_after.get())
            .build()
            .map_err(D::Error::custom)
    }
}

impl Serialize for BreakerTablePolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BreakerTableFields {
            max_keys: self.max_keys(),
            forget_after: Span::new(self.forget_after()),
            breaker: *self.breaker(),
        }
        .serialize(serializer)
    }
}
