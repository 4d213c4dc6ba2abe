//! The caller's code where its panic must harm nobody else: hooks, listeners, and the drop of what is theirs.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the code gives; nothing where it panics, which the panic hook has said.
///
/// ```
/// use evenkeel_std::driver::quietly;
///
/// assert_eq!(quietly(|| "42".parse::<u8>().expect("a number")), Some(42));
/// assert_eq!(quietly(|| "4 2".parse::<u8>().expect("a number")), None);
/// ```
pub fn quietly<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(discard).ok()
}

/// Drops it; a panic of that ends here, said by the panic hook: for errors, for what a panic carried, for work that is
/// over.
///
/// ```
/// use evenkeel_std::driver::discard;
///
/// struct Connection;
///
/// impl Drop for Connection {
///     fn drop(&mut self) {
///         panic!("it was closed before");
///     }
/// }
/// discard(Connection);
/// ```
pub fn discard<T>(value: T) {
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
