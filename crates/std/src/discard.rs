//! Drops what is the caller's where a panic of its `Drop` must harm nobody: what a panic carried, an error.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops it; a panic of that ends here, said by the panic hook.
pub(crate) fn discard<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Its drop may panic as well, and so on for ever.
        mem::forget(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::discard;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Self);
        }
    }

    #[test]
    fn a_drop_that_always_panics_ends_here() {
        discard(Bomb);
    }
}
