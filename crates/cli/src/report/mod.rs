//! The report of a replay: one HTML file that needs nothing else.

pub(crate) mod comparison;
mod figure;
mod lanes;
mod latency;
pub(crate) mod page;
mod shares;
pub(crate) mod style;
pub(crate) mod svg;
mod tables;
#[cfg(test)]
mod tests;

use evenkeel_core::breaker::{BreakerPolicy, Transition};

use crate::explain::words;
use crate::numbers;
use crate::summary::Summary;
use crate::timeline::axis::Axis;
use crate::timeline::phases;
use crate::timeline::{Kind, Timeline};
use crate::wrap;
use page::Head;
use svg::{Path, Svg, escape};

/// What the report is about.
pub(crate) struct Inputs<'a> {
    pub(crate) trace_name: &'a str,
    pub(crate) policy_name: &'a str,
    /// The policy file, as it is.
    pub(crate) policy_text: &'a str,
    /// Printed, not drawn.
    pub(crate) policy_notes: &'a [String],
    pub(crate) policy: &'a BreakerPolicy,
    pub(crate) seed: u64,
    /// Whether each key had a breaker of its own.
    pub(crate) per_key: bool,
    pub(crate) summary: &'a Summary,
    /// Made with its details.
    pub(crate) timeline: &'a Timeline,
}

/// The whole file.
pub(crate) fn html(inputs: &Inputs<'_>) -> String {
    let breakers = if inputs.per_key {
        "a breaker for each key"
    } else {
        "one breaker for all keys"
    };
    let about = format!(
        "under the policy <b>{}</b>, with {breakers}, seed {}",
        escape(inputs.policy_name),
        inputs.seed
    );
    let head = Head {
        command: "replay",
        title: &format!("{} under {}", inputs.trace_name, inputs.policy_name),
        heading: inputs.trace_name,
        about: &[about],
        style: "",
    };
    let body = [
        tables::tiles(inputs),
        in_words(inputs),
        figure_section(inputs),
        policy_section(inputs),
        tables::latency(inputs.summary),
        tables::transitions(inputs),
    ];
    page::html(&head, &body.concat())
}

/// The result in sentences.
fn in_words(inputs: &Inputs<'_>) -> String {
    let summary = inputs.summary;
    let axis = Axis::of(summary);
    let mut sentences = vec![format!(
        "Of {} over {}, the breaker would have let {} through and refused {} ({}).",
        numbers::counted(summary.rows, "call"),
        numbers::rounded(axis.span_ns()),
        numbers::count(summary.admitted),
        numbers::count(summary.refused),
        numbers::percent(summary.refused, summary.rows)
    )];
    sentences.push(opened(inputs));
    let failures = &summary.failures;
    let kept = if failures.seen == 0 {
        "No call failed".to_owned()
    } else {
        format!(
            "It kept {} of {} away",
            numbers::count(failures.avoided),
            numbers::counted(failures.seen, "failure")
        )
    };
    let slow = match (&summary.slow, inputs.timeline.slow_limit_ns()) {
        (Some(slow), Some(limit)) if slow.seen > 0 => format!(
            "; of {} slower than {} it kept {} away",
            numbers::counted(slow.seen, "call"),
            numbers::rounded(limit),
            numbers::count(slow.avoided)
        ),
        (Some(_), Some(limit)) => format!("; none was slower than {}", numbers::rounded(limit)),
        _ => String::new(),
    };
    let price = match summary.good.avoided {
        0 => "No good call was refused.".to_owned(),
        n => format!("The price: {} refused.", numbers::counted(n, "good call")),
    };
    sentences.push(format!("{kept}{slow}. {price}"));
    let caveat = "Recorded outcomes are taken as independent of what was admitted: a refused call is taken to have \
                  ended as recorded, and refusing it to have changed no other call.";
    format!(
        "<section>\n<p class=\"words\">{}</p>\n<p class=\"note\">{caveat}</p>\n</section>\n",
        prose(&sentences.join(" "))
    )
}

/// How often it opened, and for how long.
fn opened(inputs: &Inputs<'_>) -> String {
    let histories = phases::histories(inputs.summary, inputs.per_key);
    let openings: u64 = histories.iter().map(phases::History::openings).sum();
    let Some(worst) = histories.first().filter(|_| openings > 0) else {
        return "It never opened.".to_owned();
    };
    let troubled = numbers::rounded(worst.troubled_ns);
    let times = numbers::counted(openings, "time");
    if inputs.per_key {
        let of = inputs.summary.keys.len() as u64;
        format!(
            "It opened {times}, on {} of {}; the longest not closed was {}, for {troubled} in all.",
            numbers::count(histories.len() as u64),
            numbers::counted(of, "key"),
            worst.name(inputs.summary)
        )
    } else {
        format!("It opened {times} and was not closed for {troubled} in all.")
    }
}

fn figure_section(inputs: &Inputs<'_>) -> String {
    let timeline = inputs.timeline;
    let shown = timeline.points().len() as u64;
    let points = if shown < inputs.summary.rows {
        format!(
            "The points are {} of {}: an even sample, and of each stretch of time the slowest call of each kind.",
            numbers::count(shown),
            numbers::counted(inputs.summary.rows, "call")
        )
    } else {
        "Each call is a point.".to_owned()
    };
    let marks = if inputs.summary.transitions.is_empty() {
        ""
    } else {
        " A mark on a lane says when and why if you hover over it."
    };
    let admitted = if inputs.summary.refused > 0 {
        " The p99 of the admitted calls alone, which is what callers would have met, is drawn under that of \
         all calls: it shows where they differ."
    } else {
        ""
    };
    let rolling = format!(
        "Percentiles (at most 1/16 too high) and shares are rolling: over the last {} before each place, \
         all calls together, refused ones too.{admitted}{marks}",
        numbers::rounded(timeline.rolling_ns())
    );
    let zero = if inputs
        .summary
        .latency_before
        .is_some_and(|before| before.min == 0)
    {
        " A latency of 0 lies on the lower edge."
    } else {
        ""
    };
    format!(
        "<section>\n<h2>Over time</h2>\n{}<div class=\"figure\" tabindex=\"0\">\n{}</div>\n\
         <p class=\"note\">{points}{zero} {rolling}</p>\n</section>\n",
        legend(inputs),
        figure::draw(inputs)
    )
}

/// What the colours and shapes of the figure mean.
fn legend(inputs: &Inputs<'_>) -> String {
    let mut items = String::new();
    let mut item = |name: &str, draw: &dyn Fn(&mut Svg)| {
        let mut svg = Svg::new(26.0, 14.0, name);
        draw(&mut svg);
        items += &format!("<li>{}{}</li>\n", svg.finish(), escape(name));
    };
    for (kind, name) in [
        (Kind::AdmittedOk, "admitted, ok"),
        (Kind::AdmittedFailed, "admitted, failed"),
        (Kind::RefusedOk, "refused, ok"),
        (Kind::RefusedFailed, "refused, failed"),
    ] {
        let (class, shape) = latency::look(kind);
        item(name, &|svg| {
            let mut path = Path::default();
            for x in [6.0, 19.0] {
                path.shape(x, 7.0, shape);
            }
            svg.path(class, &path);
        });
    }
    let mut lines = vec![
        ("p50", "median, all calls"),
        ("p99", "p99, all calls"),
        ("failed", "share failed"),
    ];
    if inputs.summary.refused > 0 {
        lines.insert(2, ("p99-admitted", "p99, admitted calls"));
    }
    if inputs.timeline.slow_limit_ns().is_some() {
        lines.extend([("limit", "slow limit"), ("slow", "share slow")]);
    }
    for (class, name) in lines {
        item(name, &|svg| svg.line(class, (1.0, 7.0), (25.0, 7.0)));
    }
    item("share refused", &|svg| {
        svg.rect("refused-area", 1.0, 3.0, 24.0, 9.0);
        svg.line("refused-line", (1.0, 3.0), (25.0, 3.0));
    });
    for (class, name) in [
        ("closed", "closed"),
        ("half", "half-open"),
        ("open", "open"),
    ] {
        item(name, &|svg| svg.rect(class, 1.0, 2.0, 24.0, 10.0));
    }
    format!("<ul class=\"legend\">\n{items}</ul>\n")
}

fn policy_section(inputs: &Inputs<'_>) -> String {
    let sentences: String = words::breaker(inputs.policy)
        .iter()
        .map(|sentence| format!("<li>{}</li>\n", prose(sentence)))
        .collect();
    format!(
        "<section>\n<h2>The policy</h2>\n<ul class=\"words\">\n{sentences}</ul>\n<pre>{}</pre>\n</section>\n",
        escape(inputs.policy_text.trim_end())
    )
}

/// Escaped text in which no line breaks between a number and its unit.
fn prose(text: &str) -> String {
    escape(&wrap::glued(text))
}

/// `closed → open`.
fn arrow(transition: &Transition) -> String {
    format!("{} → {}", transition.from, transition.to)
}
