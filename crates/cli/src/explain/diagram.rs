//! State diagrams in box characters, with the policy's own numbers on the arrows.

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::BreakerPolicy;

use super::{schedule, words};
use crate::numbers::{count, counted, exact};
use crate::wrap::wrap;

/// The way down from one box to the next, right of the rail that leads back to the first.
const STEM: &str = "  │           │";
const HEAD: &str = "  │           ▼";
const TOP: &str = "  │     ┌───────────┐";
const BOTTOM: &str = "  │     └─────┬─────┘";
/// What stands before a box: the first has the way back leading to it.
const FIRST: &str = "  ┌───▶ ";
const BEFORE: &str = "  │     ";
const BACK: &str = "  └───────────┘";
/// The column of the rail that leads from half-open back to open.
const RAIL: usize = 44;

/// The three phases of a breaker and what leads from one to the next.
pub(crate) fn breaker(policy: &BreakerPolicy, width: usize) -> Vec<String> {
    let passes = policy.ramp().map_or_else(
        || "all calls pass".to_owned(),
        |ramp| {
            format!(
                "all calls pass; after a close a growing share, all after {}",
                exact(ramp)
            )
        },
    );
    let mut lines = vec!["        ┌───────────┐".to_owned()];
    beside(
        &mut lines,
        &["  ┌───▶ │  closed   │", BOTTOM],
        &passes,
        width,
    );
    for (i, trigger) in words::triggers(policy).into_iter().enumerate() {
        let lead = if i == 0 { "opens when" } else { "or when" };
        beside(&mut lines, &[STEM], &format!("{lead} {trigger}"), width);
    }
    beside(
        &mut lines,
        &[STEM],
        "or at an answer of \"overloaded\"",
        width,
    );
    lines.push(HEAD.to_owned());
    open_to_half_open(&mut lines, policy, width);
    beside(&mut lines, &[BOTTOM], "", width);
    let closes = format!(
        "closes as soon as {} passed",
        words::trials_have(policy.successes())
    );
    beside(&mut lines, &[STEM], &closes, width);
    lines.push(BACK.to_owned());
    lines
}

/// The two lower boxes, with a way down and a way up between them.
fn open_to_half_open(lines: &mut Vec<String>, policy: &BreakerPolicy, width: usize) {
    let failed = words::trials_have(policy.trials() - policy.successes() + 1);
    let reopens = format!("re-opens as soon as {failed} failed");
    let mut right = wrap(&reopens, width - RAIL - 3).into_iter();
    lines.push(TOP.to_owned());
    lines.push(format!(
        "{}┐  no call passes",
        ruled("  │     │   open    │ ◀", RAIL)
    ));
    let mut left = vec![BOTTOM.to_owned()];
    for line in wrap(&wait(policy), RAIL - STEM.chars().count() - 3) {
        left.push(format!("{STEM}  {line}"));
    }
    left.push(HEAD.to_owned());
    left.push(TOP.to_owned());
    for (i, start) in left.iter().enumerate() {
        let text = if i == 0 { None } else { right.next() };
        let padding = " ".repeat(RAIL - start.chars().count());
        let line = format!("{start}{padding}│  {}", text.unwrap_or_default());
        lines.push(line.trim_end().to_owned());
    }
    lines.push(format!(
        "{}┘  {}",
        ruled("  │     │ half-open │ ", RAIL),
        trials(policy)
    ));
}

/// A box of a [`cycle`].
pub(super) struct Stage {
    /// At most 10 characters.
    pub(super) name: &'static str,
    /// Whether an arrow leads from the box to the text beside it.
    pub(super) leaves: bool,
    pub(super) beside: String,
    /// What leads to the next box, a text each.
    pub(super) down: Vec<String>,
}

/// Boxes one below the other, and a way back from the last to the first.
pub(super) fn cycle(stages: &[Stage], width: usize) -> Vec<String> {
    let longest = stages.iter().map(|stage| stage.name.len()).max();
    // As wide as the boxes of a breaker, or as the longest name needs.
    let inner = longest.unwrap_or(0).max(9) + 2;
    let top = format!("┌{}┐", "─".repeat(inner));
    let bottom = format!("{BEFORE}└─────┬{}┘", "─".repeat(inner - 6));
    let mut lines = vec![format!("        {top}")];
    for (i, stage) in stages.iter().enumerate() {
        let start = if i == 0 { FIRST } else { BEFORE };
        let arrow = if stage.leaves { " ───▶" } else { "" };
        let name = stage.name;
        let art = format!("{start}│{name:^inner$}│{arrow}");
        if i > 0 {
            lines.push(HEAD.to_owned());
            lines.push(format!("{BEFORE}{top}"));
        }
        beside(&mut lines, &[&art, &bottom], &stage.beside, width);
        for text in &stage.down {
            beside(&mut lines, &[STEM], text, width);
        }
    }
    lines.push(BACK.to_owned());
    lines
}

/// A call and its retries.
pub(crate) fn backoff(policy: &BackoffPolicy, width: usize) -> Vec<String> {
    let mut limits = Vec::new();
    match policy.max_retries() {
        Some(1) => limits.push("after 1 retry".to_owned()),
        Some(retries) => limits.push(format!("after {retries} retries")),
        None => {}
    }
    if let Some(total) = policy.max_total_wait() {
        let total = exact(total);
        limits.push(format!(
            "where the waits would be longer than {total} together"
        ));
    }
    let fails = if limits.is_empty() {
        "fails: next wait, without end".to_owned()
    } else {
        format!("fails: next wait; given up {}", limits.join(", or "))
    };
    let attempt = Stage {
        name: "attempt",
        leaves: true,
        beside: "succeeds: done".to_owned(),
        down: vec![fails],
    };
    cycle(&[attempt, waiting(policy, "wait", "retry")], width)
}

/// The box of a wait, with its schedule beside it.
pub(super) fn waiting(policy: &BackoffPolicy, name: &'static str, step: &str) -> Stage {
    Stage {
        name,
        leaves: false,
        beside: words::schedule(policy, step),
        down: Vec::new(),
    }
}

/// The lines of `art`, with text beside them; where the text is longer, the way down goes on beside it.
fn beside(lines: &mut Vec<String>, art: &[&str], text: &str, width: usize) {
    let column = art.first().map_or(0, |first| first.chars().count()) + 2;
    let texts = wrap(text, width - column);
    for i in 0..texts.len().max(art.len()) {
        let start = art.get(i).unwrap_or(&STEM);
        let text = texts.get(i).map_or("", String::as_str);
        let padding = " ".repeat(column - start.chars().count());
        lines.push(format!("{start}{padding}{text}").trim_end().to_owned());
    }
}

/// `start`, drawn on to a column.
fn ruled(start: &str, column: usize) -> String {
    format!("{start}{}", "─".repeat(column - start.chars().count()))
}

fn wait(policy: &BreakerPolicy) -> String {
    let open = policy.open();
    let first = words::range(open.range(1));
    let later = match schedule::steady_from(open) {
        Some(1) => String::new(),
        Some(last) => format!(", at last {}", words::range(open.range(last))),
        None => ", longer each time".to_owned(),
    };
    let health = if policy.until_healthy() {
        ", once it is reported up"
    } else {
        ""
    };
    format!("after {first}{later}{health}")
}

fn trials(policy: &BreakerPolicy) -> String {
    let trials = policy.trials();
    let at_once = match policy.max_in_flight() {
        n if n < trials => format!(", {} at a time", count(n.into())),
        _ => String::new(),
    };
    format!("{}{at_once}", counted(trials.into(), "trial"))
}
