//! What checkout's clients run with: a policy file's tables, and the built-in ones for those that it does not have.

use std::path::Path;

use anyhow::Result;
use evenkeel_core::breaker::BreakerPolicy;
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;

use crate::policy::{Policies, PolicyFile};

/// The policy of who names none.
pub(crate) const BUILT_IN: &str = include_str!("policy.toml");

pub(crate) struct Policy {
    /// The file, if there is one.
    pub(crate) file: Option<String>,
    /// The tables that are built in.
    pub(crate) built_in: Vec<&'static str>,
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    pub(crate) retry_tokens: RetryTokensPolicy,
    pub(crate) adaptive_throttle: AdaptiveThrottlePolicy,
}

impl Policy {
    /// # Errors
    /// As any policy file: with line and column.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let file = path.map(PolicyFile::load).transpose()?;
        let (file, given) =
            file.map_or((None, None), |file| (Some(file.name), Some(file.policies)));
        let mut given = given.unwrap_or_default();
        let own: Policies = toml::from_str(BUILT_IN)?;
        let mut built_in = Vec::new();
        macro_rules! table {
            ($name:ident) => {
                given.$name.take().or_else(|| {
                    built_in.push(stringify!($name));
                    own.$name
                })
            };
        }
        let missing = || anyhow::anyhow!("the built-in policy has all four tables");
        Ok(Self {
            file,
            retry: table!(retry).ok_or_else(missing)?,
            breaker: table!(breaker).ok_or_else(missing)?,
            retry_tokens: table!(retry_tokens).ok_or_else(missing)?,
            adaptive_throttle: table!(adaptive_throttle).ok_or_else(missing)?,
            built_in,
        })
    }
}
