//! The wait of origin O4 before it connects again: milliseconds, integers, a remainder for the jitter.

use std::time::Duration;

/// The reconnect delay of O4: milliseconds, a loop in 128 bits, a remainder for the jitter.
#[derive(Clone, Debug)]
pub struct ReconnectDelay {
    initial_ms: u64,
    cap_ms: u64,
    multiplier: u32,
    attempt: u32,
    word: u64,
}

impl ReconnectDelay {
    /// Starts at `initial`, doubles up to `cap`.
    ///
    /// # Panics
    /// When a span is longer than 2^64 ms.
    #[must_use]
    pub fn new(initial: Duration, cap: Duration) -> Self {
        let ms = |span: Duration| u64::try_from(span.as_millis()).expect("a span in milliseconds");
        Self {
            initial_ms: ms(initial),
            cap_ms: ms(cap),
            multiplier: 2,
            attempt: 0,
            word: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// What the next delay is at most.
    #[must_use]
    pub fn ceiling(&self) -> Duration {
        let mut ms = u128::from(self.initial_ms);
        for _ in 0..self.attempt {
            ms *= u128::from(self.multiplier);
            if ms >= u128::from(self.cap_ms) {
                break;
            }
        }
        let capped = ms.min(u128::from(self.cap_ms));
        Duration::from_millis(u64::try_from(capped).unwrap_or(u64::MAX))
    }

    /// The next delay, with full jitter.
    pub fn next_delay(&mut self) -> Duration {
        let ceiling_ms = u64::try_from(self.ceiling().as_millis()).unwrap_or(u64::MAX);
        self.attempt = self.attempt.saturating_add(1);
        self.word ^= self.word << 13;
        self.word ^= self.word >> 7;
        self.word ^= self.word << 17;
        Duration::from_millis(self.word % (ceiling_ms + 1))
    }
}
