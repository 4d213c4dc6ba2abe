//! The caller's code where its panic must end nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the code gives; nothing where it panics, which the panic hook has said.
pub(crate) fn quietly<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(swallow).ok()
}

/// Drops the payload of a panic, which may panic, too.
pub(crate) fn swallow(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // Each of them might: here it ends.
        std::mem::forget(again);
    }
}
