//! Who is told of waits.

use std::fmt;
use std::marker::PhantomData;

use evenkeel_std::RetryEvent;

use super::failed::Failed;

/// Who is told of waits: [`NoListener`], or what [`RetryLayer::on_retry`](super::RetryLayer::on_retry) was given.
pub trait Listener<Res, Err> {
    /// The listener of one operation.
    type Hook: FnMut(&RetryEvent<'_, Failed<Res, Err>>);

    /// For an operation that begins.
    fn hook(&self) -> Self::Hook;
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoListener;

impl<Res, Err> Listener<Res, Err> for NoListener {
    type Hook = fn(&RetryEvent<'_, Failed<Res, Err>>);

    fn hook(&self) -> Self::Hook {
        |_| {}
    }
}

/// This function is told; each operation calls a clone of it.
pub struct OnRetry<H, Res, Err> {
    hook: H,
    of: PhantomData<fn(Res, Err)>,
}

impl<H, Res, Err> OnRetry<H, Res, Err> {
    pub(super) const fn new(hook: H) -> Self {
        let of = PhantomData;
        Self { hook, of }
    }
}

impl<H: Clone, Res, Err> Clone for OnRetry<H, Res, Err> {
    fn clone(&self) -> Self {
        Self::new(self.hook.clone())
    }
}

impl<Res, Err, H> Listener<Res, Err> for OnRetry<H, Res, Err>
where
    H: FnMut(&RetryEvent<'_, Failed<Res, Err>>) + Clone,
{
    type Hook = H;

    fn hook(&self) -> H {
        self.hook.clone()
    }
}

impl<H, Res, Err> fmt::Debug for OnRetry<H, Res, Err> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRetry").finish_non_exhaustive()
    }
}
