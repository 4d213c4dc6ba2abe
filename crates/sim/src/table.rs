//! Tables of a scenario file: where a scenario takes a policy, or a script of faults, from.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::BreakerPolicy;
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::span;
use evenkeel_core::table::{BackoffTablePolicy, BreakerTablePolicy, RecoveryBudgetPolicy};
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeValue, Error, ValueDeserializer};

use crate::fault::{Fault, Faults};

/// A policy that has a table in policy files and scenario files.
pub trait Policy: DeserializeOwned + fmt::Debug {
    /// The table's name.
    const NAME: &'static str;
}

/// Names each policy once.
macro_rules! policies {
    ($($name:literal: $policy:ty,)*) => {
        $(impl Policy for $policy {
            const NAME: &'static str = $name;
        })*

        /// The names of all of them.
        pub(crate) const POLICIES: &[&str] = &[$($name),*];

        /// Checks a table that a scenario has no use for.
        pub(crate) fn check(name: &str, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
            match name {
                $($name => <$policy>::deserialize(ValueDeserializer::from(value)).map(drop),)*
                _ => Ok(()),
            }
        }
    };
}

policies! {
    "breaker": BreakerPolicy,
    "backoff": BackoffPolicy,
    "retry": RetryPolicy,
    "retry_ratio": RetryRatioPolicy,
    "retry_tokens": RetryTokensPolicy,
    "adaptive_throttle": AdaptiveThrottlePolicy,
    "reconnect": ReconnectPolicy,
    "restart": RestartPolicy,
    "health_probe": HealthProbePolicy,
    "backoff_table": BackoffTablePolicy,
    "breaker_table": BreakerTablePolicy,
    "recovery_budget": RecoveryBudgetPolicy,
}

/// Where a scenario takes a table of its file.
///
/// ```
/// use evenkeel_core::retry::RetryPolicy;
/// use evenkeel_sim::Table;
///
/// let mut retry: Option<RetryPolicy> = None;
/// assert_eq!(Table::policy(&mut retry).name(), "retry");
/// ```
#[derive(Debug)]
pub struct Table<'a> {
    name: &'static str,
    slot: &'a mut dyn Take,
    switch: Option<&'a Cell<bool>>,
}

impl<'a> Table<'a> {
    /// A policy, by the name of its table.
    ///
    /// ```
    /// # use evenkeel_sim::Table;
    /// let mut breaker = None::<evenkeel_core::breaker::BreakerPolicy>;
    /// assert_eq!(Table::policy(&mut breaker).name(), "breaker");
    /// ```
    #[must_use]
    pub fn policy<P: Policy>(slot: &'a mut Option<P>) -> Self {
        Self::new(P::NAME, slot)
    }

    /// A script of faults: the tables `[[fault]]`.
    ///
    /// ```
    /// # use evenkeel_sim::{Faults, Table};
    /// assert_eq!(Table::faults(&mut Faults::none()).name(), "fault");
    /// ```
    #[must_use]
    pub fn faults(slot: &'a mut Faults) -> Self {
        Self::new("fault", slot)
    }

    /// That turns on this flag where it is given. A cell, because several tables may turn on one.
    ///
    /// ```
    /// # use std::cell::Cell;
    /// # use evenkeel_sim::Table;
    /// let (mut breaker, mut on) = (None::<evenkeel_core::breaker::BreakerPolicy>, false);
    /// let table = Table::policy(&mut breaker).switches(Cell::from_mut(&mut on));
    /// assert_eq!(table.name(), "breaker");
    /// ```
    #[must_use]
    pub const fn switches(mut self, flag: &'a Cell<bool>) -> Self {
        self.switch = Some(flag);
        self
    }

    fn new(name: &'static str, slot: &'a mut dyn Take) -> Self {
        let switch = None;
        Self { name, slot, switch }
    }

    /// Its name in the file.
    ///
    /// ```
    /// # use evenkeel_sim::{Faults, Table};
    /// assert_eq!(Table::faults(&mut Faults::none()).name(), "fault");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn take(self, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
        self.slot.take(value)?;
        if let Some(flag) = self.switch {
            flag.set(true);
        }
        Ok(())
    }
}

/// A field that a table is put into.
trait Take: fmt::Debug {
    fn take(&mut self, value: Spanned<DeValue<'_>>) -> Result<(), Error>;
}

impl<P: Policy> Take for Option<P> {
    fn take(&mut self, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
        *self = Some(P::deserialize(ValueDeserializer::from(value))?);
        Ok(())
    }
}

impl Take for Faults {
    fn take(&mut self, value: Spanned<DeValue<'_>>) -> Result<(), Error> {
        let script: Vec<FaultFields> = Deserialize::deserialize(ValueDeserializer::from(value))?;
        for FaultFields { from, until, fault } in script {
            *self = std::mem::take(self).with(from, until, fault);
        }
        Ok(())
    }
}

/// `{ kind = "slow-down", factor = 10, from = "20s", until = "30s" }`, checked.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawFault")]
struct FaultFields {
    from: Duration,
    until: Duration,
    fault: Fault,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFault {
    kind: String,
    from: SpanText,
    until: SpanText,
    factor: Option<f64>,
    share: Option<f64>,
    rate: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpanText {
    Nanos(u64),
    Text(String),
}

impl SpanText {
    fn read(self, field: &str) -> Result<Duration, String> {
        match self {
            Self::Nanos(ns) => Ok(Duration::from_nanos(ns)),
            Self::Text(text) => span::parse(&text).map_err(|_| {
                format!("fault.{field} is {text:?}: it must be a span such as \"20s\"")
            }),
        }
    }
}

impl TryFrom<RawFault> for FaultFields {
    type Error = String;

    fn try_from(raw: RawFault) -> Result<Self, String> {
        let [from, until] = [raw.from.read("from")?, raw.until.read("until")?];
        if until <= from {
            return Err("fault.until is not after fault.from: a fault must last".into());
        }
        let mut given = [
            ("factor", raw.factor),
            ("share", raw.share),
            ("rate", raw.rate),
        ];
        let mut value = |wanted: &str, range: std::ops::RangeInclusive<f64>| {
            let slot = given.iter_mut().find(|(name, _)| *name == wanted);
            let value = slot.and_then(|(_, value)| value.take());
            value.filter(|value| range.contains(value)).ok_or_else(|| {
                let (low, high) = (range.start(), range.end());
                format!("fault.{wanted} must be there, a number from {low} to {high}")
            })
        };
        let fault = match raw.kind.as_str() {
            "outage" => Fault::Outage,
            "slow-down" => Fault::SlowDown(value("factor", 0.001..=1e6)?),
            "partition" => Fault::Partition(value("share", 0.0..=1.0)?),
            "error-rate" => Fault::ErrorRate(value("rate", 0.0..=1.0)?),
            kind => {
                return Err(format!(
                    "fault.kind is {kind:?}: it must be outage, slow-down, partition or error-rate"
                ));
            }
        };
        match given.iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => Err(format!("fault.{name} has no meaning for {:?}", raw.kind)),
            None => Ok(Self { from, until, fault }),
        }
    }
}
