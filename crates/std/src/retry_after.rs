//! The `Retry-After` header of HTTP: seconds, or a date.

use std::time::{Duration, SystemTime};

/// What a `Retry-After` header asks for, counted from `now`: `None` where it is neither a number of seconds nor an HTTP
/// date. A date that is past asks for nothing, [`Duration::ZERO`]. Nothing is too large here: the policy's
/// `advisory_cap` bounds what is followed.
///
/// The date is on the server's wall clock and `now` is on ours: where they differ, so does the wait. Seconds have no
/// such error.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use evenkeel_std::retry_after;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
/// assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
/// assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
/// assert_eq!(retry_after("soon", now), None);
/// ```
#[must_use]
pub fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only digits: the one way not to parse is to be above the range.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let at = http_date(header)?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// The parser's calendar has no leap second: it is taken for the instant that follows it.
fn http_date(header: &str) -> Option<SystemTime> {
    const LEAP: &str = ":60 ";
    let parse = |date: &str| httpdate::parse_http_date(date).ok();
    if !header.contains(LEAP) {
        return parse(header);
    }
    parse(&header.replacen(LEAP, ":59 ", 1))?.checked_add(Duration::from_secs(1))
}
