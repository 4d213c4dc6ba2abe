//! The report is one safe, bounded file that names every transition's cause.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};

use super::{Inputs, html, svg};
use crate::summary::Summary;
use crate::timeline::Timeline;
use crate::timeline::fixtures::{SECOND, round_trip, summary, timeline};

fn policy() -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_secs(1))
        .build()
        .unwrap();
    BreakerPolicy::builder(open, Duration::from_secs(5))
        .window(Window::Count { calls: 50 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 20,
        })
        .build()
        .unwrap()
}

fn report(summary: &Summary, timeline: &Timeline, per_key: bool) -> String {
    html(&Inputs {
        trace_name: "<b>trace</b>.csv",
        policy_name: "policy&.toml",
        policy_text: "# </pre><script>alert(1)</script>",
        policy_notes: &[],
        policy: &policy(),
        seed: 7,
        per_key,
        summary,
        timeline,
    })
}

#[test]
fn each_transition_has_its_cause_in_the_figure_and_in_the_table() {
    let summary = summary(10 * SECOND, &[], round_trip(None, 4 * SECOND, SECOND));
    let page = report(&summary, &timeline(1000, true), false);
    for (text, cause) in [
        ("4.000 s", "failure-rate"),
        ("5.000 s", "wait-over"),
        ("6.000 s", "trials-passed"),
    ] {
        let hover = page
            .lines()
            .filter(|line| line.contains("<title>") || line.contains(cause));
        assert!(hover.count() >= 3, "{cause}");
        let row = page
            .lines()
            .find(|line| line.starts_with("<tr><td title") && line.contains(text));
        assert!(
            row.is_some_and(|row| row.ends_with(&format!("<td>{cause}</td></tr>"))),
            "{cause}"
        );
    }
    assert!(page.contains("failure-rate: at least 50 % of the last 50 calls failed"));
    assert!(
        page.contains("It kept 81\u{a0}of 100\u{a0}failures away"),
        "{page}"
    );
    assert!(page.contains("41\u{a0}good calls refused"));
}

#[test]
fn nothing_from_outside_is_markup() {
    let key = "<img src=x onerror=alert(1)>\"'\u{1b}";
    let summary = summary(10 * SECOND, &[key], round_trip(Some(0), 4 * SECOND, SECOND));
    let page = report(&summary, &timeline(1000, true), true);
    for bad in [
        "<img", "<script", "<b>trace", "\u{1b}", "src=\"", "href=", "url(", "@import", "http:",
        "https:",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;\u{FFFD}"));
    assert!(page.contains("# &lt;/pre&gt;&lt;script&gt;"));
    assert_eq!(svg::escape("a&b\n\u{0}"), "a&amp;b\n\u{FFFD}");
}

#[test]
fn both_p99s_are_drawn_and_named() {
    let mut summary = summary(10 * SECOND, &[], round_trip(None, 4 * SECOND, SECOND));
    let page = report(&summary, &timeline(1000, true), false);
    for part in [
        "</svg>\np99, all calls</li>",
        "</svg>\np99, admitted calls</li>",
        "<path class=\"p99-admitted\"",
        "The p99 of the admitted calls alone",
        "at most 1/128 (0.8 %) too high",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // Without a refusal both are the same line.
    summary.refused = 0;
    let page = report(&summary, &timeline(1000, true), false);
    assert!(!page.contains("class=\"p99-admitted\""));
}

#[test]
fn the_file_stays_small() {
    let names: Vec<String> = (0..200)
        .map(|i| format!("a-rather-long-name-of-a-key-{i}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let changes = (0..200_u32).flat_map(|key| {
        let opens = (0..300).map(move |i| (i * 30 + u64::from(key) % 20) * SECOND);
        opens.flat_map(move |at_ns| round_trip(Some(key), at_ns, 2 * SECOND))
    });
    let summary = summary(9100 * SECOND, &names, changes.collect());
    let page = report(&summary, &timeline(300_000, true), true);
    assert!(page.len() < 700_000, "{}", page.len());
    assert!(page.contains("and 179,500 more"));
    assert!(page.contains("and 176 more keys with transitions"));
}

#[test]
fn a_calm_trace_says_so() {
    let summary = summary(10 * SECOND, &["a"], Vec::new());
    for per_key in [false, true] {
        let page = report(&summary, &timeline(10, true), per_key);
        assert!(page.contains("It never opened."));
        assert!(page.contains("stayed closed throughout"));
    }
    assert!(report(&summary, &Timeline::new(None, true), false).contains("</svg>"));
}

/// Failures of one latency lie over each other: the border of one must not cover the next.
#[test]
fn failures_of_one_latency_do_not_erase_each_other() {
    let summary = summary(10 * SECOND, &[], Vec::new());
    let page = report(&summary, &timeline(1000, true), false);
    assert!(page.contains("stroke-width: .7; paint-order: stroke; }"));
}
