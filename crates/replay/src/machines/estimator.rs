//! What the estimators share: each takes in values, forgets them, and answers queries.

use evenkeel_core::Quantile;

use crate::generate::Pick;

/// Writes the calls and answers of an estimator, the machine that they make, and its recorder.
///
/// A query is `Variant: method(argument) -> its answer`. A command, beside `record` and `clear`, which all have, is
/// `Variant: method(argument) -> Variant(its answer)`; what it takes is borrowed.
macro_rules! estimator {
    (
        $Machine:ident, $Policy:ident, $State:ident, $name:literal;
        $(commands {$(
            $(#[$c_when:meta])*
            $Command:ident: $c_method:ident($(#[$c_how:meta])* $c_arg:ident: $C_arg:ty)
                -> $Commanded:ident($(#[$c_told:meta])* $C_answer:ty),
        )*})?
        queries {$(
            $Query:ident: $method:ident($($arg:ident: $Arg:ty)?) -> $(#[$how:meta])* $Value:ty,
        )*}
    ) => {
        #[doc = concat!("A call of a [`", stringify!($Machine), "`].")]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Op {
            #[doc = concat!("[`", stringify!($Machine), "::record`]")]
            Record {
                /// What is taken in.
                value: u64,
            },
            #[doc = concat!("[`", stringify!($Machine), "::clear`]")]
            Clear,
            $($(
                #[doc = concat!("[`", stringify!($Machine), "::", stringify!($c_method), "`]")]
                $(#[$c_when])*
                $Command {
                    /// What it takes.
                    $(#[$c_how])*
                    $c_arg: $C_arg,
                },
            )*)?
            $(
                #[doc = concat!("[`", stringify!($Machine), "::", stringify!($method), "`]")]
                $Query $({
                    /// What is asked for.
                    $arg: $Arg,
                })?,
            )*
        }

        #[doc = concat!("What a [`", stringify!($Machine), "`] returned.")]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Answer {
            /// A value was taken in, which returns nothing.
            Recorded,
            /// All values were forgotten, which returns nothing.
            Cleared,
            $($(
                #[doc = concat!("Of [`", stringify!($Machine), "::", stringify!($c_method), "`].")]
                $(#[$c_when])*
                $Commanded($(#[$c_told])* $C_answer),
            )*)?
            $(
                #[doc = concat!("Of [`", stringify!($Machine), "::", stringify!($method), "`].")]
                $Query($(#[$how])* $Value),
            )*
        }

        impl Op {
            /// Takes in a random value, or now and then forgets all.
            fn fill(pick: &mut crate::generate::Pick) -> Self {
                match pick.below(40) {
                    0 => Self::Clear,
                    _ => Self::Record {
                        value: pick.value(),
                    },
                }
            }

            /// A random query.
            fn query(pick: &mut crate::generate::Pick) -> Self {
                let queries = [$(Self::$Query { $($arg: crate::machines::estimator::argument(pick))? }),*];
                pick.of(&queries)
            }
        }

        impl crate::machine::Machine for $Machine {
            const NAME: &'static str = $name;

            type Policy = $Policy;
            type State = $State;
            type Op = Op;
            type Answer = Answer;
            type Id = crate::machine::NoId;

            crate::machines::own::own!(begin, restore, policy, state);

            fn apply<R: evenkeel_core::random::Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, _: &mut R) -> Answer {
                match op {
                    Op::Record { value } => {
                        self.record(now_ns, *value);
                        Answer::Recorded
                    }
                    Op::Clear => {
                        self.clear();
                        Answer::Cleared
                    }
                    $($(
                        $(#[$c_when])*
                        Op::$Command { $c_arg } => Answer::$Commanded(self.$c_method($c_arg)),
                    )*)?
                    $(Op::$Query { $($arg)? } => Answer::$Query(self.$method(now_ns $(, *$arg)?)),)*
                }
            }
        }

        #[cfg(feature = "std")]
        impl crate::recorder::Recorder<$Machine> {
            #[doc = concat!("[`", stringify!($Machine), "::record`]")]
            pub fn record(&mut self, now_ns: u64, value: u64) {
                self.record_plain(
                    now_ns,
                    Op::Record { value },
                    |estimator| estimator.record(now_ns, value),
                    |()| Answer::Recorded,
                );
            }

            #[doc = concat!("[`", stringify!($Machine), "::clear`]. It takes the time, which the machine itself does")]
            /// not ask for: each call of a journal has its instant.
            pub fn clear(&mut self, now_ns: u64) {
                self.record_plain(now_ns, Op::Clear, $Machine::clear, |()| Answer::Cleared);
            }
        }
    };
}

pub(crate) use estimator;

/// What a query can be asked for.
pub(crate) fn argument(pick: &mut Pick) -> Quantile {
    pick.of(&[Quantile::MIN, Quantile::P50, Quantile::P99, Quantile::MAX])
}

/// Sums as two words, the high one first: not every reader of JSON can hold 128 bits.
pub(crate) mod halves {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(sum: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        [(sum >> 64) as u64, *sum as u64].serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let [high, low] = <[u64; 2]>::deserialize(deserializer)?;
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}
