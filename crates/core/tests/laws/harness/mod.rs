//! The laws of DESIGN section 2 as one generic harness.

mod copy_laws;
mod cost_laws;
mod id_laws;
mod judge;
mod law;
mod pick;
#[cfg(feature = "alloc")]
mod salted;
mod script;
mod subject;
mod table;
mod time_laws;
mod verdict;

pub(crate) use judge::{Cell, Effort, Report, judge};
pub(crate) use law::Law;
pub(crate) use pick::{Pick, Words};
#[cfg(feature = "alloc")]
pub(crate) use salted::Salted;
pub(crate) use subject::{Mover, NoId, NoReport, Progress, Subject};
pub(crate) use table::table;
