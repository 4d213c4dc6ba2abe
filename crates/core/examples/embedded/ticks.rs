//! Ticks of a 32 768 Hz crystal as nanoseconds, in integers, and right for 584 years.

/// 2^15 ticks are 10^9 ns, so 64 ticks are 1 953 125 ns exactly.
const TICKS: u64 = 64;
const NS: u64 = 1_953_125;

/// The instant of a tick, rounded down.
pub(crate) const fn to_ns(tick: u64) -> u64 {
    let whole = (tick / TICKS).saturating_mul(NS);
    whole.saturating_add(tick % TICKS * NS / TICKS)
}

/// The first tick that is not before the instant: an alarm at it never wakes too early, which would only cost a wake.
pub(crate) const fn at_or_after(at_ns: u64) -> u64 {
    let rest = (at_ns % NS * TICKS).div_ceil(NS);
    at_ns / NS * TICKS + rest
}
