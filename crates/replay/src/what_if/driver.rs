//! A driver of the second run: what it has begun, and its calls that the journal does not hold.

use crate::any::{AnyId, AnyOp, Kind};
use crate::machine::Assumed;
use crate::retry::{self, Lent};

/// What a driver of the second run has begun.
#[derive(Debug, Default)]
pub(super) struct Drive {
    /// Which operation it is at, counted from 0.
    pub(super) operation: usize,
    /// What it has begun in this operation, and whether its reports stay at their places.
    pub(super) begun: Vec<(AnyId, InPlace)>,
    /// What the recorded one was last lent.
    lent: Lent,
    pub(super) polls_left: u64,
    /// Whether it has heard a report that is not at its place: whoever reports asks what to do next.
    pub(super) owes_poll: bool,
}

/// Whether reports stay where they were recorded, because the begin is where it was recorded.
pub(super) type InPlace = bool;

impl Drive {
    pub(super) fn new(calls: u64) -> Self {
        Self {
            polls_left: calls.saturating_mul(16).saturating_add(10_000),
            ..Self::default()
        }
    }

    /// Remembers what a recorded call was lent.
    pub(super) fn see(&mut self, op: &AnyOp) {
        match op {
            AnyOp::Retry(op) if !op.lent().is_none() => self.lent = op.lent().clone(),
            _ => {}
        }
    }

    pub(super) fn poll(&self, kind: Kind) -> Option<AnyOp> {
        AnyOp::poll(kind).map(|op| self.lend(op))
    }

    pub(super) fn unknown(&self, id: AnyId, assumed: Assumed) -> Option<AnyOp> {
        AnyOp::unknown(id, assumed).map(|op| self.lend(op))
    }

    fn lend(&self, op: AnyOp) -> AnyOp {
        match op {
            AnyOp::Retry(op) => AnyOp::Retry(op.with_lent(self.lent.clone())),
            other => other,
        }
    }
}

/// Whether this is a poll, whatever was lent for it.
pub(super) fn is_poll(op: &AnyOp, kind: Kind) -> bool {
    match op {
        AnyOp::Retry(op) => matches!(op, retry::Op::Poll { .. }),
        op => AnyOp::poll(kind).as_ref() == Some(op),
    }
}
