//! What the tests share: those of evenkeel-tokio's support, and services that answer by a script.
#![allow(dead_code, reason = "no test uses all of it")]

#[path = "../../../tokio/tests/support/mod.rs"]
mod calls;
pub(crate) mod peers;

use std::collections::VecDeque;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tower::Service;

#[allow(unused_imports, reason = "no test uses all of it")]
pub(crate) use calls::{
    After, Steps, after, at_every_poll, breaker_on, ms, ns_of, opens_after, plain_backoff,
    plain_retry, poll_times, ten_tokens,
};

/// Answers by a script, at once; counts its calls and insists on tower's rules.
#[derive(Debug)]
pub(crate) struct Scripted<Res, Err> {
    script: Arc<Mutex<Script<Res, Err>>>,
    is_ready: bool,
}

#[derive(Debug)]
struct Script<Res, Err> {
    answers: VecDeque<Result<Res, Err>>,
    calls: u32,
    readied: u32,
}

pub(crate) fn scripted<Res, Err>(
    answers: impl IntoIterator<Item = Result<Res, Err>>,
) -> Scripted<Res, Err> {
    let answers = answers.into_iter().collect();
    let script = Script {
        answers,
        calls: 0,
        readied: 0,
    };
    Scripted {
        script: Arc::new(Mutex::new(script)),
        is_ready: false,
    }
}

impl<Res, Err> Scripted<Res, Err> {
    fn with<A>(&self, look: impl FnOnce(&mut Script<Res, Err>) -> A) -> A {
        look(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn calls(&self) -> u32 {
        self.with(|script| script.calls)
    }

    pub(crate) fn readied(&self) -> u32 {
        self.with(|script| script.readied)
    }
}

/// A clone of a ready service is not ready.
impl<Res, Err> Clone for Scripted<Res, Err> {
    fn clone(&self) -> Self {
        Self {
            script: Arc::clone(&self.script),
            is_ready: false,
        }
    }
}

impl<Req, Res, Err> Service<Req> for Scripted<Res, Err> {
    type Response = Res;
    type Error = Err;
    type Future = Ready<Result<Res, Err>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Err>> {
        self.is_ready = true;
        self.with(|script| script.readied += 1);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Req) -> Self::Future {
        assert!(
            std::mem::take(&mut self.is_ready),
            "called without having been ready"
        );
        ready(self.with(|script| {
            script.calls += 1;
            script.answers.pop_front().expect("the script is over")
        }))
    }
}

/// The output of a future that is ready at once.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is not ready"),
    }
}

/// Makes the service ready, at once, and calls it.
pub(crate) fn call<S: Service<Req>, Req>(service: &mut S, request: Req) -> S::Future {
    let mut cx = Context::from_waker(Waker::noop());
    match service.poll_ready(&mut cx) {
        Poll::Ready(Ok(())) => service.call(request),
        Poll::Ready(Err(_)) => panic!("it failed to become ready"),
        Poll::Pending => panic!("it is not ready"),
    }
}
