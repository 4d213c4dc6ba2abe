//! The checks that builders share: spans, counts and ratios in range, a backoff without limits, a backoff with pauses.

use core::time::Duration;

use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::error::{Amount, ConfigError, Problem};
use crate::ratio::Ratio;
use crate::store::fits;
use crate::time::{MAX_SPAN, span_ns};

/// What passed a check; else its error is returned: `?` for `const` code.
macro_rules! checked {
    ($check:expr) => {
        match $check {
            Ok(passed) => passed,
            Err(error) => return Err(error),
        }
    };
}

pub(crate) use checked;

/// `span` in nanoseconds, or an error for `field` above [`MAX_SPAN`].
pub(crate) const fn ns(
    scope: &'static str,
    field: &'static str,
    span: Duration,
) -> Result<u64, ConfigError> {
    match span_ns(span) {
        Some(ns) => Ok(ns),
        None => Err(ConfigError::new(
            scope,
            field,
            Problem::AboveMax {
                given: Amount::Span(span),
                max: Amount::Span(MAX_SPAN),
            },
        )),
    }
}

/// The same for a span that need not be there.
pub(crate) const fn optional_ns(
    scope: &'static str,
    field: &'static str,
    span: Option<Duration>,
) -> Result<Option<u64>, ConfigError> {
    match span {
        None => Ok(None),
        Some(span) => Ok(Some(checked!(ns(scope, field, span)))),
    }
}

/// `span` in nanoseconds, or an error for `field` at 0 or above [`MAX_SPAN`].
pub(crate) const fn positive_ns(
    scope: &'static str,
    field: &'static str,
    span: Duration,
) -> Result<u64, ConfigError> {
    match ns(scope, field, span) {
        Ok(0) => Err(ConfigError::new(scope, field, Problem::Zero)),
        result => result,
    }
}

/// The same for a span that need not be there.
pub(crate) const fn optional_positive_ns(
    scope: &'static str,
    field: &'static str,
    span: Option<Duration>,
) -> Result<Option<u64>, ConfigError> {
    match span {
        None => Ok(None),
        Some(span) => Ok(Some(checked!(positive_ns(scope, field, span)))),
    }
}

/// A count within `1..=max`.
pub(crate) const fn count(
    scope: &'static str,
    field: &'static str,
    given: u32,
    max: u32,
) -> Result<u32, ConfigError> {
    let given_amount = Amount::Count(given as u64);
    let problem = if given == 0 {
        Problem::BelowMin {
            given: given_amount,
            min: Amount::Count(1),
        }
    } else if given > max {
        Problem::AboveMax {
            given: given_amount,
            max: Amount::Count(max as u64),
        }
    } else {
        return Ok(given);
    };
    Err(ConfigError::new(scope, field, problem))
}

/// Memory of `words`, of which `inline` are there without the feature `alloc`; `field` is what asks for them.
pub(crate) const fn memory(
    scope: &'static str,
    field: &'static str,
    words: usize,
    inline: usize,
) -> Result<(), ConfigError> {
    if fits(words, inline) {
        return Ok(());
    }
    let problem = Problem::NeedsAlloc {
        given: words as u64,
        max: inline as u64,
    };
    Err(ConfigError::new(scope, field, problem))
}

/// A ratio of at most 1.
pub(crate) const fn share(
    scope: &'static str,
    field: &'static str,
    given: Ratio,
) -> Result<Ratio, ConfigError> {
    if given.is_above(Ratio::ONE) {
        let problem = Problem::AboveMax {
            given: Amount::of(given),
            max: Amount::Count(1),
        };
        return Err(ConfigError::new(scope, field, problem));
    }
    Ok(given)
}

/// The same, and above zero.
pub(crate) const fn positive_share(
    scope: &'static str,
    field: &'static str,
    given: Ratio,
) -> Result<Ratio, ConfigError> {
    if given.numerator() == 0 {
        return Err(ConfigError::new(scope, field, Problem::Zero));
    }
    share(scope, field, given)
}

/// A ratio of at least 1.
pub(crate) const fn factor(
    scope: &'static str,
    field: &'static str,
    given: Ratio,
) -> Result<Ratio, ConfigError> {
    if Ratio::ONE.is_above(given) {
        let problem = Problem::BelowMin {
            given: Amount::of(given),
            min: Amount::Count(1),
        };
        return Err(ConfigError::new(scope, field, problem));
    }
    Ok(given)
}

/// The schedule of a machine that has limits of its own; `scope` is the path of its table, `fix` says what limits instead.
pub(crate) const fn backoff_without_limits(
    backoff: BackoffBuilder,
    scope: &'static str,
    fix: &'static str,
) -> Result<BackoffPolicy, ConfigError> {
    let backoff = match backoff.build() {
        Ok(backoff) => backoff,
        Err(error) => return Err(error.within(scope)),
    };
    let limit = if backoff.max_retries().is_some() {
        "max_retries"
    } else if backoff.max_total_wait().is_some() {
        "max_total_wait"
    } else {
        return Ok(backoff);
    };
    Err(ConfigError::new(scope, limit, Problem::Misplaced { fix }))
}

/// The schedule of what would be asked again without a pause otherwise; `scope` is the path of its table.
pub(crate) const fn with_pauses(
    backoff: BackoffPolicy,
    scope: &'static str,
) -> Result<BackoffPolicy, ConfigError> {
    checked!(positive_ns(scope, "base", backoff.base()));
    checked!(optional_positive_ns(scope, "cap", backoff.cap()));
    Ok(backoff)
}
