//! What another policy would have done: two runs over one journal, side by side.
//!
//! Both runs hear the same world. Calls that only the outside can make stay where they are: asks, an operator's
//! commands, queries. What follows from an answer follows from the other answer too:
//!
//! - A report of what the second run has refused is skipped, and counted as [`skipped`](Compared::skipped).
//! - What only the second run admits ends in a way that nobody knows: it is reported at once, as [`Assumed`] says (as
//!   counting for nothing, well, or badly), and counted as [`unknown`](Compared::unknown). [`Assumed::Success`] and
//!   [`Assumed::Failure`] give the best and the worst that may have come of it.
//! - A driver is polled when the recorded one was. It is polled besides at its own deadlines, wherever the recorded one
//!   had none, and after each report that it hears at another time.
//! - What a driver begins is matched with what the recorded one began, one by one in order, and the reports keep their
//!   distance from the begin: an attempt that begins a second later fails a second later.
//! - What was abandoned and not reported is taken as never answered, however long the other policy waits.
//! - Words that a call draws are the recorded ones, then those of a generator, one for each machine.
//!
//! So recorded outcomes are taken as independent of what was admitted, which is the weakness of every what-if: a server
//! that was kept from drowning would have answered better than the one that was recorded.

mod agenda;
mod compare;
mod driver;
mod ids;
mod recorded;
mod result;
mod run;
mod start;
mod steps;
mod tally;

pub(crate) use recorded::begins_anew;
pub use result::{Bucket, Changed, Compared, First, MAX_CHANGES, Start, Tally, WhatIf};
pub use start::Policies;

use crate::any::{Kind, Unusable};
use crate::journal::Loaded;
use crate::machine::Assumed;

/// Why there is no answer to a what-if.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The journal is not what its machines do: what another policy makes of it would mean nothing.
    #[error("line {line} does not verify: {reason}")]
    NotVerified {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A given policy is none of this kind.
    #[error("machine {id}, a {}: {source}", kind.name())]
    Policy {
        /// The machine for which it was given.
        id: u64,
        /// Its kind.
        kind: Kind,
        /// What is wrong with it.
        source: Unusable,
    },
}

/// Runs a journal with the recorded policies and with these in their place, and compares. Calls that only these let
/// through are taken to end as `assumed` says. The same seed gives the same answer. A journal with damage is compared up
/// to the damage.
///
/// # Errors
///
/// A journal that does not verify, or a policy that is none.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
/// use evenkeel_replay::any::{AnyAnswer, AnyMachine, AnyOp, Kind};
/// use evenkeel_replay::breaker::Op;
/// use evenkeel_replay::journal::{Entry, Header, Loaded};
/// use evenkeel_replay::what_if::{Policies, what_if};
/// use evenkeel_replay::{Assumed, Machine, words::Recording};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let policy = |failures| {
///     let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
///     let policy = BreakerPolicy::builder(open, Duration::from_secs(5));
///     policy.trigger(Trigger::Consecutive { failures }).build()
/// };
///
/// // Three calls fail, one after the other. It takes five to open the breaker.
/// let mut breaker = Breaker::new(policy(5)?);
/// let (policy_of, state) = (serde_json::to_string(breaker.policy())?, serde_json::to_string(&breaker.state())?);
/// let mut loaded = Loaded { headers: vec![Header::new(Kind::Breaker, 0, policy_of, state)], ..Loaded::default() };
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let mut call = |t_ns, op: Op| {
///     let mut rng = Recording::new(&mut rng);
///     let answer = breaker.apply(t_ns, &op, &mut rng);
///     let (op, words) = (AnyOp::Breaker(op), rng.into_words());
///     loaded.entries.push(Entry { line: 1, id: 0, t_ns, op, words, answer: AnyAnswer::Breaker(answer.clone()) });
///     Breaker::given(&Op::TryAcquire, &answer)
/// };
/// for t_ns in [10, 20, 30] {
///     let permit = call(t_ns, Op::TryAcquire).ok_or("refused")?;
///     call(t_ns + 5, Op::OnOutcome { permit, outcome: Outcome::Failure, latency_ns: 5 });
/// }
///
/// // What if two had been enough?
/// let policies = Policies::new().of_kind(Kind::Breaker, serde_json::to_string(&policy(2)?)?);
/// let compared = &what_if(&loaded, &policies, Assumed::Ignored, 1)?.machines[0];
/// assert_eq!((compared.before.admitted, compared.after.admitted), (3, 2));
/// assert_eq!((compared.after.refused["open"], compared.after.changes["consecutive"]), (1, 1));
/// assert_eq!(compared.skipped, 1); // the report of the third call
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn what_if(
    loaded: &Loaded,
    policies: &Policies,
    assumed: Assumed,
    seed: u64,
) -> Result<WhatIf, WhatIfError> {
    run::Run::new(loaded, policies, assumed, seed).finish()
}
