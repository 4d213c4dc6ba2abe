//! FNV-1a digests, 64 bits, as journals write them: sixteen hexadecimal digits.

use core::fmt;
use core::hash::Hasher;

use fnv::FnvHasher;

/// The digest of the bytes that have been added.
#[derive(Default)]
pub(crate) struct Digest(FnvHasher);

impl Digest {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The trailer's: of all lines before it and of what it counts itself.
    pub(crate) fn with_counts(&mut self, ops: u64, dropped: u64) -> u64 {
        self.add(format!("{ops} {dropped}").as_bytes());
        self.value()
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.finish()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:016x})", self.value())
    }
}

/// The digest of a policy and a state, as they stand in a header.
pub(crate) fn of_machine(policy: &str, state: &str) -> u64 {
    let mut digest = Digest::default();
    digest.add(policy.as_bytes());
    digest.add(b"\n");
    digest.add(state.as_bytes());
    digest.value()
}

/// Reads what `{:016x}` writes and nothing else, so that no two texts are the same digest.
pub(crate) fn read(text: &str) -> Option<u64> {
    let is_plain = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == 16 && text.as_bytes().iter().all(is_plain))
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_fnv_1a_and_have_one_spelling() {
        let (basis, prime) = (0xcbf2_9ce4_8422_2325_u64, 0x100_0000_01b3);
        let newline = (basis ^ 10).wrapping_mul(prime);
        assert_eq!(of_machine("", ""), newline);
        assert_eq!(of_machine("", "a"), (newline ^ 97).wrapping_mul(prime));
        assert_eq!(read("00000000000000ff"), Some(255));
        for text in ["ff", "00000000000000FF", "+0000000000000ff", ""] {
            assert_eq!(read(text), None);
        }
    }
}
