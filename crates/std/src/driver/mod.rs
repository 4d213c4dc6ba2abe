//! For drivers of your own (and those of evenkeel-tokio): what they keep beside core's machines.

mod kept;
mod lent;
mod operation;
mod rules;

pub use kept::{Kept, Machine};
pub use lent::{Lent, NoBreaker, NoBudget};
pub use operation::Operation;
pub use rules::Rules;

pub use crate::observed::{Observed, ObservedScope};
