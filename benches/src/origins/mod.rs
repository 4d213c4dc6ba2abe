//! What four of the systems that evenkeel must be able to replace do on each call, restated in a few lines from what is
//! known of their behaviour; the table of O2 is in [`tables`](crate::tables).
//!
//! Only the work of the call: no names, no logs, no listeners.

mod monitor;
mod pause;
mod reconnect;
mod restart;

pub use monitor::SortedEachTime;
pub use pause::PauseBreaker;
pub use reconnect::ReconnectDelay;
pub use restart::{RestartDelay, Restarted};
