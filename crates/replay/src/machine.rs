//! What replay has to know of a machine: its calls and answers as values, and what an answer amounts to.

use core::fmt::Debug;
use core::hash::Hash;

use evenkeel_core::RestoreError;
use evenkeel_core::random::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "alloc")]
use crate::key::Key;

/// A machine whose calls and answers are values.
///
/// An `Op` is a call of the machine's API: its variant is the method, its fields are the arguments but `now_ns` and the
/// generator. An `Answer` is all that the call returned. [`apply`](Self::apply) makes the call. Everything else in this
/// crate, and the law suite and fuzz targets of this project, is built on these three.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, breaker::{Breaker, BreakerPolicy, Trigger}};
/// use evenkeel_replay::{Machine, breaker::{Answer, Op}};
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
///
/// let mut breaker = Breaker::begin(policy.build()?, 0);
/// let answer = breaker.apply(0, &Op::TryAcquire, &mut rng);
/// assert!(matches!(answer, Answer::Granted { .. }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub trait Machine: Sized {
    /// As journals and policy files name it.
    const NAME: &'static str;
    /// Whether a poll is this machine's question (a driver): who never polls it never learns what to do.
    const POLL_ASKS: bool = false;

    /// The checked policy.
    type Policy: Clone + PartialEq + Debug + Serialize + DeserializeOwned;
    /// The snapshot.
    type State: Clone + PartialEq + Debug + Serialize + DeserializeOwned;
    /// A call, with all its arguments but the time and the generator.
    type Op: Clone + PartialEq + Debug + Serialize + DeserializeOwned;
    /// All that the call returned.
    type Answer: Clone + PartialEq + Debug + Serialize + DeserializeOwned;
    /// What a report carries to be known by; [`NoId`] where there is none.
    type Id: Clone + Eq + Hash + Debug;

    /// A fresh machine. `now_ns` is where it begins, if that makes a difference to it.
    fn begin(policy: Self::Policy, now_ns: u64) -> Self;

    /// The machine of this snapshot.
    ///
    /// # Errors
    ///
    /// A state that no machine of this policy can have.
    fn restore(policy: Self::Policy, state: Self::State) -> Result<Self, RestoreError>;

    /// The policy it was made with.
    fn policy(&self) -> &Self::Policy;

    /// The snapshot: [`restore`](Self::restore) makes an indistinguishable machine of it.
    fn state(&self) -> Self::State;

    /// When a poll would next report or begin something by itself.
    fn next_deadline_ns(&self) -> Option<u64> {
        None
    }

    /// Makes the call.
    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Self::Op, rng: &mut R) -> Self::Answer;

    /// The id that this answer gives out.
    fn given(_op: &Self::Op, _answer: &Self::Answer) -> Option<Self::Id> {
        None
    }

    /// The id that this call reports with.
    fn reported(_op: &Self::Op) -> Option<Self::Id> {
        None
    }

    /// The same call with another id.
    #[must_use]
    fn with_id(op: &Self::Op, _id: Self::Id) -> Self::Op {
        op.clone()
    }

    /// The report of something whose end nobody knows, if it is taken to have ended so; `None` where no report says that.
    fn unknown(_id: Self::Id, _assumed: Assumed) -> Option<Self::Op> {
        None
    }

    /// The call that tells what has fallen due, or a driver what to do; `None` where nothing falls due by itself.
    fn poll() -> Option<Self::Op> {
        None
    }

    /// Which key of a table the call is about, or what it was answered; `None` for no key or all of them, and where there
    /// are none.
    #[cfg(feature = "alloc")]
    fn key(_op: &Self::Op, _answer: &Self::Answer) -> Option<Key> {
        None
    }

    /// What the answer to a question amounts to; `None` for reports, commands and queries.
    fn verdict(_op: &Self::Op, _answer: &Self::Answer) -> Option<Verdict> {
        None
    }

    /// Shows each change that the answer to a call at `now_ns` tells of, earliest first.
    fn changes(
        _now_ns: u64,
        _op: &Self::Op,
        _answer: &Self::Answer,
        _show: &mut dyn FnMut(Change),
    ) {
    }
}

/// How something is taken to have ended whose end nobody knows.
///
/// ```
/// use evenkeel_replay::Assumed;
///
/// let names = Assumed::ALL.map(Assumed::name);
/// assert_eq!(names, ["ignored", "success", "failure"]);
/// assert_eq!(Assumed::default(), Assumed::Ignored);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumed {
    /// In no way: it counts for nothing, and frees what it held.
    #[default]
    Ignored,
    /// Well.
    Success,
    /// Badly, but so that another try may do better.
    Failure,
}

impl Assumed {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Ignored, Self::Success, Self::Failure];

    /// Its name in commands and reports, such as `"success"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// The id of a machine that gives none out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoId {}

/// What the answer to a question amounts to, whichever machine gave it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Yes: a call may be made, an attempt is begun.
    Admitted,
    /// Not now.
    Refused {
        /// The machine's own name of it.
        reason: &'static str,
        /// When the same question would be answered with yes.
        retry_at_ns: Option<u64>,
    },
    /// Wait until then.
    Waits {
        /// The wait's end.
        until_ns: u64,
    },
    /// Never again: exhausted, given up, stopped.
    Ended {
        /// The machine's own name of it.
        reason: &'static str,
    },
}

/// A change of phase, health or level, whichever machine told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Change {
    /// When it fell due.
    pub at_ns: u64,
    /// The phase that ended.
    pub from: &'static str,
    /// The phase that began.
    pub to: &'static str,
    /// Why.
    pub cause: &'static str,
}
