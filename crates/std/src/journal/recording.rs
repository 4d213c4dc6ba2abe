//! How an operation is recorded: where its calls go, and how its breaker and budget are lent for one.

use std::fmt;

use evenkeel_core::breaker::Transitions;
use evenkeel_core::retry::{Retry, RetryPolicy};
use evenkeel_replay::Recorder;
use evenkeel_replay::journal::Journal;
use evenkeel_replay::retry::RecordedParts;

use super::lend::{Held, LendBreaker, LendBudget, Part};
use super::retry_recorder::RetryRecorder;
use crate::driver::Lent;

/// How operations with these breakers and budgets are recorded: what `.record(&calls)` of a retry makes of a
/// [`RetryRecorder`]. For those who keep it where the breaker's type is no longer known to be one that can be recorded.
///
/// ```
/// use evenkeel_std::journal::{Journal, Recording, RetryRecorder};
/// use evenkeel_std::{SharedBreaker, SharedTokens};
///
/// let calls = RetryRecorder::new(&Journal::in_memory(), "checkout-call");
/// let recording: Recording<SharedBreaker, SharedTokens> = (&calls).into();
/// # let _ = recording;
/// ```
pub struct Recording<B, G> {
    calls: RetryRecorder,
    lend: Lend<B, G>,
}

/// A function pointer: only who makes it must know that both can be lent.
type Lend<B, G> = fn(&mut Lent<B, G>, &Journal, u64, &mut Held, &mut Step<'_>);

type Step<'a> = dyn FnMut(&mut RecordedParts<'_>) -> Transitions + 'a;

impl<B: LendBreaker, G: LendBudget> From<&RetryRecorder> for Recording<B, G> {
    fn from(calls: &RetryRecorder) -> Self {
        Self {
            calls: calls.clone(),
            lend,
        }
    }
}

impl<B, G> From<&Self> for Recording<B, G> {
    fn from(recording: &Self) -> Self {
        recording.clone()
    }
}

impl<B, G> Recording<B, G> {
    /// The recorder of an operation that begins, unless something that it is lent is not recorded in the same journal.
    pub(crate) fn begin(
        &self,
        policy: &RetryPolicy,
        now_ns: u64,
        lent: &mut Lent<B, G>,
    ) -> Option<Recorded<B, G>> {
        let (mut held, mut is_lent) = (Held::default(), false);
        (self.lend)(lent, self.calls.journal(), now_ns, &mut held, &mut |_| {
            is_lent = true;
            Transitions::NONE
        });
        if !is_lent {
            self.calls.miss();
            return None;
        }
        Some(Recorded {
            retry: Some(self.calls.begin(policy, now_ns)),
            recording: self.clone(),
            held,
        })
    }
}

/// Breaker first, then budget: whoever needs both locks takes them in this order.
fn lend<B: LendBreaker, G: LendBudget>(
    lent: &mut Lent<B, G>,
    to: &Journal,
    now_ns: u64,
    held: &mut Held,
    step: &mut Step<'_>,
) {
    let Lent { breaker, budget } = lent;
    match breaker {
        Some(breaker) => breaker.lend(to, now_ns, held, &mut |gate| {
            with_budget(budget.as_mut(), to, Some(gate), step)
        }),
        None => drop(with_budget(budget.as_mut(), to, None, step)),
    }
}

fn with_budget<G: LendBudget>(
    budget: Option<&mut G>,
    to: &Journal,
    mut gate: Option<&mut dyn Part>,
    step: &mut Step<'_>,
) -> Transitions {
    let mut made = Transitions::NONE;
    let mut with = |budget: Option<&mut dyn Part>| {
        let parts = RecordedParts::none();
        let parts = match &mut gate {
            Some(gate) => gate.add_to(parts),
            None => parts,
        };
        let mut parts = match budget {
            Some(budget) => budget.add_to(parts),
            None => parts,
        };
        made = step(&mut parts);
    };
    match budget {
        Some(budget) => budget.lend(to, &mut |budget| with(Some(budget))),
        None => with(None),
    }
    made
}

impl<B, G> Clone for Recording<B, G> {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls.clone(),
            lend: self.lend,
        }
    }
}

impl<B, G> fmt::Debug for Recording<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recording").field(&self.calls).finish()
    }
}

/// An operation that is recorded.
pub(crate) struct Recorded<B, G> {
    /// There until the drop.
    retry: Option<Recorder<Retry>>,
    recording: Recording<B, G>,
    held: Held,
}

impl<B, G> Recorded<B, G> {
    pub(crate) fn retry(&self) -> &Retry {
        self.retry.as_ref().expect("there until the drop")
    }

    /// One call, with all that it is lent. `None` where something is no longer recorded in the same journal: then
    /// nothing was called.
    pub(crate) fn step<A>(
        &mut self,
        now_ns: u64,
        lent: &mut Lent<B, G>,
        mut call: impl FnMut(&mut Recorder<Retry>, &mut RecordedParts<'_>) -> (A, Transitions),
    ) -> Option<A> {
        let retry = self.retry.as_mut()?;
        let calls = &self.recording.calls;
        let mut answer = None;
        let step = &mut |parts: &mut RecordedParts<'_>| {
            let (given, made) = call(retry, parts);
            answer = Some(given);
            made
        };
        (self.recording.lend)(lent, calls.journal(), now_ns, &mut self.held, step);
        if answer.is_none() {
            calls.miss();
        }
        answer
    }
}

/// The next operation goes on with its recorder, if this one is over.
impl<B, G> Drop for Recorded<B, G> {
    fn drop(&mut self) {
        if let Some(retry) = self.retry.take().filter(|retry| retry.end().is_some()) {
            self.recording.calls.put_back(retry);
        }
    }
}
