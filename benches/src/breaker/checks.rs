//! That ours and the peers refuse the same call of a row first.

use super::peers::{failsafe_consecutive, recloser};
use super::subject::Subject;
use super::{CALLS, HEALTHY, HOUR, IN_A_ROW, SHAKY, with_four, with_time, with_two};
use crate::inputs::{Call, Calls, calls};

/// How many calls of a row of failures pass.
pub(super) fn admitted(mut subject: impl Subject) -> usize {
    let row = calls(2, 1.0);
    row.iter().filter(|call| subject.pass(**call)).count()
}

/// Where the first call of the row is refused, the same for both.
pub(super) fn same_row<A: Subject, B: Subject>(
    ours: impl Fn() -> A,
    peer: impl Fn() -> B,
) -> Option<usize> {
    let mut opened = None;
    for (seed, failing) in (0..).zip([HEALTHY, SHAKY, 0.7, 0.8, 0.9, 1.0]) {
        let row = calls(seed, failing);
        let (us, them) = (first_refused(ours(), &row), first_refused(peer(), &row));
        assert_eq!(us, them, "with {failing} of the calls failing");
        opened = opened.or(us);
    }
    opened
}

/// The same for windows of 100, once they are full: the peer judges none that is not.
pub(super) fn same_window() {
    for (seed, failing) in (0..).zip([HEALTHY, SHAKY, 0.4, 0.45, 0.5, 0.55, 1.0]) {
        let row = calls(seed, failing);
        let us = first_refused(filled(with_two()), &row);
        let them = first_refused(filled(recloser(HOUR, 1)), &row);
        assert_eq!(us, them, "with {failing} of the calls failing");
        assert!(us.is_some() || failing < 0.5, "{failing} did not open it");
    }
}

/// Four triggers: opened by the rate or by failures in a row, whichever comes first at the peers.
pub(super) fn opens_by_either() {
    for (seed, failing) in (0..).zip([HEALTHY, SHAKY, 0.4, 0.5, 0.6, 0.9, 1.0]) {
        let row = calls(seed, failing);
        let us = first_refused(filled(with_four()), &row);
        let by_rate = first_refused(filled(recloser(HOUR, 1)), &row);
        let in_a_row = first_refused(filled(failsafe_consecutive(IN_A_ROW)), &row);
        let first = by_rate.into_iter().chain(in_a_row).min();
        assert_eq!(us, first, "with {failing} of the calls failing");
    }
}

/// After a window of successes.
fn filled<S: Subject>(mut subject: S) -> S {
    let good = Call {
        failed: false,
        latency_ns: 1,
    };
    for _ in 0..CALLS {
        assert!(subject.pass(good));
    }
    subject
}

fn first_refused(mut subject: impl Subject, row: &Calls) -> Option<usize> {
    row.iter().position(|call| !subject.pass(*call))
}

/// Half of at least 100 calls in 10 s failed; each call comes a microsecond after the one before.
pub(super) fn opens_by_time() {
    let failing = calls(1, 1.0);
    assert_eq!(
        first_refused(with_time(), &failing),
        Some(CALLS as usize),
        "the call after the hundredth failure"
    );
    assert_eq!(first_refused(with_time(), &calls(1, SHAKY)), None);
}

/// The same from an empty window on, for peers whose window does not slide as ours does: none, one in ten, and all fail.
pub(super) fn same_from_empty<A: Subject, B: Subject>(ours: impl Fn() -> A, peer: impl Fn() -> B) {
    for (seed, failing) in (0..).zip([HEALTHY, SHAKY, 1.0]) {
        let row = calls(seed, failing);
        let (us, them) = (first_refused(ours(), &row), first_refused(peer(), &row));
        assert_eq!(us, them, "with {failing} of the calls failing");
    }
}
