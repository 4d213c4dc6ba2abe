//! What a retry borrowed for one call: the machines of its journal, by id.

use core::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

#[cfg(feature = "alloc")]
use crate::key::Key;

/// The machines of the same journal that were lent for one call of a [`Retry`](evenkeel_core::retry::Retry), by id.
///
/// ```
/// use evenkeel_replay::retry::{Lent, LentBreaker};
///
/// let lent = Lent { breaker: Some(LentBreaker::Breaker(1)), budget: Some(2) };
/// assert!(!lent.is_none());
/// assert_eq!(serde_json::to_string(&lent)?, r#"{"breaker":1,"budget":2}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lent {
    /// The breaker that was asked and told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<LentBreaker>,
    /// What retries were paid from: retry tokens or a retry ratio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
}

impl Lent {
    /// Nothing was lent.
    pub const NONE: Self = Self {
        breaker: None,
        budget: None,
    };

    /// Whether nothing was lent.
    ///
    /// ```
    /// # use evenkeel_replay::retry::Lent;
    /// assert!(Lent::NONE.is_none());
    /// ```
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.breaker.is_none() && self.budget.is_none()
    }
}

/// A breaker that was lent. In a journal it is a plain id, or `{"table": id, "key": key}`.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use evenkeel_replay::Key;
/// use evenkeel_replay::retry::LentBreaker;
///
/// let lent = LentBreaker::Key { table: 3, key: Key::Text("db-1".into()) };
/// assert_eq!(lent.id(), 3);
/// let text = r#"{"table":3,"key":"db-1"}"#;
/// assert_eq!(serde_json::to_string(&lent)?, text);
/// assert_eq!(serde_json::from_str::<LentBreaker>(text)?, lent);
/// assert_eq!(serde_json::from_str::<LentBreaker>("7")?, LentBreaker::Breaker(7));
/// # }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LentBreaker {
    /// A machine of its own.
    Breaker(u64),
    /// One key of a breaker table.
    #[cfg(feature = "alloc")]
    Key {
        /// Which machine the table is.
        table: u64,
        /// The key.
        key: Key,
    },
}

impl LentBreaker {
    /// Which machine of the journal it is, or is a part of.
    #[must_use]
    pub const fn id(&self) -> u64 {
        match self {
            Self::Breaker(id) => *id,
            #[cfg(feature = "alloc")]
            Self::Key { table, .. } => *table,
        }
    }
}

/// By hand, as the derived way of serde for enums without a tag needs memory from a heap.
impl<'de> Deserialize<'de> for LentBreaker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdOrKey)
    }
}

struct IdOrKey;

impl<'de> Visitor<'de> for IdOrKey {
    type Value = LentBreaker;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a breaker, or a table's id and a key")
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<LentBreaker, E> {
        Ok(LentBreaker::Breaker(id))
    }

    #[cfg(feature = "alloc")]
    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<LentBreaker, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct OfTable {
            table: u64,
            key: Key,
        }

        let fields = serde::de::value::MapAccessDeserializer::new(map);
        let OfTable { table, key } = OfTable::deserialize(fields)?;
        Ok(LentBreaker::Key { table, key })
    }
}
