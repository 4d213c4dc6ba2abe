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

/// Where there are few keys a table is less full: a quarter more for each.
pub(super) const fn of_few(max_keys: u32, each: u64) -> u64 {
    if max_keys <= 4_096 {
        each + each.div_ceil(4)
    } else {
        each
    }
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
