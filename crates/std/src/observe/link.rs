//! A link that is observed: looked at now and then.

use std::sync::Arc;
#[cfg(feature = "tracing")]
use std::sync::{
    Weak,
    atomic::{AtomicBool, Ordering},
};

#[cfg(feature = "metrics")]
use metrics::Gauge;

use super::shared::{Shared, Watched};
use crate::reconnect::LinkReport;

struct WatchedLink<R> {
    report: R,
    #[cfg(feature = "tracing")]
    events: Events,
    #[cfg(feature = "metrics")]
    up: Gauge,
    #[cfg(feature = "metrics")]
    attempt: Gauge,
}

#[cfg(feature = "tracing")]
struct Events {
    name: Arc<str>,
    shared: Weak<Shared>,
    /// How it was when it was last looked at; it begins so.
    was_degraded: AtomicBool,
}

pub(super) fn watch<R>(shared: &Arc<Shared>, name: &str, report: R) -> Arc<dyn Watched>
where
    R: Fn() -> LinkReport + Send + Sync + 'static,
{
    #[cfg(not(feature = "tracing"))]
    let _ = shared;
    #[cfg(feature = "metrics")]
    let gauge = |metric: &super::series::Metric| metric.gauge(&[("link", name)]);
    Arc::new(WatchedLink {
        report,
        #[cfg(feature = "tracing")]
        events: Events {
            name: name.into(),
            shared: Arc::downgrade(shared),
            was_degraded: AtomicBool::new(true),
        },
        #[cfg(feature = "metrics")]
        up: gauge(&super::series::LINK_UP),
        #[cfg(feature = "metrics")]
        attempt: gauge(&super::series::LINK_ATTEMPT),
    })
}

impl<R> Watched for WatchedLink<R>
where
    R: Fn() -> LinkReport + Send + Sync,
{
    fn show(&self) {
        let report = (self.report)();
        #[cfg(feature = "metrics")]
        {
            self.up.set(super::series::flag(!report.is_degraded()));
            self.attempt.set(report.attempt());
        }
        #[cfg(feature = "tracing")]
        self.events.look(report);
    }
}

#[cfg(feature = "tracing")]
impl Events {
    /// Has it told if it is otherwise than before.
    fn look(&self, report: LinkReport) {
        let is = report.is_degraded();
        if self.was_degraded.swap(is, Ordering::AcqRel) == is {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            let name = Arc::clone(&self.name);
            let tell = move || super::events::link(&name, &report);
            shared.queue.put(Box::new(tell));
        }
    }
}
