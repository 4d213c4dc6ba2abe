//! The policies of a crowd, and what they promise: how soon it is back, and how much it asks at most meanwhile. The
//! bounds of the tests come from here.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::{ConfigError, Ratio};

/// How each client of a crowd behaves.
#[derive(Clone, Copy)]
pub(crate) struct Policies {
    pub(crate) link: ReconnectPolicy,
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    /// Between the end of a request and the next.
    pub(crate) pace: Duration,
    /// Between an answer to a ping and the next.
    pub(crate) heartbeat: Duration,
}

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

impl Policies {
    /// 300 ms an attempt; twenty failures in a row open the breaker, and a link is lost after 800 ms of silence.
    pub(crate) fn new() -> Result<Self, ConfigError> {
        let waits = BackoffPolicy::builder(ms(200))
            .cap(ms(1_000))
            .jitter(Jitter::Equal);
        let retries = BackoffPolicy::builder(ms(20)).cap(ms(100));
        let open = BackoffPolicy::builder(ms(200))
            .cap(ms(800))
            .jitter(Jitter::Equal);
        Ok(Self {
            link: ReconnectPolicy::builder(waits, ms(400))
                .silence_limit(ms(800))
                .build()?,
            retry: RetryPolicy::builder(retries)
                .attempt_timeout(ms(300))
                .deadline(ms(2_000))
                .build()?,
            breaker: BreakerPolicy::builder(open, ms(500))
                .trigger(Trigger::Consecutive { failures: 20 })
                .trials(3)
                .max_in_flight(2)
                .ramp(ms(500))
                .build()?,
            pace: ms(200),
            heartbeat: ms(150),
        })
    }

    /// An attempt may take long, and is slow from 200 ms on: what opens the breaker is a rate of slow answers.
    pub(crate) fn patient() -> Result<Self, ConfigError> {
        let policies = Self::new()?;
        let slow = Trigger::SlowRate {
            slower_than: ms(200),
            at_least: Ratio::percent(50),
            min_calls: 20,
        };
        let open = BackoffPolicy::builder(ms(200))
            .cap(ms(800))
            .jitter(Jitter::Equal);
        let retry = RetryPolicy::builder(*policies.retry.backoff());
        Ok(Self {
            link: ReconnectPolicy::builder(*policies.link.backoff(), ms(400))
                .silence_limit(ms(4_000))
                .build()?,
            retry: retry
                .attempt_timeout(ms(3_000))
                .deadline(ms(6_000))
                .build()?,
            breaker: BreakerPolicy::builder(open, ms(3_500))
                .trigger(slow)
                .window(Window::Count { calls: 40 })
                .build()?,
            ..policies
        })
    }

    /// From the server's first answer to the last link: a try that began before it may have to time out, then comes
    /// the longest wait, then a try that succeeds.
    pub(crate) fn links_back_within(&self) -> Duration {
        longest(self.link.backoff()) + 2 * self.link.connect_timeout()
    }

    /// From the server's first answer to the first success: when all links stand, a probe may still be out that fails;
    /// then comes the longest time that the breaker stays open, then the next request.
    pub(crate) fn success_within(&self) -> Duration {
        let attempt = self.attempt_timeout();
        self.links_back_within() + attempt + longest(self.breaker.open()) + self.pace + attempt
    }

    /// From the fault to the open breaker, if nobody answers: each client has begun a request after its pace, and each
    /// of them has failed after its time; one round of all clients is enough for the trigger.
    pub(crate) fn opens_within(&self) -> Duration {
        self.pace + self.attempt_timeout()
    }

    /// The most tries to connect that one client makes in a second, if none makes a link and it has been without one
    /// for `outage` before.
    pub(crate) fn connects_a_second(&self, outage: Duration) -> u64 {
        // The waits that are over by then even if each was the longest and each try took its whole time.
        let (mut waits, mut span) = (0, Duration::ZERO);
        while span <= outage {
            waits += 1;
            span += self.link.backoff().range(waits).1 + self.link.connect_timeout();
        }
        1 + self.tries(waits, Duration::ZERO, Duration::from_secs(1))
    }

    /// The most tries that one client makes while connections hang for `span`: the first after the first wait.
    pub(crate) fn connects_into_the_void(&self, span: Duration) -> u64 {
        self.tries(1, self.link.connect_timeout(), span)
    }

    /// How many tries there can be in `span`, if it begins with the wait of this number, each wait is the shortest, and
    /// each try takes so long.
    fn tries(&self, first_wait: u32, try_takes: Duration, span: Duration) -> u64 {
        let (mut tries, mut at) = (0, Duration::ZERO);
        for wait in first_wait.. {
            at += self.link.backoff().range(wait).0;
            if at > span {
                break;
            }
            tries += 1;
            at += try_takes;
        }
        tries
    }

    /// The most attempts that an open breaker lets through in `span` if all of them fail.
    pub(crate) fn probes(&self, span: Duration) -> u64 {
        let shortest = self.breaker.open().range(1).0;
        let phases = 1 + (span.as_nanos() / shortest.as_nanos()) as u64;
        phases * u64::from(self.breaker.max_in_flight())
    }

    /// From the first answers in time to the closed breaker that slow ones have opened: the longest time that it stays
    /// open, and then the trial.
    pub(crate) fn closes_within(&self) -> Duration {
        longest(self.breaker.open()) + self.pace + self.attempt_timeout()
    }

    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.retry.attempt_timeout().expect("the policies have one")
    }
}

/// A promise is of the policy's own waits; the machine that runs the test may be late by as much again.
pub(crate) fn and_slack(promise: Duration) -> Duration {
    2 * promise
}

fn longest(backoff: &BackoffPolicy) -> Duration {
    backoff.cap().expect("the policies have one")
}
