//! An entrant whose operation is one call of a closure.

use std::hint::black_box;

use crate::Entrant;

/// `make` builds the state, what it returns is one operation. The state goes through `black_box` before each, the answer
/// after it.
pub fn repeated<T, O: FnMut() -> T + 'static>(
    name: &'static str,
    make: impl Fn() -> O + 'static,
) -> Entrant {
    Entrant::new(name, move || {
        let mut operation = make();
        Box::new(move |n| {
            for _ in 0..n {
                black_box(black_box(&mut operation)());
            }
        })
    })
}
