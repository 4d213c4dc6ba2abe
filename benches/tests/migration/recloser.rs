//! From recloser: a breaker by the failure rate of the last calls.

use super::Server;

mod before {
    use std::time::Duration;

    use recloser::{Error, Recloser};

    use crate::Server;

    pub(super) fn breaker() -> Recloser {
        Recloser::custom()
            .error_rate(0.5)
            .closed_len(100)
            .half_open_len(10)
            .open_wait(Duration::from_secs(30))
            .build()
    }

    pub(super) fn fetch(breaker: &Recloser, server: &Server) -> &'static str {
        match breaker.call(|| server.fetch_blocking()) {
            Ok(_page) => "ok",
            Err(Error::Inner(_error)) => "failed",
            Err(Error::Rejected) => "refused",
        }
    }
}

mod after {
    use std::time::Duration;

    use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
    use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
    use evenkeel_core::{ConfigError, Ratio};
    use evenkeel_std::{CallError, SharedBreaker};

    use crate::Server;

    pub(super) fn breaker() -> Result<SharedBreaker, ConfigError> {
        let open = BackoffPolicy::builder(Duration::from_secs(30))
            .growth(Growth::Constant) // leave out both, and it grows, jittered, up to a `.cap(..)`
            .jitter(Jitter::None);
        let policy = BreakerPolicy::builder(open, Duration::from_secs(30))
            .window(Window::Count { calls: 100 })
            .trigger(Trigger::FailureRate {
                at_least: Ratio::percent(50),
                min_calls: 100, // theirs judges nothing before its ring is full; 20 would be soon enough
            })
            .max_in_flight(10)
            .trials(10)
            .successes(6)
            .build()?;
        Ok(SharedBreaker::new(policy))
    }

    pub(super) fn fetch(breaker: &SharedBreaker, server: &Server) -> &'static str {
        match breaker.call(|| server.fetch_blocking()) {
            Ok(_page) => "ok",
            Err(CallError::Failed(_error)) => "failed",
            Err(CallError::Refused(_refused)) => "refused",
        }
    }
}

/// How many calls fail until one is refused.
fn until_refused(mut fetch: impl FnMut() -> &'static str) -> usize {
    (0..1_000).take_while(|_| fetch() == "failed").count()
}

#[test]
fn it_opens_when_the_ring_is_full() -> Result<(), evenkeel_core::ConfigError> {
    let server = Server::failing(u32::MAX);
    let (before, after) = (before::breaker(), after::breaker()?);
    // Theirs sees that the ring is full with the call after it.
    assert_eq!(until_refused(|| before::fetch(&before, &server)), 101);
    assert_eq!(until_refused(|| after::fetch(&after, &server)), 100);
    Ok(())
}
