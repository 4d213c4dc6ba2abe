//! checkout's clients: each call through a retry, which shares a breaker, a budget and a throttle with all others.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{Outcome, Phase};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::throttle::Throttled;
use evenkeel_tokio::journal::{Journal, RetryRecorder};
use evenkeel_tokio::{
    CallError, Classified, Clock, RetryEvent, SharedBreaker, SharedThrottle, SharedTokens, Streams,
    TokioClock, WaitCause, retry,
};

use super::policy::Policy;
use super::script::CHECKOUT;
use super::tally::Tally;
use super::wire::{Failure, Wire};

/// Why an attempt failed: it was not let out, or this is what came of it.
type AttemptError = CallError<Failure, Refusal<Throttled>>;

/// So long a recording goes on for a breaker that is about to close.
const OVERTIME: Duration = Duration::from_secs(10);

/// All calls to checkout go through this; a clone is the same.
#[derive(Clone)]
pub(crate) struct Checkout {
    wire: Wire,
    retry: RetryPolicy,
    calls: RetryRecorder,
    pub(crate) breaker: SharedBreaker,
    pub(crate) tokens: SharedTokens,
    throttle: SharedThrottle,
    clock: TokioClock,
    streams: Streams,
    tally: Arc<Tally>,
}

impl Checkout {
    /// Its machines, fresh, with the words of `seed`; all of them are recorded from their first call on.
    pub(crate) fn new(
        wire: Wire,
        policy: &Policy,
        seed: u64,
        tally: Arc<Tally>,
        journal: &Journal,
    ) -> Self {
        let clock = tally.clock;
        let streams = Streams::seeded(seed);
        let breaker = SharedBreaker::builder(policy.breaker);
        let breaker = breaker.clock(clock).streams(&streams).build();
        let tokens = SharedTokens::with_clock(policy.retry_tokens, clock);
        let throttle = SharedThrottle::with_clock(policy.adaptive_throttle, clock, &streams);
        let listener = Arc::clone(&tally);
        breaker.on_transition(move |made| listener.counted().transitions.push(made));
        breaker.record(journal, "checkout");
        tokens.record(journal, "budget");
        throttle.record(journal, "throttle");
        Self {
            wire,
            retry: policy.retry,
            calls: RetryRecorder::new(journal, "call"),
            breaker,
            tokens,
            throttle,
            clock,
            streams,
            tally,
        }
    }

    /// After the end of the script: the breaker is not closed yet, and may be within a few seconds. The recording goes
    /// on for it, because the end of the story is what it is for.
    pub(crate) fn closes_soon(&self, script_end: Duration) -> bool {
        let last_ns = (script_end + OVERTIME).as_nanos() as u64;
        let next_ns = self.breaker.next_deadline_ns();
        self.breaker.phase() != Phase::Closed
            && self.clock.now_ns().max(next_ns.unwrap_or(0)) < last_ns
    }

    /// One operation.
    ///
    /// The retry asks its breaker before each attempt: what that refuses never counts as a request of the throttle,
    /// which is to know what the service makes of those that go out. The budget is asked only once a retry is due.
    pub(crate) async fn call(self) {
        let phase = self.tally.phase();
        let answer = retry(&self.retry, |_| self.attempt(phase))
            .classify(classified)
            .breaker(&self.breaker)
            .budget(&self.tokens)
            .on_retry(|event| self.waits(phase, event))
            .clock(self.clock)
            .streams(&self.streams)
            .record(&self.calls)
            .await;
        self.tally
            .ended(phase, answer.err().map(|error| error.end()));
    }

    async fn attempt(&self, phase: usize) -> Result<(), AttemptError> {
        let request = async {
            let _out = self.tally.attempt();
            self.wire.get(CHECKOUT).await
        };
        let accepted =
            |answer: &Result<(), Failure>| answer.map_or_else(Failure::accepted, |()| true);
        let answer = self.throttle.call_with(accepted, request).await;
        if let Err(CallError::Refused(_)) = answer {
            self.tally.count(phase, |counts| counts.throttled += 1);
        }
        answer
    }

    fn waits(&self, phase: usize, event: &RetryEvent<'_, AttemptError>) {
        match (event.cause(), event.error()) {
            (WaitCause::Failed, Some(CallError::Failed(failure))) if failure.advised() => {
                self.tally.counted().advised_waits += 1;
            }
            (WaitCause::Refused, _) => self.tally.count(phase, |counts| counts.refused += 1),
            _ => {}
        }
    }
}

/// What an attempt's end means for the retry and its breaker.
fn classified(error: &AttemptError) -> Classified {
    match error {
        // It never went out: it may do better after a wait, and says nothing of the service.
        CallError::Refused(_) => Classified::throttled().breaker(Outcome::Ignored),
        CallError::Failed(failure) => failure.classified(),
    }
}
