//! For drivers of your own (and those of evenkeel-tokio): what they keep beside core's machines, and what becomes of
//! panics of the caller's code.

mod failed;
mod kept;
mod lent;
mod lent_retry;
mod operation;
mod quiet;
mod rules;

pub use failed::Failed;
pub use kept::{Kept, Machine};
pub use lent::{Lent, NoBreaker, NoBudget};
pub use operation::Operation;
pub use quiet::{discard, quietly};
pub use rules::Rules;

pub use crate::breaker::PlainLeave;
pub use crate::observed::{Observed, ObservedScope};
