//! Reading a vector: members with their types, and numbers as exact decimals.

use evenkeel_core::Ratio;
use serde_json::{Map, Value};

/// Why a vector is not checked to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Unsupported(String),
    Fail(String),
}

pub(crate) fn fail<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(why.into()))
}

pub(crate) fn unsupported<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unsupported(why.into()))
}

/// An object's members.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    pub(crate) fn of(value: &'a Value, what: &str) -> Result<Self, Stop> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => fail(format!("{what} is no object")),
        }
    }

    /// Unsupported when there is a member that nobody here knows: it may change what the rest means.
    pub(crate) fn only(self, what: &str, known: &[&str]) -> Result<Self, Stop> {
        const REMARKS: [&str; 3] = ["note", "comment", "source"];
        let strange =
            |name: &&String| !known.contains(&name.as_str()) && !REMARKS.contains(&name.as_str());
        match self.0.keys().find(strange) {
            None => Ok(self),
            Some(name) => unsupported(format!("{what} has a member that is not known: {name}")),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Also a null, where it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    fn read<T>(
        &self,
        name: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => fail(format!("{name} is {value}, which is no {kind}")),
            },
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Stop> {
        self.read(name, "text", Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Stop> {
        self.read(name, "true or false", Value::as_bool)
    }

    pub(crate) fn whole(&self, name: &str) -> Result<Option<u64>, Stop> {
        self.read(name, "whole number", |value| {
            let decimal = Decimal::of(value)?;
            (decimal.den == 1).then_some(decimal.num)
        })
    }

    pub(crate) fn count(&self, name: &str) -> Result<Option<u32>, Stop> {
        match self.whole(name)?.map(u32::try_from) {
            None => Ok(None),
            Some(Ok(count)) => Ok(Some(count)),
            Some(Err(_)) => unsupported(format!("{name} is above what a policy can count")),
        }
    }

    pub(crate) fn needed(&self, name: &str) -> Result<u64, Stop> {
        match self.whole(name)? {
            Some(whole) => Ok(whole),
            None => fail(format!("{name} is missing")),
        }
    }

    pub(crate) fn decimal(&self, name: &str) -> Result<Option<Decimal>, Stop> {
        self.read(name, "number of at least 0", Decimal::of)
    }

    /// Where only the size of an error counts.
    pub(crate) fn float(&self, name: &str) -> Result<Option<f64>, Stop> {
        self.read(name, "number", Value::as_f64)
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Stop> {
        self.read(name, "object", |value| Self::of(value, "").ok())
    }
}

/// A number as it is written, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) num: u64,
    pub(crate) den: u64,
}

impl Decimal {
    fn of(value: &Value) -> Option<Self> {
        if let Some(whole) = value.as_u64() {
            return Some(Self { num: whole, den: 1 });
        }
        // The shortest decimal that reads back: what the file says.
        let text = format!("{}", value.as_f64()?);
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let den = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
        Some(Self::lowest(format!("{whole}{part}").parse().ok()?, den))
    }

    pub(crate) fn lowest(num: u64, den: u64) -> Self {
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self {
            num: num / a,
            den: den / a,
        }
    }

    pub(crate) fn ratio(self) -> Result<Ratio, Stop> {
        match (u32::try_from(self.num), u32::try_from(self.den)) {
            (Ok(num), Ok(den)) => Ratio::new(num, den).map_err(|e| Stop::Fail(e.to_string())),
            _ => unsupported(format!("a ratio has no room for {}/{}", self.num, self.den)),
        }
    }

    /// Of a percentage.
    pub(crate) fn hundredth(self) -> Self {
        match self.den.checked_mul(100) {
            Some(den) => Self::lowest(self.num, den),
            None => self,
        }
    }

    /// The random word that stands for a draw of this much from 0 to 1.
    pub(crate) fn word(self) -> Result<u64, Stop> {
        if self.num > self.den {
            return fail("u is above 1");
        }
        let word = (u128::from(self.num) << 64) / u128::from(self.den);
        Ok(u64::try_from(word).unwrap_or(u64::MAX))
    }
}
