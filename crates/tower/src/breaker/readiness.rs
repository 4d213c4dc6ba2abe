//! Who waits for a breaker: until an instant that it names, or until something happens to it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use evenkeel_core::time;
use evenkeel_tokio::clock::SleepUntil;
use evenkeel_tokio::{SharedBreaker, Sleep};
use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// All that wait for one breaker.
#[derive(Clone)]
pub(super) struct Waiters(Arc<Notify>);

impl Waiters {
    pub(super) fn of<C: Sleep>(breaker: &SharedBreaker<C>) -> Self {
        let notify = Arc::new(Notify::new());
        let listening = Arc::downgrade(&notify);
        breaker.on_transition(move |_| {
            if let Some(notify) = listening.upgrade() {
                notify.notify_waiters();
            }
        });
        Self(notify)
    }

    /// All of them: who is woken may be gone before it asks, and would take the news with it.
    pub(super) fn wake(&self) {
        self.0.notify_waiters();
    }

    /// Hears of all that happens from now on, also before it is polled.
    pub(super) fn listen(&self) -> Listening {
        Listening(Arc::clone(&self.0).notified_owned())
    }
}

pub(super) struct Listening(OwnedNotified);

impl Listening {
    /// Asked in vain: until the breaker's instant, or until something happens.
    pub(super) fn until<C: Sleep>(
        self,
        breaker: &SharedBreaker<C>,
        retry_at_ns: Option<u64>,
    ) -> Pin<Box<Waiting<C>>> {
        let clock = breaker.clock();
        // A mode can change without a transition, so nobody waits without an end.
        let look_again = || time::after(clock.now_ns(), breaker.policy().probe_timeout());
        let at_ns = retry_at_ns.or_else(look_again);
        Box::pin(Waiting {
            happened: self.0,
            sleep: at_ns.map(|at_ns| clock.sleep_until(at_ns)),
        })
    }
}

pin_project! {
    pub(super) struct Waiting<C: Sleep> {
        #[pin]
        happened: OwnedNotified,
        #[pin]
        sleep: Option<SleepUntil<C>>,
    }
}

impl<C: Sleep> Future for Waiting<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.happened.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Pending,
        }
    }
}
