//! A breaker that is observed: its transitions are told, its phase and counters shown.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::breaker::Transition;
use evenkeel_core::time;

#[cfg(feature = "metrics")]
use super::breaker_series::BreakerSeries;
use super::shared::{Shared, Watched};
use crate::breaker::SharedBreaker;
use crate::clock::Clock;

pub(super) struct WatchedBreaker<C: Clock> {
    #[cfg(feature = "tracing")]
    name: Box<str>,
    breaker: SharedBreaker<C>,
    #[cfg(feature = "metrics")]
    series: BreakerSeries,
}

/// Watches from now on.
pub(super) fn watch<C: Clock + 'static>(
    shared: &Arc<Shared>,
    name: &str,
    breaker: &SharedBreaker<C>,
) -> Arc<dyn Watched> {
    let watched = Arc::new(WatchedBreaker {
        #[cfg(feature = "tracing")]
        name: name.into(),
        breaker: breaker.clone(),
        #[cfg(feature = "metrics")]
        series: BreakerSeries::new(name, breaker),
    });
    // Weak: the breaker holds the listener, and we hold the breaker.
    let (listening, shared) = (Arc::downgrade(&watched), Arc::downgrade(shared));
    breaker.on_transition(move |made| {
        let (Some(watched), Some(shared)) = (listening.upgrade(), shared.upgrade()) else {
            return;
        };
        #[cfg(feature = "metrics")]
        watched.series.count(&made);
        shared.queue.put(Box::new(move || watched.tell(&made)));
    });
    watched
}

impl<C: Clock> WatchedBreaker<C> {
    #[cfg_attr(
        not(feature = "tracing"),
        expect(
            unused_variables,
            reason = "without events there is nothing to say of it"
        )
    )]
    fn tell(&self, made: &Transition) {
        #[cfg(feature = "tracing")]
        super::events::transition(&self.name, made, self.retry_in(made));
        self.show();
    }

    /// How long after the transition the breaker may be asked again, if time alone ends that and it stands as then.
    #[cfg(feature = "tracing")]
    fn retry_in(&self, made: &Transition) -> Option<Duration> {
        let at_ns = self.breaker.next_deadline_ns()?;
        let stands = self.breaker.generation() == made.generation;
        stands.then(|| time::until(made.at_ns, at_ns))
    }
}

impl<C: Clock> Watched for WatchedBreaker<C> {
    fn due_in(&self) -> Option<Duration> {
        let at_ns = self.breaker.next_deadline_ns()?;
        Some(time::until(self.breaker.clock().now_ns(), at_ns))
    }

    fn make_due(&self) {
        let now_ns = self.breaker.clock().now_ns();
        if self
            .breaker
            .next_deadline_ns()
            .is_some_and(|at_ns| at_ns <= now_ns)
        {
            // The listener hears of them.
            let _ = self.breaker.poll();
        }
    }

    fn show(&self) {
        #[cfg(feature = "metrics")]
        self.series.show(&self.breaker);
    }
}
