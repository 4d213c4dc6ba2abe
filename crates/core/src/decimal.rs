//! Exact decimals in text: what policy files write as `"99.9%"`, `"0.5"`, `"3/4"` or `"1.5s"`.

/// A fraction read from `"50%"`, `"1/2"`, `"0.5"` or `"2"`, in lowest terms; the denominator is not 0.
pub(crate) fn fraction(text: &str) -> Option<(u64, u64)> {
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        let (num, den) = number(percent.trim_end())?;
        return Some(lowest(num, den.checked_mul(100)?));
    }
    if let Some((num, den)) = text.split_once('/') {
        let (num, den) = (integer(num.trim())?, integer(den.trim())?);
        return (den != 0).then(|| lowest(num, den));
    }
    let (num, den) = number(text)?;
    Some(lowest(num, den))
}

/// `"12.5"` as `(125, 10)`: digits, and if there is a point, digits on both sides of it.
pub(crate) fn number(text: &str) -> Option<(u64, u64)> {
    let Some((whole, part)) = text.split_once('.') else {
        return Some((integer(text)?, 1));
    };
    let den = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let num = integer(whole)?
        .checked_mul(den)?
        .checked_add(integer(part)?)?;
    Some((num, den))
}

/// Digits only: `u64::from_str` would also take a sign.
fn integer(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    text.parse().ok()
}

/// The fraction in lowest terms; `den` is not 0.
pub(crate) const fn lowest(num: u64, den: u64) -> (u64, u64) {
    let (mut a, mut b) = (num, den);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    match (num.checked_div(a), den.checked_div(a)) {
        (Some(num), Some(den)) => (num, den),
        _ => (0, 1),
    }
}
