//! What a table that is recorded may be keyed by.

use core::fmt::Debug;
use core::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::ToKey;

/// A key of a table that is recorded: whatever the table itself asks for, and what a journal does.
///
/// There is nothing to implement but [`ToKey`]: every type that has the rest is one. Its [`Serialize`] must write the
/// number or text that [`to_key`](ToKey::to_key) tells, since a journal has the table's state as the program writes it:
/// a newtype of a number or text does, for others there is `#[serde(into, from)]`.
///
/// ```
/// use evenkeel_replay::{Key, TableKey, ToKey};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
/// struct Peer(u32);
///
/// impl ToKey for Peer {
///     fn to_key(&self) -> Key {
///         self.0.to_key()
///     }
/// }
///
/// fn is_one<K: TableKey>() {}
/// is_one::<Peer>();
/// is_one::<String>();
/// ```
pub trait TableKey: ToKey + Clone + Eq + Hash + Debug + Serialize + DeserializeOwned {}

impl<K: ToKey + Clone + Eq + Hash + Debug + Serialize + DeserializeOwned> TableKey for K {}
