//! The tracing events, and the subscriber that they go to.

use std::time::Duration;

use evenkeel_core::breaker::{Health, Phase, Transition};
use evenkeel_core::health::HealthChange;
use evenkeel_core::time;
use tracing::dispatcher::{self, Dispatch};
use tracing::subscriber::NoSubscriber;
use tracing::{debug, error, field, info, warn};

use crate::reconnect::LinkReport;
use crate::supervisor::{ChildEvent, ChildEventKind};

/// The subscriber of the thread that made the observer. If that had none, the one of the thread that tells.
#[derive(Clone, Debug)]
pub(super) struct Audience(Dispatch);

impl Audience {
    pub(super) fn of_this_thread() -> Self {
        Self(dispatcher::get_default(Clone::clone))
    }

    pub(super) fn hears(&self, tell: impl FnOnce()) {
        if self.0.is::<NoSubscriber>() {
            tell();
        } else {
            dispatcher::with_default(&self.0, tell);
        }
    }
}

pub(super) fn transition(name: &str, made: &Transition, retry_in: Option<Duration>) {
    let (from, to, cause) = (made.from.name(), made.to.name(), made.cause.name());
    let at_ns = made.at_ns;
    match made.to {
        Phase::Open => {
            let retry_in = retry_in.map(field::debug);
            warn!(target: "evenkeel::breaker", name, from, to, cause, at_ns, retry_in, "breaker opened");
        }
        Phase::HalfOpen => {
            info!(target: "evenkeel::breaker", name, from, to, cause, at_ns, "breaker lets probes through");
        }
        Phase::Closed => {
            info!(target: "evenkeel::breaker", name, from, to, cause, at_ns, "breaker closed");
        }
    }
}

pub(super) fn health(name: &str, change: &HealthChange) {
    let at_ns = change.at_ns;
    match change.to {
        Health::Up => info!(target: "evenkeel::health", name, at_ns, "up"),
        _ => warn!(target: "evenkeel::health", name, at_ns, "down"),
    }
}

pub(super) fn link(name: &str, report: &LinkReport) {
    let (phase, attempt, at_ns) = (report.phase().name(), report.attempt(), report.now_ns());
    if report.is_degraded() {
        let why = report.lost();
        warn!(target: "evenkeel::link", name, phase, attempt, at_ns, why, "link is down");
    } else {
        info!(target: "evenkeel::link", name, phase, attempt, at_ns, "link is up");
    }
}

pub(super) fn child(name: &str, event: &ChildEvent) {
    let (child, at_ns) = (event.name.as_str(), event.at_ns);
    match &event.kind {
        ChildEventKind::Started { .. } => {
            debug!(target: "evenkeel::supervisor", name, child, at_ns, "child started");
        }
        ChildEventKind::Exited { failure: None, .. } => {
            info!(target: "evenkeel::supervisor", name, child, at_ns, "child ended");
        }
        ChildEventKind::Exited {
            failure: Some(failure),
            ..
        } => {
            let failure = field::display(failure);
            warn!(target: "evenkeel::supervisor", name, child, at_ns, failure, "child failed");
        }
        ChildEventKind::Waiting { until_ns } => {
            let restart_in = field::debug(time::until(at_ns, *until_ns));
            debug!(target: "evenkeel::supervisor", name, child, at_ns, restart_in, "child waits");
        }
        ChildEventKind::Escalated(escalation) => {
            let why = field::display(escalation);
            error!(target: "evenkeel::supervisor", name, child, at_ns, why, "child failed too often");
        }
        ChildEventKind::Stopped => {
            info!(target: "evenkeel::supervisor", name, child, at_ns, "child stopped");
        }
    }
}
