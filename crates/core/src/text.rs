//! How ratios, quantiles and spans stand in policy files: `"50%"`, `"p99.9"`, `"250ms"` or whole nanoseconds.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;
use core::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quantile::Quantile;
use crate::ratio::Ratio;
use crate::span;

/// A value that is written as text, or as a whole number where that has one meaning.
trait Textual: FromStr<Err = crate::ConfigError> {
    const EXPECTED: &'static str;
    fn from_whole(whole: u64) -> Option<Self>;
}

impl Textual for Ratio {
    const EXPECTED: &'static str = "a ratio in quotes, such as \"50%\", \"1/2\" or \"0.5\"";
    fn from_whole(whole: u64) -> Option<Self> {
        Self::new(u32::try_from(whole).ok()?, 1).ok()
    }
}

impl Textual for Quantile {
    const EXPECTED: &'static str = "a quantile in quotes, such as \"p99\", \"p99.9\" or \"0.99\"";
    fn from_whole(_whole: u64) -> Option<Self> {
        None
    }
}

/// A `Duration` that reads and writes itself as a policy file does.
#[derive(Clone, Copy)]
pub(crate) struct Span(Duration);

impl Span {
    pub(crate) const fn new(span: Duration) -> Self {
        Self(span)
    }

    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

/// For `#[serde(with)]` on a `Duration`.
pub(crate) mod span_text {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Span;

    pub(crate) fn serialize<S: Serializer>(span: &Duration, s: S) -> Result<S::Ok, S::Error> {
        Span::new(*span).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        Span::deserialize(d).map(Span::get)
    }
}

impl FromStr for Span {
    type Err = crate::ConfigError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        span::parse(text).map(Self)
    }
}

impl Textual for Span {
    const EXPECTED: &'static str = "a span such as \"250ms\", or a whole number of nanoseconds";
    fn from_whole(whole: u64) -> Option<Self> {
        Some(Self(Duration::from_nanos(whole)))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Textual> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse()
            .map_err(|error| E::custom(format_args!("found \"{text}\": {error}")))
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<T, E> {
        T::from_whole(whole).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(whole), &self))
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<T, E> {
        u64::try_from(whole)
            .ok()
            .and_then(T::from_whole)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(whole), &self))
    }
}

macro_rules! as_text {
    ($type:ty, $shown:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$shown(self))
            }
        }
    };
}

as_text!(Ratio, |ratio: &Self| *ratio);
as_text!(Quantile, |quantile: &Self| *quantile);
as_text!(Span, |span: &Self| span::text(span.0));
