//! Parameters of a scenario: typed fields that can be listed, read and set by name.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use evenkeel_core::span;

use crate::param_error::ParamError;
use crate::trace_file::TraceFile;

/// A field of a scenario, by name.
///
/// ```
/// use evenkeel_sim::Param;
///
/// let mut clients = 100;
/// let mut param = Param::count("clients", "how many there are", &mut clients, 1..=1_000_000);
/// param.set("250")?;
/// assert_eq!(param.set("0").unwrap_err().to_string(), "clients is \"0\": it must be a whole number from 1 to 1000000");
/// assert_eq!(clients, 250);
/// # Ok::<(), evenkeel_sim::ParamError>(())
/// ```
#[derive(Debug)]
pub struct Param<'a> {
    name: &'static str,
    about: &'static str,
    slot: Slot<'a>,
}

#[derive(Debug)]
enum Slot<'a> {
    Count(&'a mut u64, RangeInclusive<u64>),
    Real(&'a mut f64, RangeInclusive<f64>),
    Span(&'a mut Duration, RangeInclusive<Duration>),
    Flag(&'a mut bool),
    Choice(&'a mut dyn Choose),
    Trace(&'a mut TraceFile),
    Told(String),
}

/// A parameter whose values have names; an enum of a scenario.
///
/// ```
/// use evenkeel_sim::{Choice, Param, Value};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Load {
///     Spike,
///     Ramp,
/// }
/// impl Choice for Load {
///     const ALL: &'static [(&'static str, Self)] = &[("spike", Self::Spike), ("ramp", Self::Ramp)];
/// }
///
/// let mut load = Load::Spike;
/// let mut param = Param::choice("load", "its shape", &mut load);
/// assert_eq!(param.value(), Value::Text("spike".into()));
/// param.set("ramp")?;
/// assert_eq!(load, Load::Ramp);
/// # Ok::<(), evenkeel_sim::ParamError>(())
/// ```
pub trait Choice: Copy + PartialEq + fmt::Debug + 'static {
    /// All values with their names.
    const ALL: &'static [(&'static str, Self)];
}

/// [`Choice`] without its type.
trait Choose: fmt::Debug {
    fn name(&self) -> &'static str;
    fn names(&self) -> Vec<&'static str>;
    fn choose(&mut self, name: &str) -> bool;
}

impl<C: Choice> Choose for C {
    fn name(&self) -> &'static str {
        let found = C::ALL.iter().find(|(_, choice)| choice == self);
        found.map_or("", |(name, _)| name)
    }

    fn names(&self) -> Vec<&'static str> {
        C::ALL.iter().map(|(name, _)| *name).collect()
    }

    fn choose(&mut self, wanted: &str) -> bool {
        let found = C::ALL.iter().find(|(name, _)| *name == wanted);
        if let Some((_, choice)) = found {
            *self = *choice;
        }
        found.is_some()
    }
}

impl<'a> Param<'a> {
    /// A whole number in this range.
    ///
    /// ```
    /// # use evenkeel_sim::{Param, Value};
    /// let mut clients = 100;
    /// let param = Param::count("clients", "how many there are", &mut clients, 1..=1_000_000);
    /// assert_eq!(param.value(), Value::Count(100));
    /// ```
    pub const fn count(
        name: &'static str,
        about: &'static str,
        field: &'a mut u64,
        range: RangeInclusive<u64>,
    ) -> Self {
        Self::new(name, about, Slot::Count(field, range))
    }

    /// A number in this range; `50%` is 0.5.
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// let mut share = 0.0;
    /// Param::real("share", "of the peers that flap", &mut share, 0.0..=1.0).set("25%")?;
    /// assert_eq!(share, 0.25);
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    pub const fn real(
        name: &'static str,
        about: &'static str,
        field: &'a mut f64,
        range: RangeInclusive<f64>,
    ) -> Self {
        Self::new(name, about, Slot::Real(field, range))
    }

    /// A span of time in this range, `250ms` or whole nanoseconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::Param;
    /// let mut outage = Duration::ZERO;
    /// let range = Duration::ZERO..=Duration::from_secs(60);
    /// Param::span("outage", "how long", &mut outage, range).set("1.5s")?;
    /// assert_eq!(outage, Duration::from_millis(1_500));
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    pub const fn span(
        name: &'static str,
        about: &'static str,
        field: &'a mut Duration,
        range: RangeInclusive<Duration>,
    ) -> Self {
        Self::new(name, about, Slot::Span(field, range))
    }

    /// On or off: `true`, `false`.
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// let mut budget = false;
    /// Param::flag("budget", "whether retries are budgeted", &mut budget).set("true")?;
    /// assert!(budget);
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    pub const fn flag(name: &'static str, about: &'static str, field: &'a mut bool) -> Self {
        Self::new(name, about, Slot::Flag(field))
    }

    /// One of several by name; see [`Choice`].
    ///
    /// ```
    /// # use evenkeel_sim::{Param, scenarios::Algorithm};
    /// let mut algorithm = Algorithm::Full;
    /// Param::choice("algorithm", "how they wait", &mut algorithm).set("equal")?;
    /// assert_eq!(algorithm, Algorithm::Equal);
    /// # Ok::<(), evenkeel_sim::ParamError>(())
    /// ```
    pub const fn choice<C: Choice>(
        name: &'static str,
        about: &'static str,
        field: &'a mut C,
    ) -> Self {
        Self::new(name, about, Slot::Choice(field))
    }

    /// The path of a trace; see [`TraceFile`].
    pub const fn trace(name: &'static str, about: &'static str, field: &'a mut TraceFile) -> Self {
        Self::new(name, about, Slot::Trace(field))
    }

    /// What is told but not set: a policy or a script that came as a table of a scenario file, in one line.
    ///
    /// ```
    /// # use evenkeel_sim::{Param, Value};
    /// let mut param = Param::told("breaker_policy", "instead of the default", "..".into());
    /// assert_eq!(param.value(), Value::Text("..".into()));
    /// assert!(param.set("..").is_err());
    /// ```
    #[must_use]
    pub const fn told(name: &'static str, about: &'static str, text: String) -> Self {
        Self::new(name, about, Slot::Told(text))
    }

    const fn new(name: &'static str, about: &'static str, slot: Slot<'a>) -> Self {
        Self { name, about, slot }
    }

    /// Its name.
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// assert_eq!(Param::flag("budget", "whether retries are budgeted", &mut false).name(), "budget");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is, in a few words.
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// let mut budget = false;
    /// let param = Param::flag("budget", "whether retries are budgeted", &mut budget);
    /// assert_eq!(param.about(), "whether retries are budgeted");
    /// ```
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.about
    }

    /// What it can be, in words that follow "it must be".
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// assert_eq!(Param::flag("budget", "whether retries are budgeted", &mut false).range(), "true or false");
    /// ```
    #[must_use]
    pub fn range(&self) -> String {
        match &self.slot {
            Slot::Count(_, range) => {
                format!("a whole number from {} to {}", range.start(), range.end())
            }
            Slot::Real(_, range) => format!("a number from {} to {}", range.start(), range.end()),
            Slot::Span(_, range) => format!(
                "a span from {} to {}",
                span::text(*range.start()),
                span::text(*range.end())
            ),
            Slot::Flag(_) => "true or false".into(),
            Slot::Trace(_) => "the path of a trace".into(),
            Slot::Told(_) => "given as a table of a scenario file".into(),
            Slot::Choice(choice) => {
                let names = choice.names();
                match names.split_last() {
                    Some((last, rest)) if !rest.is_empty() => {
                        format!("{} or {last}", rest.join(", "))
                    }
                    _ => names.concat(),
                }
            }
        }
    }

    /// What it is now.
    ///
    /// ```
    /// # use evenkeel_sim::{Param, Value};
    /// assert_eq!(Param::flag("budget", "whether retries are budgeted", &mut false).value(), Value::Flag(false));
    /// ```
    #[must_use]
    pub fn value(&self) -> Value {
        match &self.slot {
            Slot::Count(field, _) => Value::Count(**field),
            Slot::Real(field, _) => Value::Real(**field),
            Slot::Span(field, _) => Value::Text(span::text(**field).to_string()),
            Slot::Flag(field) => Value::Flag(**field),
            Slot::Choice(field) => Value::Text(field.name().into()),
            Slot::Trace(file) => Value::Text(file.name().into()),
            Slot::Told(text) => Value::Text(text.clone()),
        }
    }

    /// Sets it from text.
    ///
    /// # Errors
    /// When the text is nothing that it can be; it has then not changed.
    ///
    /// ```
    /// # use evenkeel_sim::Param;
    /// let mut budget = false;
    /// let error = Param::flag("budget", "whether retries are budgeted", &mut budget).set("maybe").unwrap_err();
    /// assert_eq!(error.to_string(), "budget is \"maybe\": it must be true or false");
    /// ```
    pub fn set(&mut self, text: &str) -> Result<(), ParamError> {
        self.set_in(Path::new(""), text)
    }

    /// The same, with paths relative to this folder.
    pub(crate) fn set_in(&mut self, folder: &Path, text: &str) -> Result<(), ParamError> {
        let text = text.trim();
        let taken = match &mut self.slot {
            Slot::Count(field, range) => put(*field, text.parse().ok(), range),
            Slot::Real(field, range) => put(*field, real(text), range),
            Slot::Span(field, range) => put(*field, span_of(text), range),
            Slot::Flag(field) => text.parse().map(|flag| **field = flag).is_ok(),
            Slot::Choice(field) => field.choose(text),
            Slot::Trace(file) => {
                let read = TraceFile::read(folder, text).map_err(|error| ParamError::Trace {
                    path: text.into(),
                    problem: error.to_string(),
                })?;
                **file = read;
                true
            }
            Slot::Told(_) => false,
        };
        if taken {
            return Ok(());
        }
        Err(ParamError::Value {
            name: self.name,
            given: text.into(),
            range: self.range(),
        })
    }
}

fn put<T: PartialOrd>(field: &mut T, value: Option<T>, range: &RangeInclusive<T>) -> bool {
    let value = value.filter(|value| range.contains(value));
    value.map(|value| *field = value).is_some()
}

fn real(text: &str) -> Option<f64> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    Some(number).filter(|number| number.is_finite())
}

fn span_of(text: &str) -> Option<Duration> {
    let nanos = text.parse().ok().map(Duration::from_nanos);
    nanos.or_else(|| span::parse(text).ok())
}

/// What a parameter is, for a report.
///
/// ```
/// use evenkeel_sim::Value;
///
/// assert_eq!(Value::Real(0.5).to_string(), "0.5");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// A number.
    Real(f64),
    /// On or off.
    Flag(bool),
    /// A name, or a span such as `250ms`.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Real(real) => real.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
