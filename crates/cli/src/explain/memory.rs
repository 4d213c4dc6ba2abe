//! How much memory a keyed table can take.

use crate::numbers::{count, counted, decimal};

/// The memory of so many keys at `each` bytes.
pub(super) fn sentence(max_keys: u32, each: u64) -> String {
    format!(
        "Memory: about {} for {} of 8 bytes ({} bytes each); more for longer keys and what they own.",
        bytes(u64::from(max_keys).saturating_mul(each)),
        counted(max_keys.into(), "key"),
        count(each)
    )
}

/// The bytes of a key in a full table whose slots take so many, with a tournament for each queue of its index: five slots
/// stand in a group behind a word, and groups are the fuller the more keys there are, or the larger the slots.
pub(super) fn of_slots(max_keys: u32, slot: u64, queues: u64) -> u64 {
    let in_ten = match slot {
        65.. => 45,
        _ if max_keys <= 4_096 => 32,
        _ => 40,
    };
    // A node of a tournament takes 64 bytes, and there are a third as many as groups.
    let thirds_of_group = 3 * (8 + 5 * slot) + 64 * queues;
    (thirds_of_group * 10).div_ceil(3 * in_ten)
}

/// `440 bytes`, `4.4 kB`, `1.1 GB`: in powers of a thousand, to a tenth, rounded up.
fn bytes(n: u64) -> String {
    let units = [("GB", 1_000_000_000_u64), ("MB", 1_000_000), ("kB", 1_000)];
    for (name, unit) in units {
        if n >= unit {
            let tenths = (u128::from(n) * 10).div_ceil(unit.into());
            return format!("{} {name}", decimal(tenths, 10));
        }
    }
    format!("{n} bytes")
}
