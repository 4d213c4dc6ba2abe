//! Who is told of waits.

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
#[derive(Clone, Copy)]
pub struct OnRetry<H>(pub(super) H);

impl<Res, Err, H> Listener<Res, Err> for OnRetry<H>
where
    H: FnMut(&RetryEvent<'_, Failed<Res, Err>>) + Clone,
{
    type Hook = H;

    fn hook(&self) -> H {
        self.0.clone()
    }
}

impl<H> std::fmt::Debug for OnRetry<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnRetry").finish_non_exhaustive()
    }
}
