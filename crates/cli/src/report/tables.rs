//! The report's numbers: the most telling ones large, percentiles and transitions as tables.

use evenkeel_core::breaker::Cause;
use evenkeel_core::estimator::LatencySummary;

use super::svg::escape;
use super::{Inputs, arrow, page};
use crate::explain::words;
use crate::numbers;
use crate::summary::{PRECISION, Summary, Tally};
use crate::timeline::axis::Axis;

/// One number of a latency summary.
type Value = fn(&LatencySummary) -> u64;

/// Transitions in the table; the rest is counted.
const MAX_TRANSITIONS: usize = 500;

/// The most telling numbers.
pub(crate) fn tiles(inputs: &Inputs<'_>) -> String {
    let summary = inputs.summary;
    let mut tiles = vec![
        (
            "calls refused",
            numbers::count(summary.refused),
            format!(
                "{} of {}",
                numbers::percent(summary.refused, summary.rows),
                numbers::count(summary.rows)
            ),
        ),
        tally("failures kept away", &summary.failures),
    ];
    tiles.extend(
        summary
            .slow
            .as_ref()
            .map(|slow| tally("slow calls kept away", slow)),
    );
    tiles.push(tally("good calls refused", &summary.good));
    if let Some((before, after)) = summary.latency_before.zip(summary.latency_after) {
        tiles.push((
            "p99 of what was admitted",
            numbers::rounded(after.p99),
            format!("{} of all calls", numbers::rounded(before.p99)),
        ));
    }
    page::tiles(tiles)
}

fn tally(name: &'static str, tally: &Tally) -> (&'static str, String, String) {
    let share = numbers::percent(tally.avoided, tally.seen);
    let about = match tally.seen {
        0 => "there were none".to_owned(),
        seen => format!("{share} of {}", numbers::count(seen)),
    };
    (name, numbers::count(tally.avoided), about)
}

/// Percentiles before and after.
pub(crate) fn latency(summary: &Summary) -> String {
    let cell = |of: &Option<LatencySummary>, value: Value| {
        of.as_ref()
            .map_or_else(|| "-".to_owned(), |of| numbers::rounded(value(of)))
    };
    let count = |of: &Option<LatencySummary>| numbers::count(of.as_ref().map_or(0, |of| of.count));
    let (before, after) = (&summary.latency_before, &summary.latency_after);
    let mut rows = format!(
        "<tr><th scope=\"row\">calls</th><td>{}</td><td>{}</td></tr>\n",
        count(before),
        count(after)
    );
    let values: [(&str, Value); 8] = [
        ("mean", |of| of.mean),
        ("min", |of| of.min),
        ("p50", |of| of.p50),
        ("p90", |of| of.p90),
        ("p95", |of| of.p95),
        ("p99", |of| of.p99),
        ("p99.9", |of| of.p999),
        ("max", |of| of.max),
    ];
    for (name, value) in values {
        rows += &format!(
            "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td></tr>\n",
            cell(before, value),
            cell(after, value)
        );
    }
    format!(
        "<section>\n<h2>Latency</h2>\n<table class=\"numbers\">\n<thead><tr><th></th><th scope=\"col\">all calls</th>\
         <th scope=\"col\">admitted calls</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n\
         <p class=\"note\">{PRECISION}</p>\n</section>\n"
    )
}

/// Each transition, and what the causes mean under this policy.
pub(crate) fn transitions(inputs: &Inputs<'_>) -> String {
    let all = &inputs.summary.transitions;
    let mut section = format!(
        "<section>\n<h2>Transitions ({})</h2>\n",
        numbers::count(all.len() as u64)
    );
    if all.is_empty() {
        return section + "<p>The breaker stayed closed throughout.</p>\n</section>\n";
    }
    let axis = Axis::of(inputs.summary);
    let key_head = if inputs.per_key {
        "<th scope=\"col\">key</th>"
    } else {
        ""
    };
    section += &format!(
        "<div class=\"tall\" tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">after</th>{key_head}\
         <th scope=\"col\">phase</th><th scope=\"col\">cause</th></tr></thead>\n<tbody>\n"
    );
    for change in all.iter().take(MAX_TRANSITIONS) {
        let transition = &change.transition;
        let key = inputs
            .summary
            .key_name(change)
            .map_or_else(String::new, |key| {
                format!("<td class=\"key\">{}</td>", escape(key))
            });
        section += &format!(
            "<tr><td title=\"t_ns {}\">{}</td>{key}<td class=\"to-{}\">{}</td><td>{}</td></tr>\n",
            transition.at_ns,
            axis.text(transition.at_ns),
            transition.to,
            arrow(transition),
            transition.cause
        );
    }
    section.push_str("</tbody>\n</table>\n</div>\n");
    if all.len() > MAX_TRANSITIONS {
        let rest = (all.len() - MAX_TRANSITIONS) as u64;
        section += &format!("<p class=\"note\">and {} more</p>\n", numbers::count(rest));
    }
    section + &causes(inputs) + "</section>\n"
}

/// The causes that occurred, in words.
fn causes(inputs: &Inputs<'_>) -> String {
    let mut met: Vec<Cause> = Vec::new();
    for change in &inputs.summary.transitions {
        if !met.contains(&change.transition.cause) {
            met.push(change.transition.cause);
        }
    }
    let items: String = met
        .into_iter()
        .map(|cause| {
            let meaning = escape(&words::cause(cause, inputs.policy));
            format!("<div><dt>{cause}</dt><dd>{meaning}</dd></div>\n")
        })
        .collect();
    format!("<dl class=\"causes\">\n{items}</dl>\n")
}
