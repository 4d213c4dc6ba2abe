//! What can happen to a [`Backoff`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::backoff::{Backoff, BackoffPolicy, BackoffState, Exhausted, Wait};
use evenkeel_core::random::Rng;
use evenkeel_core::reconnect::GaveUpBy;
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, NoId, Verdict};
use crate::machines::own::own;

/// A call of a [`Backoff`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter, Wait};
/// use evenkeel_replay::{Machine, backoff::{Answer, Op}};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let policy = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None).build()?;
/// let mut backoff = Backoff::new(policy);
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let answer = backoff.apply(1_000, &Op::NextWait, &mut rng);
/// assert_eq!(answer, Answer::Wait(Wait { at_ns: 1_010, delay_ns: 10, attempt: 1 }));
/// assert_eq!(backoff.apply(1_000, &Op::Attempts, &mut rng), Answer::Attempts(1));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`Backoff::next_wait`]
    NextWait,
    /// [`Backoff::reset`]
    Reset,
    /// [`Backoff::attempts`]
    Attempts,
}

/// What a [`Backoff`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// How long to wait.
    Wait(Wait),
    /// There is no further wait.
    Exhausted(Exhausted),
    /// It was reset, which returns nothing.
    Reset,
    /// How many waits were given.
    Attempts(u32),
}

impl Answer {
    fn asked(asked: &Result<Wait, Exhausted>) -> Self {
        match asked {
            Ok(wait) => Self::Wait(*wait),
            Err(exhausted) => Self::Exhausted(*exhausted),
        }
    }
}

impl Machine for Backoff {
    const NAME: &'static str = "backoff";

    type Policy = BackoffPolicy;
    type State = BackoffState;
    type Op = Op;
    type Answer = Answer;
    type Id = NoId;

    own!(begin, restore, policy, state);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match op {
            Op::NextWait => Answer::asked(&self.next_wait(now_ns, rng)),
            Op::Reset => {
                self.reset();
                Answer::Reset
            }
            Op::Attempts => Answer::Attempts(self.attempts()),
        }
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        match answer {
            Answer::Wait(wait) => Some(Verdict::Waits {
                until_ns: wait.at_ns,
            }),
            Answer::Exhausted(exhausted) => Some(Verdict::Ended {
                // The core names them where a driver gives up by them.
                reason: GaveUpBy::Exhausted(*exhausted).name(),
            }),
            Answer::Reset | Answer::Attempts(_) => None,
        }
    }
}
