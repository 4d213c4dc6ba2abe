//! One attempt: a service is made ready, called, and its answer judged.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::Attempt;
use evenkeel_tokio::retry::MakeAttempt;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::failed::Failed;
use super::replay::Replay;
use crate::classify::Classify;

/// What sends one request, as often as the policy allows.
pub(super) struct Sender<S, Req, R, K> {
    service: S,
    /// Found ready by `poll_ready`, and not called since.
    is_ready: bool,
    /// Taken by the last attempt.
    request: Option<Req>,
    /// The number of the last attempt that may be made.
    last: u32,
    replay: R,
    classify: K,
}

impl<S, Req, R, K> Sender<S, Req, R, K> {
    pub(super) fn new(
        (service, is_ready): (S, bool),
        request: Req,
        policy: &RetryPolicy,
        replay: R,
        classify: K,
    ) -> Self {
        let by_backoff = policy.backoff().max_retries();
        let by_backoff = by_backoff.map(|retries| retries.saturating_add(1));
        Self {
            service,
            is_ready,
            request: Some(request),
            last: policy.max_attempts().or(by_backoff).unwrap_or(u32::MAX),
            replay,
            classify,
        }
    }
}

impl<S, Req, R, K> Sender<S, Req, R, K>
where
    R: Replay<Req>,
{
    fn request(&mut self, attempt: Attempt) -> Req {
        let last = attempt.number() >= self.last;
        let mut request = match &self.request {
            Some(request) if !last => self.replay.copy(request),
            _ => self.request.take().expect("no attempt follows the last"),
        };
        self.replay.on_attempt(&mut request, attempt);
        request
    }
}

impl<S, Req, R, K> MakeAttempt<Attempting<S, Req, K>> for Sender<S, Req, R, K>
where
    S: Service<Req> + Clone,
    R: Replay<Req>,
    K: Classify<S::Response, S::Error> + Clone,
{
    fn make(&mut self, attempt: Attempt) -> Attempting<S, Req, K> {
        let request = self.request(attempt);
        let stage = if mem::take(&mut self.is_ready) {
            let future = self.service.call(request);
            Stage::Calling { future }
        } else {
            Stage::Readying {
                service: self.service.clone(),
                request: Some(request),
            }
        };
        let classify = self.classify.clone();
        Attempting { classify, stage }
    }

    /// A service that is ready may hold a slot, which nobody needs until the wait is over. Its clone holds none.
    fn waits(&mut self) {
        if mem::take(&mut self.is_ready) {
            self.service = self.service.clone();
        }
    }

    /// An answer that was a failure.
    fn forget(&mut self, last: &mut Option<<Attempting<S, Req, K> as Future>::Output>) {
        let is_answer = |failed: &Failed<_, _>| failed.answer().is_some();
        if last
            .as_ref()
            .is_some_and(|last| last.as_ref().is_err_and(is_answer))
        {
            *last = None;
        }
    }
}

pin_project! {
    pub(super) struct Attempting<S, Req, K>
    where
        S: Service<Req>,
    {
        classify: K,
        #[pin]
        stage: Stage<S, Req>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<S, Req>
    where
        S: Service<Req>,
    {
        Readying {
            service: S,
            request: Option<Req>,
        },
        Calling {
            #[pin]
            future: S::Future,
        },
    }
}

impl<S, Req, K> Attempting<S, Req, K>
where
    S: Service<Req>,
    K: Classify<S::Response, S::Error>,
{
    fn judged(
        classify: &K,
        result: Result<S::Response, S::Error>,
    ) -> Result<S::Response, Failed<S::Response, S::Error>> {
        let Some(classified) = classify.classify(result.as_ref()) else {
            // An error that is a success to the classifier ends the operation, and the breaker hears of a success.
            let answered = evenkeel_std::Classified::permanent();
            return result.map_err(|error| Failed::new(Err(error), answered));
        };
        Err(Failed::new(result, classified))
    }
}

impl<S, Req, K> Future for Attempting<S, Req, K>
where
    S: Service<Req>,
    K: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, Failed<S::Response, S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let called = match this.stage.as_mut().project() {
                StageProjected::Calling { future } => {
                    let result = ready!(future.poll(cx));
                    return Poll::Ready(Self::judged(this.classify, result));
                }
                StageProjected::Readying { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(Self::judged(this.classify, Err(error)));
                    }
                    service.call(request.take().expect("it is called once"))
                }
            };
            this.stage.set(Stage::Calling { future: called });
        }
    }
}
