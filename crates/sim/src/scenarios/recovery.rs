//! How a service comes back, second by second: what metrics of recovery are made of.

use super::calls::Cell;

/// So many seconds together are judged: one alone may be bad by chance where there are few calls.
const TOGETHER: usize = 5;

/// How many seconds pass until, from then on, nine tenths of the calls of any five seconds succeed; all, where they
/// never do.
pub(super) fn seconds_to_full(seconds: &[Cell]) -> usize {
    let bad = |five: &[Cell]| {
        let [good, calls] = five.iter().fold([0, 0], |[good, calls], cell| {
            [good + cell.good, calls + cell.calls]
        });
        10 * good < 9 * calls
    };
    let fives = seconds.windows(TOGETHER);
    let last = fives.len();
    match fives.rev().position(bad) {
        Some(0) => seconds.len(),
        Some(after) => last - after,
        None => 0,
    }
}

/// How often a service that had come back to half of the calls fell below a quarter of them again.
pub(super) fn falls(seconds: &[Cell]) -> u64 {
    let (mut up, mut falls) = (false, 0);
    for second in seconds {
        if 2 * second.good >= second.calls {
            up = true;
        } else if up && 4 * second.good < second.calls {
            (up, falls) = (false, falls + 1);
        }
    }
    falls
}
