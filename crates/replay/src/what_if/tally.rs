//! Counts what one machine does in one run.

use super::result::{Changed, MAX_CHANGES, Tally};
use crate::machine::{Change, Verdict};

/// One machine in one run, watched.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) tally: Tally,
    pub(super) changed: Changed,
    /// A driver says its end and its wait again with every poll; they are counted once.
    ended: Option<&'static str>,
    waits_until_ns: Option<u64>,
}

impl Watch {
    pub(super) fn verdict(&mut self, now_ns: u64, verdict: Verdict, is_driver: bool) {
        self.tally.asked += 1;
        let last_end = self.ended.take().filter(|_| is_driver);
        let last_wait_ns = self.waits_until_ns.take().filter(|_| is_driver);
        match verdict {
            Verdict::Admitted => self.tally.admitted += 1,
            Verdict::Refused { reason, .. } => {
                *self.tally.refused.entry(reason).or_default() += 1;
            }
            Verdict::Ended { reason } => {
                if last_end != Some(reason) {
                    *self.tally.ended.entry(reason).or_default() += 1;
                }
                self.ended = Some(reason);
            }
            Verdict::Waits { until_ns } => {
                if last_wait_ns == Some(until_ns) {
                    self.waits_until_ns = last_wait_ns;
                    return;
                }
                self.cut_wait(now_ns, last_wait_ns);
                self.tally.waits += 1;
                let wait_ns = until_ns.saturating_sub(now_ns);
                self.tally.waited_ns = self.tally.waited_ns.saturating_add(wait_ns);
                self.waits_until_ns = Some(until_ns);
                return;
            }
        }
        self.cut_wait(now_ns, last_wait_ns);
    }

    /// Something new is in the machine's place.
    pub(super) fn begin_anew(&mut self, now_ns: u64) {
        self.ended = None;
        let last_ns = self.waits_until_ns.take();
        self.cut_wait(now_ns, last_ns);
    }

    pub(super) fn change(&mut self, change: Change) {
        *self.tally.changes.entry(change.cause).or_default() += 1;
        if self.changed.list.len() < MAX_CHANGES {
            self.changed.list.push(change);
        } else {
            self.changed.left_out += 1;
        }
    }

    /// What is left of a wait that ended early was not waited.
    fn cut_wait(&mut self, now_ns: u64, until_ns: Option<u64>) {
        let left_ns = until_ns.map_or(0, |until_ns| until_ns.saturating_sub(now_ns));
        self.tally.waited_ns = self.tally.waited_ns.saturating_sub(left_ns);
    }
}
