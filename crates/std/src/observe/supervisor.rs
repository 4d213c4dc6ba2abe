//! A supervisor that is observed: the listener that it is given, and what is kept of each child.

use std::sync::Arc;

use super::shared::{Shared, Watched};
use crate::supervisor::ChildEvent;

struct WatchedSupervisor {
    name: Box<str>,
    #[cfg(feature = "metrics")]
    children: children::Children,
}

/// What is shown, and what hears of events.
pub(super) fn watch(
    shared: &Arc<Shared>,
    name: &str,
) -> (
    Arc<dyn Watched>,
    impl FnMut(&ChildEvent) + Send + 'static + use<>,
) {
    let watched = Arc::new(WatchedSupervisor {
        name: name.into(),
        #[cfg(feature = "metrics")]
        children: children::Children::default(),
    });
    let (supervisor, shared) = (Supervisor(Arc::clone(&watched)), Arc::downgrade(shared));
    let listener = move |event: &ChildEvent| {
        let Supervisor(telling) = &supervisor;
        #[cfg(feature = "metrics")]
        telling.children.count(event);
        if let Some(shared) = shared.upgrade() {
            let (watched, event) = (Arc::clone(telling), event.clone());
            shared.queue.put(Box::new(move || watched.tell(&event)));
        }
    };
    (watched, listener)
}

/// What the listener holds. It is dropped with the supervisor; where that was aborted with its runs, nobody tells of
/// their end.
struct Supervisor(Arc<WatchedSupervisor>);

impl Drop for Supervisor {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        self.0.children.gone();
    }
}

impl WatchedSupervisor {
    fn tell(&self, event: &ChildEvent) {
        #[cfg(feature = "tracing")]
        super::events::child(&self.name, event);
        #[cfg(not(feature = "tracing"))]
        let _ = event;
        self.show();
    }
}

impl Watched for WatchedSupervisor {
    fn show(&self) {
        #[cfg(feature = "metrics")]
        self.children.show(&self.name);
    }
}

#[cfg(feature = "metrics")]
mod children {
    //! The metrics of children, which are known only once they start.

    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

    use metrics::{Counter, Gauge};

    use crate::observe::series::{self, flag};
    use crate::supervisor::{ChildEvent, ChildEventKind};

    #[derive(Default)]
    pub(super) struct Children {
        by_name: Mutex<BTreeMap<String, Arc<Child>>>,
    }

    #[derive(Default)]
    struct Child {
        starts: AtomicU64,
        up: AtomicBool,
        /// Registered when it is shown for the first time: the recorder is never called where a supervisor waits.
        series: OnceLock<(Counter, Gauge)>,
    }

    impl Children {
        fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Child>>> {
            // Nothing of the caller's runs while it is held.
            self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(super) fn count(&self, event: &ChildEvent) {
            let mut children = self.lock();
            let child = children.entry(event.name.clone()).or_default();
            match event.kind {
                ChildEventKind::Started { .. } => {
                    child.starts.fetch_add(1, Ordering::Relaxed);
                    child.up.store(true, Ordering::Release);
                }
                ChildEventKind::Exited { .. } => child.up.store(false, Ordering::Release),
                _ => {}
            }
        }

        /// None of them runs any more.
        pub(super) fn gone(&self) {
            for child in self.lock().values() {
                child.up.store(false, Ordering::Release);
            }
        }

        pub(super) fn show(&self, supervisor: &str) {
            let children: Vec<_> = {
                let children = self.lock();
                let children = children.iter();
                children
                    .map(|(name, child)| (name.clone(), Arc::clone(child)))
                    .collect()
            };
            for (name, child) in children {
                if child.series.get().is_none() {
                    let labels = [("supervisor", supervisor), ("child", name.as_str())];
                    let restarts = series::SUPERVISOR_RESTARTS.counter(&labels);
                    // Another thread may have been here; a recorder gives both the same series.
                    let _ = child
                        .series
                        .set((restarts, series::SUPERVISOR_UP.gauge(&labels)));
                }
                if let Some((restarts, up)) = child.series.get() {
                    restarts.absolute(child.starts.load(Ordering::Relaxed).saturating_sub(1));
                    series::show(|| child.up.load(Ordering::Acquire), |is| up.set(flag(is)));
                }
            }
        }
    }
}
