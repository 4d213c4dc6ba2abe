//! A stop token: one thread says stop, and every wait that hears it ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread, ThreadId};

use crate::sleep::Sleep;

/// Tells threads to stop. Clones are the same token; once stopped it stays so.
///
/// It interrupts nothing by itself: who waits with it is woken, who works looks at [`is_stopped`](Self::is_stopped)
/// between two steps. Dropping a token does nothing.
///
/// ```
/// use std::thread;
/// use evenkeel_std::{Clock, MonotonicClock, Stop};
///
/// let stop = Stop::new();
/// let worker = thread::spawn({
///     let stop = stop.clone();
///     move || {
///         let a_year_ns = 31_536_000_000_000_000;
///         stop.wait_until(&MonotonicClock, MonotonicClock.now_ns() + a_year_ns)
///     }
/// });
/// stop.stop();
/// assert!(worker.join().expect("no panic"), "stopped, before the year was over");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    waiting: Mutex<Vec<Thread>>,
}

impl Stop {
    /// A token that is not stopped.
    ///
    /// ```
    /// # use evenkeel_std::Stop;
    /// assert!(!Stop::new().is_stopped());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says stop, and wakes all who wait.
    ///
    /// ```
    /// # use evenkeel_std::Stop;
    /// let stop = Stop::new();
    /// stop.clone().stop();
    /// assert!(stop.is_stopped());
    /// ```
    pub fn stop(&self) {
        // Release: who sees the stop sees what was done before it.
        self.shared.stopped.store(true, Ordering::Release);
        // Who registers later looks at the flag after it has held this lock, and so sees it.
        for thread in self.waiting().iter() {
            thread.unpark();
        }
    }

    /// Whether somebody said stop.
    ///
    /// ```
    /// # use evenkeel_std::Stop;
    /// let stop = Stop::new();
    /// let mut work = (1..).inspect(|&done| if done == 3 { stop.stop() });
    /// let steps = work.by_ref().take_while(|_| !stop.is_stopped()).count();
    /// assert_eq!(steps, 2);
    /// ```
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// Blocks until `at_ns`, or until somebody says stop: true if so. Never returns early for another reason. At an
    /// instant that is past it does not block.
    ///
    /// ```
    /// # use evenkeel_std::{Clock, Stop, TestClock};
    /// let (stop, clock) = (Stop::new(), TestClock::new());
    /// assert!(!stop.wait_until(&clock, 5_000));
    /// assert_eq!(clock.now_ns(), 5_000);
    /// stop.stop();
    /// assert!(stop.wait_until(&clock, 9_000)); // at once
    /// assert_eq!(clock.now_ns(), 5_000);
    /// ```
    #[must_use = "true means stop"]
    pub fn wait_until<C: Sleep + ?Sized>(&self, clock: &C, at_ns: u64) -> bool {
        if self.is_stopped() || clock.now_ns() >= at_ns {
            return self.is_stopped();
        }
        let _waiting = self.register();
        while !self.is_stopped() {
            if clock.now_ns() >= at_ns {
                return false;
            }
            clock.park_until(at_ns);
        }
        true
    }

    /// Blocks until somebody says stop.
    ///
    /// ```
    /// # use evenkeel_std::Stop;
    /// let stop = Stop::new();
    /// let waiter = std::thread::spawn({
    ///     let stop = stop.clone();
    ///     move || stop.wait()
    /// });
    /// stop.stop();
    /// waiter.join().expect("no panic");
    /// ```
    pub fn wait(&self) {
        let _waiting = self.register();
        while !self.is_stopped() {
            thread::park();
        }
    }

    /// Blocks for one nap: until the instant, until somebody says stop or unparks this thread, or for less.
    pub(crate) fn nap<C: Sleep + ?Sized>(&self, clock: &C, at_ns: Option<u64>) {
        let _waiting = self.register();
        match at_ns {
            _ if self.is_stopped() => {}
            Some(at_ns) => clock.park_until(at_ns),
            None => thread::park(),
        }
    }

    fn register(&self) -> Waiting<'_> {
        let thread = thread::current();
        let id = thread.id();
        self.waiting().push(thread);
        Waiting { stop: self, id }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Thread>> {
        // Nothing panics while it is held.
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

/// This thread waits; forgotten on drop, also when a clock panics.
struct Waiting<'a> {
    stop: &'a Stop,
    id: ThreadId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.stop.waiting();
        if let Some(at) = waiting.iter().position(|thread| thread.id() == self.id) {
            waiting.swap_remove(at);
        }
    }
}
