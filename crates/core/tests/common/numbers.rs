//! What a number in a stored state could have been instead.

use serde_json::Value;

/// Numbers near this one (0 for what is no number), and the ends of the ranges.
pub(crate) fn other_numbers(value: &Value) -> [Value; 11] {
    let n = value.as_u64().unwrap_or(0);
    [
        n.wrapping_add(1),
        n.wrapping_sub(1),
        n / 2,
        n.wrapping_mul(2),
        0,
        1,
        1 << 31,
        u32::MAX.into(),
        1 << 63,
        u64::MAX - 1,
        u64::MAX,
    ]
    .map(Value::from)
}
