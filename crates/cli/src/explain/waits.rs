//! The table of a backoff's waits with their bars, and how fast what has no end goes on.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};

use super::layout::Page;
use super::schedule::{self, Bound, Wait};
use crate::numbers::{count, decimal, exact};

/// The table, with a bar for each wait: what it lasts at least, and what the jitter may add.
pub(super) fn table(policy: &BackoffPolicy, rows: &[Wait], page: &mut Page) {
    let head = ["wait", "ceiling", "least", "most", "all so far at most", ""];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    let longest = rows
        .iter()
        .map(|wait| wait.most.as_nanos())
        .max()
        .unwrap_or(0);
    let mut previous = 0;
    for wait in rows {
        if wait.number != previous + 1 {
            cells.push(vec!["..".to_owned()]);
        }
        previous = wait.number;
        cells.push(vec![
            count(wait.number.into()),
            exact(wait.ceiling),
            exact(wait.least),
            exact(wait.most),
            total(wait.total_ns),
        ]);
    }
    // The bars take what room the numbers leave.
    let taken: usize = (0..head.len() - 1)
        .map(|column| Page::column_width(&cells, column) + 2)
        .sum();
    let room = page.width.saturating_sub(taken + 2).clamp(5, 20) as u128;
    let numbered = cells.iter_mut().skip(1).filter(|row| row.len() > 1);
    for (row, wait) in numbered.zip(rows) {
        row.push(bar(wait, longest, room));
    }
    page.table(&cells);
    let mut note = "█ waited at least, ░ what jitter may add.".to_owned();
    let more = match schedule::waits_at_most(policy) {
        Bound::AtMost(n) => n > u64::from(previous),
        _ => true,
    };
    if more {
        note += &format!(" {}", schedule::after(policy, previous, "waits"));
    }
    page.paragraph(&note);
    if policy.jitter() == Jitter::Decorrelated {
        page.paragraph(
            "Decorrelated: \"most\" takes every wait before it to have been the longest possible.",
        );
    }
}

fn bar(wait: &Wait, longest_ns: u128, width: u128) -> String {
    let cells = |ns: u128| (ns * width).div_ceil(longest_ns.max(1)) as usize;
    let (least, most) = (cells(wait.least.as_nanos()), cells(wait.most.as_nanos()));
    format!("{}{}", "█".repeat(least), "░".repeat(most - least))
}

/// A sum of waits, which may be longer than any single one.
pub(super) fn total(ns: u128) -> String {
    u64::try_from(ns).map_or_else(
        |_| format!("{} s", ns / 1_000_000_000),
        |ns| exact(Duration::from_nanos(ns)),
    )
}

/// How often something is tried that fails at once every time, when its waits have stopped growing, as it goes on
/// after a colon; `what` in the plural, say "restarts".
pub(super) fn pace(policy: &BackoffPolicy, what: &str) -> String {
    const HOUR_NS: u128 = 3_600_000_000_000;
    let Some(last) = schedule::steady_from(policy) else {
        return format!(
            "ever fewer {what}, since the waits have no cap: the next may be hours away."
        );
    };
    let (least, most) = policy.range(last);
    let from = match last {
        1 => String::new(),
        _ => format!(", from wait no. {} on", count(last.into())),
    };
    if most.is_zero() {
        return format!("without any wait, so nothing bounds how many {what} there are.");
    }
    // Every jitter but decorrelated draws evenly.
    let even = policy.jitter() != Jitter::Decorrelated;
    let average = grouped((HOUR_NS * 20).div_ceil(least.as_nanos() + most.as_nanos()));
    if least.is_zero() {
        return if even {
            format!(
                "{average} {what} an hour on average{from} (jitter can draw waits of 0 s, so there is no bound)."
            )
        } else {
            format!("no bound, since jitter can draw waits of 0 s{from}.")
        };
    }
    let at_most = grouped((HOUR_NS * 10).div_ceil(least.as_nanos()));
    let on_average = if even && least < most {
        format!(", {average} on average")
    } else {
        String::new()
    };
    format!(
        "at most {at_most} {what} an hour (one every {}){on_average}{from}.",
        exact(least)
    )
}

/// Tenths as a number with one decimal, above a hundred as a whole one (rounded up).
fn grouped(tenths: u128) -> String {
    if tenths < 1000 {
        return decimal(tenths, 10);
    }
    let whole = u64::try_from(tenths.div_ceil(10)).unwrap_or(u64::MAX);
    count(whole)
}
