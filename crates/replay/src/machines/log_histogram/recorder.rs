//! Merging into a log histogram whose calls are recorded. Its other calls are those of every estimator.

use alloc::boxed::Box;

use evenkeel_core::estimator::{LogHistogram, PrecisionMismatch};

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<LogHistogram> {
    /// [`LogHistogram::merge`]. It takes the time, which the machine itself does not ask for: each call of a journal
    /// has its instant.
    ///
    /// # Errors
    ///
    /// The precisions differ.
    pub fn merge(&mut self, now_ns: u64, other: &LogHistogram) -> Result<(), PrecisionMismatch> {
        let op = Op::Merge {
            other: Box::new(other.clone()),
        };
        self.record_plain(
            now_ns,
            op,
            |histogram| histogram.merge(other),
            |merged| Answer::Merged(*merged),
        )
    }
}
