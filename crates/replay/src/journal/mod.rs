//! Journals: what machines were asked and answered, as lines of JSON.
//!
//! A journal begins with the header of a machine (its policy and its state), has a line for each call, and ends with a
//! trailer. Several machines stand side by side, each with an id and a header of its own before its first call. A
//! further header of a machine is a snapshot: after a gap with `dropped`, else a checkpoint that must agree.
//!
//! ```text
//! {"evenkeel":"journal","version":1,"machine":"breaker","id":7,"name":"db","policy":{..},"state":{..},"digest":".."}
//! {"t":123,"id":7,"op":..,"words":[..],"answer":..}
//! {"end":{"ops":1,"dropped":0,"digest":".."}}
//! ```
//!
//! The `id` of machine 0 is left out, and `name` where there is none. A header's `digest` is FNV-1a (64 bits) of the
//! policy's text, a newline, and the state's text; the trailer's that of all bytes before its line, then its two counts
//! as in `1 0`. Both may be missing.

mod damage;
mod handle;
mod line;
mod load;
mod log;
mod memory;
mod note;
mod options;
mod output;
mod read;
mod series;
mod store;
mod thread;
mod write;

pub use damage::{Damage, Place};
pub use handle::{Journal, Summary};
pub use line::{End, HeaderLine, Line, OpLine, VERSION};
pub use load::{Entry, Header, Loaded, LoadedLine, load};
pub(crate) use log::{Mark, Snapshot};
pub use options::Options;
pub use read::{MAX_LINE, Reader};
pub use write::Writer;
