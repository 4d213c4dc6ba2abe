//! From tower's retry: a policy of one's own becomes one that is there.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use tower::{Service, ServiceExt, service_fn};

mod before {
    use std::error::Error;
    use std::sync::Arc;
    use std::time::Duration;

    use tower::retry::backoff::{
        Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff,
    };
    use tower::retry::budget::{Budget, TpsBudget};
    use tower::retry::{Policy, RetryLayer};
    use tower::util::rng::HasherRng;
    use tower::{Layer, Service};

    #[derive(Clone)]
    struct Retries {
        left: u32,
        budget: Arc<TpsBudget>,
        backoff: ExponentialBackoff,
    }

    impl<Req: Clone, Res, E> Policy<Req, Res, E> for Retries {
        type Future = tokio::time::Sleep;

        fn retry(&mut self, _: &mut Req, result: &mut Result<Res, E>) -> Option<Self::Future> {
            if result.is_ok() {
                self.budget.deposit();
                return None;
            }
            if self.left == 0 || !self.budget.withdraw() {
                return None;
            }
            self.left -= 1;
            Some(self.backoff.next_backoff())
        }

        fn clone_request(&mut self, request: &Req) -> Option<Req> {
            Some(request.clone())
        }
    }

    pub(super) fn retrying<S>(
        service: S,
    ) -> Result<impl Service<String, Response = S::Response, Error = S::Error>, Box<dyn Error>>
    where
        S: Service<String> + Clone,
    {
        let rng = HasherRng::default();
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(5));
        let retries = Retries {
            left: 3,
            budget: Arc::new(TpsBudget::default()),
            backoff: ExponentialBackoffMaker::new(least, most, 0.99, rng)?.make_backoff(),
        };
        Ok(RetryLayer::new(retries).layer(service))
    }
}

mod after {
    use std::time::Duration;

    use evenkeel_core::backoff::BackoffPolicy;
    use evenkeel_core::budget::RetryRatioPolicy;
    use evenkeel_core::retry::RetryPolicy;
    use evenkeel_core::{ConfigError, Ratio};
    use evenkeel_tower::{AnyRequest, RetryLayer, SharedRatio};
    use tower::{Layer, Service};

    pub(super) fn retrying<S, E>(
        service: S,
    ) -> Result<impl Service<String, Response = S::Response>, ConfigError>
    where
        S: Service<String, Error = E> + Clone,
        E: std::error::Error + 'static,
    {
        let backoff =
            BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
        let policy = RetryPolicy::builder(backoff).max_attempts(4).build()?;
        // Of the requests of 10 s, and 10 a second on top: `TpsBudget`'s defaults, and ours.
        let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);

        // In the place of `AnyRequest`: `IdempotentMethods`, or a closure that says which may be sent again.
        let retries = RetryLayer::new(&policy, AnyRequest).budget(&budget);
        Ok(retries.layer(service))
    }
}

/// How often a service is called that fails so often, and whether the caller gets an answer.
async fn called<S: Service<String>>(failures: u32, calls: &AtomicU32, service: S) -> (u32, bool) {
    calls.store(0, Ordering::Relaxed);
    FAILURES.store(failures, Ordering::Relaxed);
    let is_ok = service.oneshot("hello".into()).await.is_ok();
    (calls.load(Ordering::Relaxed), is_ok)
}

static CALLS: AtomicU32 = AtomicU32::new(0);
static FAILURES: AtomicU32 = AtomicU32::new(0);

async fn answer(request: String) -> Result<String, std::io::Error> {
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    if call < FAILURES.load(Ordering::Relaxed) {
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    Ok(request)
}

#[tokio::test(start_paused = true)]
async fn three_retries_are_four_calls() -> Result<(), Box<dyn Error>> {
    for (failures, expected) in [(0, (1, true)), (3, (4, true)), (9, (4, false))] {
        let before = before::retrying(service_fn(answer))?;
        assert_eq!(called(failures, &CALLS, before).await, expected);
        let after = after::retrying(service_fn(answer))?;
        assert_eq!(called(failures, &CALLS, after).await, expected);
    }
    Ok(())
}
