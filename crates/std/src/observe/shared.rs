//! What the clones of an observer, its thread and its listeners share; and what its thread does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[cfg(feature = "tracing")]
use super::events::Audience;
use super::queue::Queue;
use crate::driver::quietly;

/// Something that is watched.
pub(super) trait Watched: Send + Sync {
    /// How long until something falls due by time alone.
    fn due_in(&self) -> Option<Duration> {
        None
    }

    /// Makes what has fallen due.
    fn make_due(&self) {}

    /// Shows how it stands now.
    fn show(&self);
}

pub(super) struct Shared {
    pub(super) queue: Queue,
    watched: Mutex<Vec<Arc<dyn Watched>>>,
    #[cfg(feature = "tracing")]
    audience: Audience,
    #[cfg(feature = "metrics")]
    dropped: std::sync::OnceLock<metrics::Counter>,
}

/// What the clones hold: with the last of them watching ends.
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    /// `None`: there is no thread.
    publish_every: Option<Duration>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A clock that stands still is looked at so often while something is due on it.
const SOON: Duration = Duration::from_millis(1);
/// Far enough for a wait, and no instant overflows.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A panic of a subscriber, of a recorder or of a breaker's other listeners is theirs: the panic hook has said it.
impl Shared {
    fn watched(&self) -> MutexGuard<'_, Vec<Arc<dyn Watched>>> {
        // Nothing of the caller's runs while it is held.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy: what is done with each may take its time.
    fn all(&self) -> Vec<Arc<dyn Watched>> {
        self.watched().clone()
    }

    fn make_due(&self) {
        for watched in self.all() {
            quietly(|| watched.make_due());
        }
    }

    fn tell(&self) {
        for letter in self.queue.take() {
            #[cfg(feature = "tracing")]
            quietly(|| self.audience.hears(letter));
            #[cfg(not(feature = "tracing"))]
            quietly(letter);
        }
    }

    fn show(&self) {
        for watched in self.all() {
            quietly(|| watched.show());
        }
        #[cfg(feature = "metrics")]
        if let Some(dropped) = self.dropped.get() {
            // Not absolute: other observers count into the same series.
            quietly(|| dropped.increment(self.queue.take_dropped()));
        }
    }

    /// Until the next thing falls due, at most `span`.
    fn due_within(&self, span: Duration) -> Duration {
        let watched = self.all();
        let due = watched
            .iter()
            .filter_map(|watched| quietly(|| watched.due_in()).flatten());
        due.min().map_or(span, |due| due.max(SOON).min(span))
    }

    fn run(&self, publish_every: Duration) {
        let mut publish_at = Instant::now();
        loop {
            let closed = self.queue.is_closed();
            self.make_due();
            self.tell();
            if closed || Instant::now() >= publish_at {
                self.show();
                publish_at = Instant::now() + publish_every;
            }
            if closed {
                return;
            }
            let span = publish_at.saturating_duration_since(Instant::now());
            self.queue.wait(Instant::now() + self.due_within(span));
        }
    }
}

impl Owner {
    pub(super) fn new(capacity: usize, publish_every: Option<Duration>) -> Self {
        let shared = Shared {
            queue: Queue::new(capacity),
            watched: Mutex::default(),
            #[cfg(feature = "tracing")]
            audience: Audience::of_this_thread(),
            #[cfg(feature = "metrics")]
            dropped: std::sync::OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
            publish_every: publish_every.map(|span| span.min(LONGEST)),
            thread: Mutex::default(),
        }
    }

    pub(super) fn watch(&self, watched: Arc<dyn Watched>) {
        #[cfg(feature = "metrics")]
        if self.shared.dropped.get().is_none() {
            // Another thread may have been here; a recorder gives both the same series.
            let _ = self
                .shared
                .dropped
                .set(super::series::EVENTS_DROPPED.counter(&[]));
        }
        watched.show();
        self.shared.watched().push(watched);
        self.start();
        self.shared.queue.poke();
    }

    fn start(&self) {
        let Some(publish_every) = self.publish_every else {
            return;
        };
        let mut thread = self.thread();
        if thread.is_some() || self.shared.queue.is_closed() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name("observer".into());
        let started = builder.spawn(move || shared.run(publish_every));
        *thread = Some(started.expect("the system has a thread for the observer"));
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self) {
        self.shared.make_due();
        if self.publish_every.is_none() {
            self.shared.tell();
        }
        self.shared.show();
        if self.publish_every.is_none() {
            // What that look had to say of links.
            self.shared.tell();
        }
    }

    pub(super) fn stop(&self) {
        if self.publish_every.is_none() && !self.shared.queue.is_closed() {
            self.publish();
        }
        self.shared.queue.close();
        let thread = self.thread().take();
        if let Some(thread) = thread {
            if thread.thread().id() != thread::current().id() {
                // It ends with what is told, and its panics are all caught.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The thread tells what is left, and ends by itself.
        self.shared.queue.close();
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("watched", &self.shared.watched().len())
            .field("queue", &self.shared.queue)
            .finish_non_exhaustive()
    }
}
