//! Randomness is an argument: the generator that a caller passes, and the one way a random word becomes a number.
//!
//! Any generator of rand_core 0.10 will do, such as those of rand_xoshiro. Machines draw whole words only
//! (`next_u64`). A generator of your own, say one that replays recorded words, is a [`TryRng`] that cannot fail
//! (for all types with a trait of yours, wrap them: `struct Words<P>(P)`):
//!
//! ```
//! use core::convert::Infallible;
//! use evenkeel_core::random::{Rng, TryRng};
//!
//! /// Steps by a fixed odd number: enough for a test.
//! struct Stepping(u64);
//!
//! impl TryRng for Stepping {
//!     type Error = Infallible;
//!     fn try_next_u64(&mut self) -> Result<u64, Infallible> {
//!         self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
//!         Ok(self.0)
//!     }
//!     fn try_next_u32(&mut self) -> Result<u32, Infallible> {
//!         self.try_next_u64().map(|word| (word >> 32) as u32)
//!     }
//!     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
//!         for chunk in bytes.chunks_mut(8) {
//!             chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! assert_eq!(Stepping(0).next_u64(), 0x9e37_79b9_7f4a_7c15);
//! ```

pub use rand_core::{Rng, TryRng};

/// A number uniform on `0..n` from one random word; 0 when `n` is 0.
///
/// Multiply-shift: `(word * n) >> 64` in 128 bits. One word always gives one number (no rejection loop), so
/// the words drawn can be counted, recorded and replayed. The bias is below `n / 2^64`: for a range of one
/// hour in nanoseconds that is less than one part in five million.
///
/// ```
/// use evenkeel_core::random::scaled;
///
/// assert_eq!(scaled(0, 10), 0);
/// assert_eq!(scaled(u64::MAX, 10), 9);
/// assert_eq!(scaled(1 << 63, 10), 5);
/// ```
#[inline]
#[must_use]
pub const fn scaled(word: u64, n: u64) -> u64 {
    ((word as u128).wrapping_mul(n as u128) >> 64) as u64
}
