//! The policies of the estimators as a policy file writes them; reading one goes through its `new`.

use serde::{Deserialize, Serialize};

use super::log_histogram::LogHistogramPolicy;
use super::threshold_window::ThresholdWindowPolicy;
use crate::{ConfigError, Quantile};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdWindowFields {
    values: u32,
    quantile: Quantile,
    above: u64,
}

impl TryFrom<ThresholdWindowFields> for ThresholdWindowPolicy {
    type Error = ConfigError;
    fn try_from(fields: ThresholdWindowFields) -> Result<Self, ConfigError> {
        Self::new(fields.values, fields.quantile, fields.above)
    }
}

impl From<ThresholdWindowPolicy> for ThresholdWindowFields {
    fn from(policy: ThresholdWindowPolicy) -> Self {
        Self {
            values: policy.values(),
            quantile: policy.quantile(),
            above: policy.above(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogHistogramFields {
    precision_bits: u8,
}

impl TryFrom<LogHistogramFields> for LogHistogramPolicy {
    type Error = ConfigError;
    fn try_from(fields: LogHistogramFields) -> Result<Self, ConfigError> {
        Self::new(fields.precision_bits)
    }
}

impl From<LogHistogramPolicy> for LogHistogramFields {
    fn from(policy: LogHistogramPolicy) -> Self {
        Self {
            precision_bits: policy.precision_bits(),
        }
    }
}

#[cfg(feature = "alloc")]
pub(super) use allocating::{QuantileWindowFields, RollingHistogramFields, SampleWindowFields};

#[cfg(feature = "alloc")]
mod allocating {
    use alloc::vec::Vec;

    use serde::{Deserialize, Serialize};

    use super::super::quantile_window::QuantileWindowPolicy;
    use super::super::rolling_histogram::RollingHistogramPolicy;
    use super::super::sample_window::SampleWindowPolicy;
    use crate::text::Span;
    use crate::{ConfigError, Quantile};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(in super::super) struct SampleWindowFields {
        values: u32,
    }

    impl TryFrom<SampleWindowFields> for SampleWindowPolicy {
        type Error = ConfigError;
        fn try_from(fields: SampleWindowFields) -> Result<Self, ConfigError> {
            Self::new(fields.values)
        }
    }

    impl From<SampleWindowPolicy> for SampleWindowFields {
        fn from(policy: SampleWindowPolicy) -> Self {
            Self {
                values: policy.values(),
            }
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(in super::super) struct QuantileWindowFields {
        values: u32,
        quantiles: Vec<Quantile>,
    }

    impl TryFrom<QuantileWindowFields> for QuantileWindowPolicy {
        type Error = ConfigError;
        fn try_from(fields: QuantileWindowFields) -> Result<Self, ConfigError> {
            Self::new(fields.values, &fields.quantiles)
        }
    }

    impl From<QuantileWindowPolicy> for QuantileWindowFields {
        fn from(policy: QuantileWindowPolicy) -> Self {
            Self {
                values: policy.values(),
                quantiles: policy.quantiles().to_vec(),
            }
        }
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(in super::super) struct RollingHistogramFields {
        span: Span,
        slices: u32,
        #[serde(default = "default_precision_bits")]
        precision_bits: u8,
    }

    const fn default_precision_bits() -> u8 {
        RollingHistogramPolicy::DEFAULT_PRECISION_BITS
    }

    impl TryFrom<RollingHistogramFields> for RollingHistogramPolicy {
        type Error = ConfigError;
        fn try_from(fields: RollingHistogramFields) -> Result<Self, ConfigError> {
            Self::new(fields.span.get(), fields.slices, fields.precision_bits)
        }
    }

    impl From<RollingHistogramPolicy> for RollingHistogramFields {
        fn from(policy: RollingHistogramPolicy) -> Self {
            Self {
                span: Span::new(policy.span()),
                slices: policy.slices(),
                precision_bits: policy.precision_bits(),
            }
        }
    }
}
