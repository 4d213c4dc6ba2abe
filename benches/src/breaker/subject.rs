//! A breaker, ours or another's: a call passes or it does not.

use crate::inputs::Call;

pub(super) trait Subject {
    /// Asks for a call and, if it may be made, reports how it ended; false when it was refused.
    fn pass(&mut self, call: Call) -> bool;
}
