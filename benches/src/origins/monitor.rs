//! The latency monitor of origin O5: what the window remembers, copied and sorted for each sample.

/// The latency monitor of O5: the window is copied and sorted for every sample.
#[derive(Clone, Debug)]
pub struct SortedEachTime {
    window: Vec<u64>,
    oldest: usize,
    capacity: usize,
}

impl SortedEachTime {
    /// A window of the last `capacity` samples.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            window: Vec::with_capacity(capacity),
            oldest: 0,
            capacity,
        }
    }

    /// Takes in a sample without asking for anything.
    pub fn record(&mut self, sample: u64) {
        if self.window.len() < self.capacity {
            self.window.push(sample);
        } else {
            self.window[self.oldest] = sample;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// The p99 of the window, which must not be empty: the value at `floor((n - 1) * 99 / 100)`.
    #[must_use]
    pub fn p99(&self) -> u64 {
        let mut sorted = self.window.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * 99 / 100]
    }
}
