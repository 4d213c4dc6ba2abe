//! The adaptive throttle: ask, and report what the backend accepted. No peer of it in Rust that we know of.

use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::Case;
use crate::inputs::rng;
use crate::repeat::repeated;

/// The cases of the throttle.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "throttle: request and accept, healthy",
            repeated("ours", || warm(1)),
            || {
                let mut request = warm(1);
                assert!((0..10_000).all(|_| request()), "nothing is rejected");
            },
        ),
        Case::new(
            "throttle: request, and accept if it may go out, overloaded tenfold",
            repeated("ours", || warm(10)),
            || {
                let mut request = warm(10);
                let sent = (0..100_000).filter(|_| request()).count();
                // Twice what is accepted, and that is a tenth.
                assert!((19_000..21_000).contains(&sent), "{sent} of 100000 sent");
            },
        ),
    ]
}

/// A client, and a backend that has room for one in `every` of its requests.
struct Client {
    throttle: AdaptiveThrottle,
    rng: Xoshiro256PlusPlus,
    now_ns: u64,
    every: u32,
    room: u32,
}

impl Client {
    /// One request: whether it went out.
    #[inline]
    fn request(&mut self) -> bool {
        // All in one slice: a refusal then looks through all slices for the instant at which to come back.
        self.now_ns += 1;
        // What it does not use it keeps, for a while.
        self.room = (self.room + 1).min(10 * self.every);
        let answer = self.throttle.try_request(self.now_ns, &mut self.rng);
        if answer.is_ok() && self.room >= self.every {
            self.room -= self.every;
            self.throttle.on_accepted(self.now_ns);
        }
        answer.is_ok()
    }
}

/// A client whose history is long enough to judge by.
fn warm(every: u32) -> impl FnMut() -> bool {
    let policy = AdaptiveThrottlePolicy::builder().build();
    let mut client = Client {
        throttle: AdaptiveThrottle::new(policy.expect("a valid policy")),
        rng: rng(3),
        now_ns: 0,
        every,
        room: 0,
    };
    for _ in 0..10_000 {
        client.request();
    }
    move || client.request()
}
