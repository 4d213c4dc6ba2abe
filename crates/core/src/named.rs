//! What values of the public API have in common: a `name()` that `Display` shows, and ids that are plain words.

/// `Display` that shows `name()`, padded as asked.
macro_rules! display_by_name {
    ($($named:ty),+ $(,)?) => {$(
        impl core::fmt::Display for $named {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    )+};
}

pub(crate) use display_by_name;

/// No machine has given so many ids: one a nanosecond would take 292 years. So ids never run out.
pub(crate) const TOO_MANY: u64 = 1 << 63;

/// Writes an id that is a plain word, and shown to users in `$module` of this crate.
macro_rules! word_id {
    ($(#[$doc:meta])* $module:ident::$Id:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $Id(pub(super) u64);

        impl $Id {
            /// The id as a plain word, for a journal or another language.
            ///
            /// ```
            #[doc = concat!("# use evenkeel_core::", stringify!($module), "::", stringify!($Id), ";")]
            #[doc = concat!("assert_eq!(", stringify!($Id), "::from_word(7).to_word(), 7);")]
            /// ```
            #[must_use]
            pub const fn to_word(self) -> u64 {
                self.0
            }

            /// The id that [`to_word`](Self::to_word) gave.
            ///
            /// ```
            #[doc = concat!("# use evenkeel_core::", stringify!($module), "::", stringify!($Id), ";")]
            #[doc = concat!("assert!(", stringify!($Id), "::from_word(1) < ", stringify!($Id), "::from_word(2));")]
            /// ```
            #[must_use]
            pub const fn from_word(word: u64) -> Self {
                Self(word)
            }
        }
    };
}

pub(crate) use word_id;
