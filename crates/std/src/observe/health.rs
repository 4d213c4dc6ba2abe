//! A health probe that is observed: the listener that it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evenkeel_core::breaker::Health;
use evenkeel_core::health::HealthChange;

use super::shared::{Shared, Watched};

struct WatchedProbe {
    #[cfg(feature = "tracing")]
    name: Box<str>,
    up: AtomicBool,
    #[cfg(feature = "metrics")]
    shown: metrics::Gauge,
}

/// What is shown, and what hears of changes.
pub(super) fn watch(
    shared: &Arc<Shared>,
    name: &str,
) -> (
    Arc<dyn Watched>,
    impl FnMut(&HealthChange) + Send + 'static + use<>,
) {
    let watched = Arc::new(WatchedProbe {
        #[cfg(feature = "tracing")]
        name: name.into(),
        up: AtomicBool::new(false),
        #[cfg(feature = "metrics")]
        shown: super::series::HEALTH_UP.gauge(&[("probe", name)]),
    });
    let (probe, shared) = (Probe(Arc::clone(&watched)), Arc::downgrade(shared));
    let listener = move |change: &HealthChange| {
        let Probe(telling) = &probe;
        telling.up.store(change.to == Health::Up, Ordering::Release);
        if let Some(shared) = shared.upgrade() {
            let (watched, change) = (Arc::clone(telling), *change);
            shared.queue.put(Box::new(move || watched.tell(&change)));
        }
    };
    (watched, listener)
}

/// What the listener holds. It is dropped with the probe, and nobody may take the last verdict for one of today.
struct Probe(Arc<WatchedProbe>);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.up.store(false, Ordering::Release);
    }
}

impl WatchedProbe {
    fn tell(&self, change: &HealthChange) {
        #[cfg(feature = "tracing")]
        super::events::health(&self.name, change);
        #[cfg(not(feature = "tracing"))]
        let _ = change;
        self.show();
    }
}

impl Watched for WatchedProbe {
    fn show(&self) {
        #[cfg(feature = "metrics")]
        super::series::show(
            || self.up.load(Ordering::Acquire),
            |up| self.shown.set(super::series::flag(up)),
        );
    }
}
