//! The code of docs/recipes/ for the core alone is the code of these tests.

mod embedded_device;
#[cfg(feature = "alloc")]
mod p2p_peers;
mod simulator;

const SECOND: u64 = 1_000_000_000;
