//! From failsafe: a breaker around a blocking call.

use super::Server;

mod before {
    use std::time::Duration;

    use failsafe::{CircuitBreaker, Config, Error, backoff, failure_policy};

    use crate::Server;

    pub(super) fn breaker() -> impl CircuitBreaker {
        let open = backoff::equal_jittered(Duration::from_secs(10), Duration::from_secs(300));
        let policy = failure_policy::consecutive_failures(5, open);
        Config::new().failure_policy(policy).build()
    }

    pub(super) fn fetch(breaker: &impl CircuitBreaker, server: &Server) -> &'static str {
        match breaker.call(|| server.fetch_blocking()) {
            Ok(_page) => "ok",
            Err(Error::Inner(_error)) => "failed",
            Err(Error::Rejected) => "refused",
        }
    }
}

mod after {
    use std::time::Duration;

    use evenkeel_core::ConfigError;
    use evenkeel_core::backoff::BackoffPolicy;
    use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    use evenkeel_std::{CallError, SharedBreaker};

    use crate::Server;

    pub(super) fn breaker() -> Result<SharedBreaker, ConfigError> {
        // An open wait has equal jitter unless told otherwise. The second span is how long a probe may take.
        let open = BackoffPolicy::builder(Duration::from_secs(10)).cap(Duration::from_secs(300));
        let policy = BreakerPolicy::builder(open, Duration::from_secs(30))
            .trigger(Trigger::Consecutive { failures: 5 })
            .build()?;
        Ok(SharedBreaker::new(policy))
    }

    pub(super) fn fetch(breaker: &SharedBreaker, server: &Server) -> &'static str {
        match breaker.call(|| server.fetch_blocking()) {
            Ok(_page) => "ok",
            Err(CallError::Failed(_error)) => "failed",
            Err(CallError::Refused(_refused)) => "refused", // `.retry_at_ns()` says until when
        }
    }
}

#[test]
fn the_sixth_call_is_refused() -> Result<(), evenkeel_core::ConfigError> {
    let server = Server::failing(u32::MAX);
    let (before, after) = (before::breaker(), after::breaker()?);
    let expected = [
        "failed", "failed", "failed", "failed", "failed", "refused", "refused",
    ];
    assert_eq!(expected.map(|_| before::fetch(&before, &server)), expected);
    assert_eq!(expected.map(|_| after::fetch(&after, &server)), expected);
    assert_eq!(server.calls.get(), 10);

    let well = Server::failing(0);
    assert_eq!(before::fetch(&before::breaker(), &well), "ok");
    assert_eq!(after::fetch(&after::breaker()?, &well), "ok");
    Ok(())
}
