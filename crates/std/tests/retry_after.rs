//! `Retry-After` as servers send it: seconds and dates, in the past, huge, and what is neither.

use std::time::{Duration, SystemTime};

use evenkeel_core::advice::Advice;
use evenkeel_std::{Classified, retry_after};
use proptest::prelude::*;

/// Sun, 06 Nov 1994 08:49:37 GMT.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

#[test]
fn seconds() {
    for (header, seconds) in [("0", 0), ("120", 120), (" 7 ", 7), ("007", 7)] {
        assert_eq!(
            retry_after(header, now()),
            Some(Duration::from_secs(seconds)),
            "{header}"
        );
    }
}

#[test]
fn dates_in_all_three_forms_of_http() {
    for header in [
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994",
    ] {
        assert_eq!(
            retry_after(header, now()),
            Some(Duration::from_secs(60)),
            "{header}"
        );
    }
}

#[test]
fn a_date_that_is_past_asks_for_nothing() {
    for header in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        assert_eq!(retry_after(header, now()), Some(Duration::ZERO), "{header}");
    }
}

#[test]
fn what_is_huge_is_kept_and_no_instant_overflows() {
    for header in [
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let wait = retry_after(header, now());
        assert_eq!(wait, Some(Duration::from_secs(u64::MAX)), "{header}");
        let advice = Classified::throttled()
            .retry_after(wait)
            .advice(u64::MAX - 1);
        assert_eq!(advice, Some(Advice::RetryAt { at_ns: u64::MAX }));
    }
    let far = Classified::throttled().retry_at(now() + Duration::from_secs(1 << 40));
    assert!(matches!(far.advice(7), Some(Advice::RetryAt { at_ns }) if at_ns > 1 << 62));
}

#[test]
fn what_is_neither_is_none() {
    for header in [
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "soon",
        "12 s",
        "٣",
        "Sun, 06 Nov 1994",
    ] {
        assert_eq!(retry_after(header, now()), None, "{header}");
    }
}

proptest! {
    #[test]
    fn no_header_and_no_instant_panics(header: String, now: u64, at_ns: u64) {
        let Some(now) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(now >> 2)) else {
            return Ok(());
        };
        let wait = retry_after(&header, now);
        let _ = Classified::throttled().retry_after(wait).outcome(at_ns);
    }

    #[test]
    fn every_number_is_that_many_seconds(seconds: u64) {
        prop_assert_eq!(retry_after(&seconds.to_string(), now()), Some(Duration::from_secs(seconds)));
    }
}

#[test]
fn a_leap_second_is_an_instant() {
    let before = SystemTime::UNIX_EPOCH + Duration::from_secs(1_483_228_799);
    for header in [
        "Sat, 31 Dec 2016 23:59:60 GMT",
        "Saturday, 31-Dec-16 23:59:60 GMT",
        "Sat Dec 31 23:59:60 2016",
    ] {
        let wait = retry_after(header, before);
        assert_eq!(wait, Some(Duration::from_secs(1)), "{header}");
    }
    for header in [
        "Sat, 31 Dec 2016 23:59:61 GMT",
        "Sat, 31 Dec 2016 23:60:00 GMT",
        ":60 ",
    ] {
        assert_eq!(retry_after(header, before), None, "{header}");
    }
}
