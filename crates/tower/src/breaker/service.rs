//! The service behind a breaker: when it is ready, and which calls it lets through.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::breaker::{Phase, Refused, Transitions};
use evenkeel_std::CallError;
use evenkeel_tokio::{SharedBreaker, Sleep, TokioClock};
use tower_service::Service;

use super::future::BreakerFuture;
use super::leave::{GuardLeave, KeptPlace, Plain};
use super::readiness::{Waiters, Waiting};
use crate::classify::{ByResult, Classify};

/// A service behind a breaker; made by [`BreakerLayer`](super::BreakerLayer). For readiness see the [module](super).
pub struct BreakerService<S, K = ByResult, C: Sleep + 'static = TokioClock> {
    inner: S,
    breaker: SharedBreaker<C>,
    classify: K,
    /// There where calls wait.
    waiters: Option<Waiters>,
    ready: Ready<C>,
}

/// What `poll_ready` has found.
enum Ready<C: Sleep + 'static> {
    /// Nothing, or that the breaker is closed.
    Plain,
    /// The call would be refused; the service was not asked.
    Shed(Refused),
    /// A place is kept for the call.
    Reserved(KeptPlace<C>),
    /// The breaker refuses.
    Waits(Pin<Box<Waiting<C>>>),
}

impl<S, K, C: Sleep + 'static> BreakerService<S, K, C> {
    pub(super) const fn new(
        inner: S,
        breaker: SharedBreaker<C>,
        classify: K,
        waiters: Option<Waiters>,
    ) -> Self {
        Self {
            inner,
            breaker,
            classify,
            waiters,
            ready: Ready::Plain,
        }
    }

    /// The breaker.
    pub const fn breaker(&self) -> &SharedBreaker<C> {
        &self.breaker
    }

    /// The service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// What was kept for a call that did not come is given back.
    fn give_back(&mut self) {
        if let Ready::Reserved(place) = mem::replace(&mut self.ready, Ready::Plain) {
            place.give_back();
        }
    }

    /// Nothing was found, and a closed breaker lets all through: a look at one word.
    #[inline]
    fn is_plain(&self) -> bool {
        matches!(self.ready, Ready::Plain) && self.breaker.phase() == Phase::Closed
    }

    /// Asks the breaker.
    fn take(&self) -> Result<GuardLeave<C>, Refused> {
        GuardLeave::take(&self.breaker, self.waiters.as_ref())
    }

    /// What `poll_ready` has found holds for the call, as far as it still can.
    fn take_as_readied(&mut self) -> Result<GuardLeave<C>, Refused> {
        match mem::replace(&mut self.ready, Ready::Plain) {
            // It may have been kept for too long: then what the breaker says now holds.
            Ready::Reserved(place) => match place.called(&self.breaker) {
                Some(leave) => Ok(leave),
                None => self.take(),
            },
            // It is counted; and it stays refused where the breaker would let it now, as the service was not readied.
            Ready::Shed(refused) => match self.take() {
                Ok(leave) => {
                    leave.give_back();
                    Err(refused)
                }
                Err(refused) => Err(refused),
            },
            Ready::Plain | Ready::Waits(_) => self.take(),
        }
    }

    /// Takes a place where there are few: a closed breaker has room for all.
    fn reserve(&mut self, waiters: &Waiters) -> Result<(), Refused> {
        let kept = mem::replace(&mut self.ready, Ready::Plain);
        if self.breaker.phase() == Phase::Closed {
            return Ok(());
        }
        let place = match kept {
            Ready::Reserved(place) => place.renew(&self.breaker, waiters)?,
            _ => KeptPlace::take(&self.breaker, waiters)?,
        };
        self.ready = Ready::Reserved(place);
        Ok(())
    }
}

impl<S, K, C: Sleep + 'static> BreakerService<S, K, C> {
    #[cold]
    fn call_if_let<Req>(&mut self, classify: K, request: Req) -> BreakerFuture<S::Future, K, C>
    where
        S: Service<Req>,
    {
        match self.take_as_readied() {
            Ok(leave) => BreakerFuture::calling(leave, classify, || self.inner.call(request)),
            Err(refused) => BreakerFuture::refused(refused),
        }
    }

    fn poll_refusing<Req>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>>
    where
        S: Service<Req>,
    {
        self.ready = Ready::Plain;
        if let Err(refusal) = self.breaker.peek() {
            let transitions = Transitions::NONE;
            self.ready = Ready::Shed(Refused {
                refusal,
                transitions,
            });
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx)
    }

    /// Asks the breaker twice: while it refuses, the service is left alone, and its time to become ready is not the
    /// probe's.
    fn poll_waiting<Req>(
        &mut self,
        waiters: &Waiters,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>>
    where
        S: Service<Req>,
    {
        loop {
            if let Ready::Waits(waiting) = &mut self.ready {
                ready!(waiting.as_mut().poll(cx));
                self.ready = Ready::Plain;
            }
            // Before it asks, so that nothing is missed between the two.
            let listening = waiters.listen();
            if let (Ready::Plain, Err(refusal)) = (&self.ready, self.breaker.peek()) {
                self.ready = Ready::Waits(listening.until(&self.breaker, refusal.retry_at_ns));
                continue;
            }
            let inner = self.inner.poll_ready(cx);
            if !matches!(inner, Poll::Ready(Ok(()))) {
                self.give_back();
                return inner;
            }
            match self.reserve(waiters) {
                Ok(()) => return inner,
                Err(no) => {
                    self.ready = Ready::Waits(listening.until(&self.breaker, no.retry_at_ns()));
                }
            }
        }
    }
}

impl<S, K, C, Req> Service<Req> for BreakerService<S, K, C>
where
    S: Service<Req>,
    K: Classify<S::Response, S::Error> + Clone,
    C: Sleep + 'static,
{
    type Response = S::Response;
    type Error = CallError<S::Error, Refused>;
    type Future = BreakerFuture<S::Future, K, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.is_plain() {
            return self.inner.poll_ready(cx).map_err(CallError::Failed);
        }
        let polled = match self.waiters.clone() {
            None => self.poll_refusing(cx),
            Some(waiters) => self.poll_waiting(&waiters, cx),
        };
        polled.map_err(CallError::Failed)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        // Before leave is taken, which a panic in it would take along: it is nobody's failure then.
        let classify = self.classify.clone();
        let plain = match self.ready {
            Ready::Plain => Plain::take(&self.breaker),
            _ => None,
        };
        match plain {
            Some(plain) => BreakerFuture::plain(plain, classify, || self.inner.call(request)),
            None => self.call_if_let(classify, request),
        }
    }
}

/// Another service behind the same breaker; it has to become ready by itself.
impl<S: Clone, K: Clone, C: Sleep + 'static> Clone for BreakerService<S, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            breaker: self.breaker.clone(),
            classify: self.classify.clone(),
            waiters: self.waiters.clone(),
            ready: Ready::Plain,
        }
    }
}

impl<S, K, C: Sleep + 'static> Drop for BreakerService<S, K, C> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<S: fmt::Debug, K, C: Sleep + 'static> fmt::Debug for BreakerService<S, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerService")
            .field("inner", &self.inner)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
