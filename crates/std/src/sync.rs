//! The atomics and locks of the shared handles: those of std, or loom's where every schedule is to be tried.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks. A panic under a lock can only come from a generator that the caller passed, before the machine has changed,
/// so what a poisoned lock guards is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for this thread: threads that run at the same time mostly have different ones modulo a small number.
#[cfg(not(loom))]
#[inline]
pub(crate) fn thread_number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        // Relaxed: any numbers will do.
        static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    }
    // A destructor of another thread-local value may run when this one is gone.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(loom)]
loom::thread_local! {
    static NUMBER: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

#[cfg(loom)]
pub(crate) fn thread_number() -> usize {
    NUMBER.with(std::cell::Cell::get)
}

/// Gives this thread of a loom model a number, which chooses its stripe.
#[cfg(loom)]
#[doc(hidden)]
pub fn number_this_thread(number: usize) {
    NUMBER.with(|own| own.set(number));
}
