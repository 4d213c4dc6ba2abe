//! The `[retry]` table of a policy file; reading it goes through `build()`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::builder::{BACKOFF, RetryBuilder, SCOPE};
use super::policy::{RetryPolicy, WhenRefused};
use crate::advice::{AdvisoryRule, cap_text};
use crate::backoff::fields::BackoffFields;
use crate::error::{ConfigError, Problem};
use crate::ratio::Ratio;
use crate::text::Span;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    unlimited_attempts: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt_timeout: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when_refused: Option<WhenRefused>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_cap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_spread: Option<Ratio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advisory_rule: Option<AdvisoryRule>,
    // A table of its own: TOML wants it last.
    backoff: BackoffFields,
}

impl RetryFields {
    fn build(&self) -> Result<RetryPolicy, ConfigError> {
        let mut builder: RetryBuilder = RetryPolicy::builder(self.backoff.builder(BACKOFF)?);
        match (self.max_attempts, self.unlimited_attempts) {
            (Some(_), true) => {
                let fix =
                    "it says that there is a limit; leave max_attempts or unlimited_attempts out";
                let problem = Problem::Misplaced { fix };
                return Err(ConfigError::new(SCOPE, "max_attempts", problem));
            }
            (Some(attempts), false) => builder = builder.max_attempts(attempts),
            (None, true) => builder = builder.unlimited_attempts(),
            (None, false) => {}
        }
        if let Some(span) = self.attempt_timeout {
            builder = builder.attempt_timeout(span.get());
        }
        if let Some(span) = self.deadline {
            builder = builder.deadline(span.get());
        }
        if let Some(rule) = self.advisory_rule {
            builder = builder.advisory_rule(rule);
        }
        if let Some(span) = self.advisory_cap {
            builder = builder.advisory_cap(span.get());
        }
        builder
            .when_refused(self.when_refused.unwrap_or_default())
            .advisory_spread(self.advisory_spread.unwrap_or(Ratio::ZERO))
            .build()
    }
}

impl<'de> Deserialize<'de> for RetryPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RetryFields::deserialize(deserializer)?
            .build()
            .map_err(D::Error::custom)
    }
}

impl Serialize for RetryPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RetryFields {
            max_attempts: self.max_attempts,
            unlimited_attempts: self.max_attempts.is_none() && self.backoff.max_retries().is_none(),
            attempt_timeout: self.attempt_timeout().map(Span::new),
            deadline: self.deadline().map(Span::new),
            when_refused: Some(self.when_refused),
            advisory_cap: cap_text(self.advisory_cap(), self.backoff()),
            advisory_spread: Some(self.advisory_spread()),
            advisory_rule: Some(self.advisory_rule()),
            backoff: BackoffFields::of(&self.backoff),
        }
        .serialize(serializer)
    }
}
