//! The threads of a supervisor: one that watches, and one for each run.

use std::sync::Arc;
use std::thread;

use evenkeel_core::restart::RunId;

use super::child::Start;
use super::report::ChildEvent;
use super::shared::Shared;
use crate::driver::{Failed, quietly};
use crate::sleep::Sleep;

/// What a listener is.
pub(super) type Listener = Box<dyn FnMut(&ChildEvent) + Send>;

/// Starts the thread that watches. It ends when the supervisor is gone and no child runs any more.
pub(super) fn watch<C: Sleep + 'static>(shared: &Arc<Shared<C>>, listener: Listener) {
    let shared = Arc::clone(shared);
    let builder = thread::Builder::new().name("supervisor".into());
    let watching = builder.spawn(move || run(&shared, listener));
    watching.expect("the system has a thread for the supervisor");
}

fn run<C: Sleep + 'static>(shared: &Arc<Shared<C>>, mut listener: Listener) {
    shared.wake_me();
    loop {
        let tasks = shared.tasks();
        let idle = tasks.starts.is_empty() && tasks.events.is_empty();
        for event in &tasks.events {
            // The listener's own panic hook has said it; a supervisor that dies of it would help nobody.
            quietly(|| listener(event));
        }
        if tasks.over {
            return shared.told_all();
        }
        for start in tasks.starts {
            spawn(shared, start);
        }
        match tasks.deadline_ns {
            _ if !idle => {}
            Some(at_ns) => shared.clock.park_until(at_ns),
            None => thread::park(),
        }
    }
}

/// Starts a run; where the system has no thread for it, that is a failure of the run.
fn spawn<C: Sleep + 'static>(shared: &Arc<Shared<C>>, start: Start) {
    let (key, run) = (start.key, start.run);
    let reporting = Arc::clone(shared);
    // A thread's name holds no zero byte.
    let builder = thread::Builder::new().name(start.name.replace('\0', ""));
    let spawned = builder.spawn(move || {
        let unknown = Failed::new("the run ended nobody knows how", true);
        let mut exiting = Exiting {
            shared: &reporting,
            key,
            run,
            failed: Some(unknown),
        };
        exiting.failed = start.perform();
    });
    if let Err(error) = spawned {
        let failed = Failed::new(format!("no thread: {error}"), false);
        shared.exited(key, run, Some(failed));
    }
}

/// A run on its way out: however its thread ends, that is told.
struct Exiting<'a, C: Sleep> {
    shared: &'a Shared<C>,
    key: u64,
    run: RunId,
    failed: Option<Failed>,
}

impl<C: Sleep> Drop for Exiting<'_, C> {
    fn drop(&mut self) {
        self.shared.exited(self.key, self.run, self.failed.take());
    }
}
