//! A recorded handle decides as one that is not.

use evenkeel_core::breaker::{BreakerPolicy, Mode, Outcome};
use evenkeel_core::random::{Rng, scaled};
use evenkeel_replay::journal::Journal;
use evenkeel_std::{Guard, SharedBreaker, Streams, TestClock};

use super::support::{millis, policies, verified};

const MODES: [Mode; 4] = [
    Mode::Normal,
    Mode::Observe,
    Mode::ForcedOpen,
    Mode::ForcedClosed,
];

/// A breaker and its clock, which nothing else has.
struct Alone {
    clock: TestClock,
    breaker: SharedBreaker<TestClock>,
    held: Vec<Guard<'static, TestClock>>,
}

impl Alone {
    fn new(policy: BreakerPolicy) -> Self {
        let clock = TestClock::new();
        let builder = SharedBreaker::builder(policy).clock(clock.clone());
        let builder = builder.count_all(true).streams(&Streams::seeded(9));
        Self {
            clock,
            breaker: builder.build(),
            held: Vec::new(),
        }
    }

    /// What this act was answered, and how the breaker stands after it.
    fn act(&mut self, act: u64, word: u64) -> String {
        let breaker = &self.breaker;
        let answer = match act {
            0..8 => match breaker.try_acquire_owned() {
                Ok(guard) => {
                    let told = (guard.generation(), guard.is_probe(), guard.would_refuse());
                    self.held.push(guard);
                    format!("{told:?}")
                }
                Err(refused) => format!("{refused:?}"),
            },
            8..18 if !self.held.is_empty() => {
                let at = scaled(word, self.held.len() as u64) as usize;
                let outcome = match act {
                    8..14 => Outcome::Success,
                    14..17 => Outcome::Failure,
                    _ => Outcome::Ignored,
                };
                let guard = self.held.swap_remove(at);
                format!("{:?}", guard.outcome_after(outcome, millis(act - 8)))
            }
            18 => format!("{:?}", breaker.set_mode(MODES[scaled(word, 4) as usize])),
            19..21 => format!("{:?}", breaker.set_mode(Mode::Normal)),
            21 => format!("{:?}", breaker.poll()),
            22 => format!("{:?}", breaker.reset()),
            _ => {
                self.clock.advance(millis(scaled(word, 15)));
                String::new()
            }
        };
        let (phase, stats, window) = (breaker.phase(), breaker.stats(), breaker.window());
        let deadline = breaker.next_deadline_ns();
        let failures = breaker.consecutive_failures();
        let opens = breaker.consecutive_opens();
        format!("{answer} {phase:?} {stats:?} {window:?} {deadline:?} {failures} {opens}")
    }
}

#[test]
fn a_breaker_that_is_recorded_now_and_then_answers_and_counts_as_one_that_never_is() {
    for policy in policies() {
        let (mut plain, mut recorded) = (Alone::new(policy), Alone::new(policy));
        let journal = Journal::in_memory();
        let mut stream = Streams::seeded(10).next();
        let mut opened = 0;
        for step in 0..20_000 {
            let (act, word) = (scaled(stream.next_u64(), 30), stream.next_u64());
            match scaled(stream.next_u64(), 50) {
                0 => recorded.breaker.record(&journal, "db"),
                1 => recorded.breaker.stop_recording(),
                _ => {}
            }
            let answers = [plain.act(act, word), recorded.act(act, word)];
            assert_eq!(answers[0], answers[1], "step {step}, act {act}");
            opened = plain.breaker.stats().opened;
        }
        assert!(opened > 10, "{opened}");
        assert!(verified(&journal).ops > 1_000);
    }
}
