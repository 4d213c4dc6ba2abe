//! The response of a service behind a breaker.

use std::convert::identity;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::breaker::Refused;
use evenkeel_std::{CallError, Clock};
use pin_project_lite::pin_project;

use super::leave::{BreakerLeave, GuardLeave, Plain};
use crate::classify::Classify;
use crate::guarded::Guarded;

pin_project! {
    /// The response of a [`BreakerService`](super::BreakerService), without a box.
    ///
    /// **Cancel safe.** Dropped before its end it reports that the call was given up, after the call itself was
    /// dropped.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct BreakerFuture<F, K, C>
    where
        C: Clock,
        C: 'static,
    {
        #[pin]
        guarded: Guarded<F, BreakerLeave<C>, K>,
    }
}

impl<F, K, C: Clock + 'static> BreakerFuture<F, K, C> {
    pub(super) const fn refused(refused: Refused) -> Self {
        let guarded = Guarded::refused(refused);
        Self { guarded }
    }

    /// Everybody is let through.
    #[inline(always)]
    pub(super) fn plain(plain: Plain<'_, C>, classify: K, call: impl FnOnce() -> F) -> Self {
        let guarded = Guarded::calling(plain, BreakerLeave::from, classify, call);
        Self { guarded }
    }

    pub(super) fn calling(leave: GuardLeave<C>, classify: K, call: impl FnOnce() -> F) -> Self {
        let leave = BreakerLeave::Guard(Some(leave));
        let guarded = Guarded::calling(leave, identity, classify, call);
        Self { guarded }
    }
}

impl<F, K, C, Res, Err> Future for BreakerFuture<F, K, C>
where
    F: Future<Output = Result<Res, Err>>,
    K: Classify<Res, Err>,
    C: Clock + 'static,
{
    type Output = Result<Res, CallError<Err, Refused>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx)
    }
}

impl<F, K, C: Clock + 'static> fmt::Debug for BreakerFuture<F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut future = f.debug_struct("BreakerFuture");
        let stage = self.guarded.stage();
        future.field("stage", &stage).finish_non_exhaustive()
    }
}
