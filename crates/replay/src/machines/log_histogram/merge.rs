//! The other histogram of a merge: in a call it stands as its policy and state, and only one that exists is read.

use alloc::boxed::Box;

use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy, LogHistogramState};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What makes a histogram.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    policy: LogHistogramPolicy,
    state: LogHistogramState,
}

pub(super) fn serialize<S: Serializer>(
    other: &LogHistogram,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let stored = Stored {
        policy: *other.policy(),
        state: other.state(),
    };
    stored.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Box<LogHistogram>, D::Error> {
    let Stored { policy, state } = Stored::deserialize(deserializer)?;
    LogHistogram::restore(policy, state)
        .map(Box::new)
        .map_err(de::Error::custom)
}
