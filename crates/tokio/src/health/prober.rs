//! What the task of a health probe does, and whom it tells.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use evenkeel_core::breaker::Health;
use evenkeel_core::health::{HealthChange, HealthProbe as Machine, ProbeAction, ProbeId, Probed};
use evenkeel_core::time;
use evenkeel_std::driver::{Kept, discard, quietly};
use evenkeel_std::{Clock, Stream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Checking;
use crate::clock::Sleep;

type Listener = Box<dyn FnMut(&HealthChange) + Send>;
type Fed = Box<dyn Fn(Health) + Send>;

/// Whom a probe tells.
#[derive(Default)]
pub(super) struct Told {
    pub(super) listeners: Vec<Listener>,
    pub(super) fed: Vec<Fed>,
}

pub(super) struct Shared<C> {
    pub(super) clock: C,
    pub(super) stop: CancellationToken,
    /// Traffic has told something.
    pub(super) told: Notify,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) machine: Kept<Machine>,
    /// Not told yet.
    pub(super) changes: Vec<HealthChange>,
    /// The task has ended.
    pub(super) gone: bool,
}

impl<C> Shared<C> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the caller's runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Breakers hear the level, listeners what has changed.
    fn tell(&mut self, health: Option<Health>, changes: &[HealthChange]) {
        // The panic hook has said what panicked; the others are to be told.
        for fed in &self.fed {
            if let Some(health) = health {
                quietly(|| fed(health));
            }
        }
        for change in changes {
            for listener in &mut self.listeners {
                quietly(|| listener(change));
            }
        }
    }
}

/// What the task has.
pub(super) struct Prober<K, F, C: Clock> {
    pub(super) shared: Arc<Shared<C>>,
    pub(super) check: K,
    pub(super) stream: Stream,
    pub(super) told: Told,
    /// Closed when the task ends, however.
    pub(super) shown: watch::Sender<Option<Health>>,
    pub(super) checking: Option<(ProbeId, Pin<Box<F>>)>,
}

impl<K, F, E, C> Prober<K, F, C>
where
    K: FnMut(Checking) -> F,
    F: Future<Output = Result<(), E>>,
    C: Sleep,
{
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            // Made before the look, so that nothing falls between.
            let mut traffic = pin!(shared.told.notified());
            let now_ns = shared.clock.now_ns();
            let (action, deadline_ns) = {
                let mut state = shared.lock();
                let action = state.machine.poll(now_ns, &mut self.stream);
                (action, state.machine.next_deadline_ns())
            };
            match action {
                ProbeAction::Send {
                    probe,
                    timeout_at_ns,
                } => {
                    let timeout = time::until(now_ns, timeout_at_ns.unwrap_or(u64::MAX));
                    self.send(Checking::new(probe, timeout));
                    continue;
                }
                ProbeAction::Abandon { change, .. } => {
                    self.forget_check();
                    shared.lock().changes.extend(change);
                    self.tell(true);
                    continue;
                }
                _ => self.tell(false),
            }
            let mut sleep = pin!(deadline_ns.map(|at_ns| shared.clock.sleep_until(at_ns)));
            let found = poll_fn(|cx| {
                if let Poll::Ready(found) = self.poll_check(cx) {
                    return Poll::Ready(Some(found));
                }
                let due = sleep.as_mut().as_pin_mut();
                if traffic.as_mut().poll(cx).is_ready()
                    || due.is_some_and(|due| due.poll(cx).is_ready())
                {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            if let Some((probe, found)) = found {
                self.report(probe, found);
            }
        }
    }

    fn send(&mut self, checking: Checking) {
        let probe = checking.probe();
        match quietly(|| (self.check)(checking)) {
            Some(check) => self.checking = Some((probe, Box::pin(check))),
            None => self.report(probe, Probed::Failed),
        }
    }

    fn poll_check(&mut self, cx: &mut Context<'_>) -> Poll<(ProbeId, Probed)> {
        let Some((probe, check)) = &mut self.checking else {
            return Poll::Pending;
        };
        // Its error is dropped in there, too.
        let found = match quietly(|| check.as_mut().poll(cx).map(|found| found.is_ok())) {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(true)) => Probed::Passed,
            _ => Probed::Failed,
        };
        let probe = *probe;
        self.forget_check();
        Poll::Ready((probe, found))
    }

    /// What a check does when it is dropped must not end the probe.
    fn forget_check(&mut self) {
        discard(self.checking.take());
    }

    fn report(&mut self, probe: ProbeId, found: Probed) {
        {
            let now_ns = self.shared.clock.now_ns();
            let mut state = self.shared.lock();
            let receipt = state.machine.on_report(now_ns, probe, found);
            state.changes.extend(receipt.change);
        }
        self.tell(true);
    }

    /// Says what a new result, or else what a change of the traffic's, has made of the health.
    fn tell(&mut self, result: bool) {
        let (changes, health) = {
            let now_ns = self.shared.clock.now_ns();
            let mut state = self.shared.lock();
            let changes = std::mem::take(&mut state.changes);
            (changes, state.machine.health(now_ns))
        };
        if result || !changes.is_empty() {
            self.told.tell(health, &changes);
        }
        self.shown
            .send_if_modified(|shown| std::mem::replace(shown, health) != health);
    }
}

/// However the task ends, nobody may take its last verdict for one of today.
impl<K, F, C: Clock> Drop for Prober<K, F, C> {
    fn drop(&mut self) {
        self.shared.lock().gone = true;
        self.shown.send_replace(None);
        discard(self.checking.take());
    }
}
