//! The laws of DESIGN section 2 as one generic harness.

mod copy_laws;
mod cost_laws;
mod id_laws;
pub(crate) mod judge;
mod law;
#[cfg(feature = "alloc")]
mod salted;
pub(crate) mod script;
mod subject;
mod table;
mod time_laws;
mod verdict;

pub(crate) use judge::{Cell, Effort, Report, judge};
pub(crate) use law::Law;
#[cfg(feature = "alloc")]
pub(crate) use salted::Salted;
pub(crate) use subject::{Mover, NoReport, Progress, Subject};
pub(crate) use table::table;
