//! The `[reconnect]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::{BACKOFF, ReconnectBuilder};
use super::policy::ReconnectPolicy;
use crate::advice::{AdvisoryRule, cap_text};
use crate::backoff::fields::BackoffFields;
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReconnectFields {
    connect_timeout: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stable_after: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silence_limit: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kick_within: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_rule: Option<AdvisoryRule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_cap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_spread: Option<Ratio>,
    backoff: BackoffFields,
}

impl ReconnectFields {
    fn build(&self) -> Result<ReconnectPolicy, ConfigError> {
        let mut builder: ReconnectBuilder =
            ReconnectPolicy::builder(self.backoff.builder(BACKOFF)?, self.connect_timeout.get());
        if let Some(span) = self.stable_after {
            builder = builder.stable_after(span.get());
        }
        if let Some(span) = self.silence_limit {
            builder = builder.silence_limit(span.get());
        }
        if let Some(span) = self.kick_within {
            builder = builder.kick_within(span.get());
        }
        if let Some(rule) = self.advisory_rule {
            builder = builder.advisory_rule(rule);
        }
        if let Some(span) = self.advisory_cap {
            builder = builder.advisory_cap(span.get());
        }
        if let Some(spread) = self.advisory_spread {
            builder = builder.advisory_spread(spread);
        }
        builder.build()
    }
}

impl<'de> Deserialize<'de> for ReconnectPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ReconnectFields::deserialize(deserializer)?
            .build()
            .map_err(D::Error::custom)
    }
}

impl Serialize for ReconnectPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReconnectFields {
            connect_timeout: Span::new(self.connect_timeout()),
            stable_after: Some(Span::new(self.stable_after())),
            silence_limit: self.silence_limit().map(Span::new),
            kick_within: Some(Span::new(self.kick_within())),
            advisory_rule: Some(self.advisory_rule()),
            advisory_cap: cap_text(self.advisory_cap(), self.backoff()),
            advisory_spread: Some(self.advisory_spread()).filter(|spread| *spread != Ratio::ZERO),
            backoff: BackoffFields::of(self.backoff()),
        }
        .serialize(serializer)
    }
}
