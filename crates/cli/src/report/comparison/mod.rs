//! The report of a what-if: what was recorded and what another policy would have done, side by side, in one HTML file.

mod figure;

use evenkeel_replay::what_if::{Changed, Compared, Tally, WhatIf};

use super::page::{self, Head};
use super::svg::escape;
use crate::journal::blocks::{Block, blocks};
use crate::journal::clock::Clock;
use crate::journal::what_if::{LENT, NOTE, limits, rows, told};
use crate::numbers;
use crate::policy::PolicyFile;
use crate::timeline::axis::Axis;

/// Machines that get a section.
const MAX_MACHINES: usize = 24;
/// Ends of operations that were refused their next attempt.
const ENDED_BY_REFUSAL: [&str; 3] = ["breaker-open", "budget-spent", "refused"];
/// Changes in a table; the rest is counted.
const MAX_CHANGES: usize = 200;

/// What the style of all reports lacks. Blue is let through and orange is refused here, too; what was recorded is
/// grey and dashed.
const CSS: &str = "\
svg .before { stroke: var(--soft); stroke-width: 1.6; stroke-dasharray: 4 3; stroke-linejoin: round; }
svg .after-admitted { stroke: var(--pass); stroke-width: 1.8; stroke-linejoin: round; }
svg .after-refused { stroke: var(--refuse); stroke-width: 1.8; stroke-linejoin: round; }
svg .other { fill: var(--soft); fill-opacity: .5; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 16px; margin-top: 16px; }
.sides h3 { margin: 0 0 8px; font-size: 1rem; }
.part th { padding-left: 30px; font-weight: 400; color: var(--soft); }
h3 { margin: 22px 0 8px; font-size: 1rem; }
.what { margin-bottom: 10px; }
";

/// The whole file.
pub(crate) fn html(journal: &str, file: &PolicyFile, found: &WhatIf) -> String {
    let blocks = blocks(found);
    let mut body = tiles(&blocks, found);
    body += &format!(
        "<section>\n<p class=\"words\">{}</p>\n<p class=\"note\">{}</p>\n</section>\n",
        escape(NOTE),
        escape(&limits(found)).replace('\n', "<br>\n")
    );
    let changed: Vec<&Block> = blocks.iter().filter(|of| !of.is_untouched).collect();
    for block in changed.iter().take(MAX_MACHINES) {
        body += &section(block, found);
    }
    if let more @ 1.. = changed.len().saturating_sub(MAX_MACHINES) {
        let more = numbers::counted(more as u64, "more machine");
        body += &format!("<p class=\"note\">{more} that part: --json has all.</p>\n");
    }
    body += &as_recorded(&blocks);
    body += &format!(
        "<section>\n<h2>The policy</h2>\n<pre>{}</pre>\n</section>\n",
        escape(file.text.trim_end())
    );
    let about = format!(
        "what the policy <b>{}</b> would have done, beside what was recorded; seed {}, unknown outcomes: {}",
        escape(&file.name),
        found.seed,
        found.assumed.name()
    );
    let head = Head {
        command: "what-if",
        title: &format!("{journal} under {}", file.name),
        heading: journal,
        about: &[about],
        style: CSS,
    };
    page::html(&head, &body)
}

/// The most telling numbers: what came of all machines that do something else. Attempts of retries are admitted too, and
/// operations that end because they were refused are refused.
fn tiles(blocks: &[Block], found: &WhatIf) -> String {
    let changed = || blocks.iter().filter(|of| !of.is_untouched);
    let sum = |of: fn(&Compared) -> u64| changed().map(|block| of(&block.sum)).sum::<u64>();
    let both = |name, before: u64, after: u64| {
        let about = format!("{} recorded", numbers::count(before));
        (name, numbers::count(after), about)
    };
    let tiles = [
        both(
            "admitted",
            sum(|of| of.before.admitted),
            sum(|of| of.after.admitted),
        ),
        both(
            "refused",
            sum(|of| refused(&of.before)),
            sum(|of| refused(&of.after)),
        ),
        (
            "other decisions",
            numbers::count(sum(|of| of.differing)),
            format!("of {}", numbers::counted(found.ops, "call")),
        ),
        (
            "outcomes unknown",
            numbers::count(sum(|of| of.unknown)),
            format!(
                "{} skipped",
                numbers::counted(sum(|of| of.skipped), "report")
            ),
        ),
    ];
    page::tiles(tiles)
}

/// How often the answer was a no: of a gate, or at the end of an operation that its breaker or budget refused.
fn refused(tally: &Tally) -> u64 {
    let ended = ENDED_BY_REFUSAL
        .iter()
        .filter_map(|name| tally.ended.get(name));
    tally.refusals() + ended.sum::<u64>()
}

/// Machines of one kind and name: what they did, and where the two runs part.
fn section(block: &Block, found: &WhatIf) -> String {
    let machine = &block.sum;
    let axis = Axis::between(found.from_ns, found.to_ns);
    let mut text = format!(
        "<section>\n<h2>{}</h2>\n<p class=\"what\">{}</p>\n",
        escape(&block.title()),
        block.begun()
    );
    text += &figure::legend(block);
    text += &format!(
        "<div class=\"figure\" tabindex=\"0\">\n{}</div>\n",
        figure::draw(block, found, axis)
    );
    text += &numbers_table(machine);
    text += &parting(block, found);
    text += "<div class=\"sides\">\n";
    text += &changes("Recorded", &machine.changes_before, axis);
    text += &changes("What-if", &machine.changes_after, axis);
    text + "</div>\n</section>\n"
}

fn numbers_table(machine: &Compared) -> String {
    let rows: String = rows(&machine.before, &machine.after)
        .iter()
        .map(|row| {
            let class = if row.depth > 0 { " class=\"part\"" } else { "" };
            format!(
                "<tr{class}><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
                escape(&row.name),
                row.before,
                row.after
            )
        })
        .collect();
    format!(
        "<h3>What it did</h3>\n<table class=\"numbers\">\n<thead><tr><th></th><th scope=\"col\">recorded</th>\
         <th scope=\"col\">what-if</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn parting(block: &Block, found: &WhatIf) -> String {
    let Some(first) = &block.sum.parted else {
        if block.is_only_lent() {
            return format!("<p class=\"note\">{LENT}.</p>\n");
        }
        return "<p class=\"note\">No decision parts.</p>\n".to_owned();
    };
    let told = told(first, Clock::since(found.from_ns));
    format!(
        "<h3>Where they part</h3>\n<p class=\"words\">The first difference {}: <code>{}</code></p>\n\
         <table>\n<tbody>\n<tr><th scope=\"row\">recorded</th><td>{}</td></tr>\n\
         <tr><th scope=\"row\">what-if</th><td>{}</td></tr>\n</tbody>\n</table>\n",
        escape(&told.when),
        escape(&told.call),
        escape(&told.before),
        escape(&told.after)
    )
}

fn changes(name: &str, changed: &Changed, axis: Axis) -> String {
    let all = changed.list.len() as u64 + changed.left_out;
    let mut text = format!(
        "<div>\n<h3>{name}: {}</h3>\n",
        numbers::counted(all, "change")
    );
    if changed.list.is_empty() {
        return text + "</div>\n";
    }
    text += "<div class=\"tall\" tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">after</th>\
             <th scope=\"col\">change</th><th scope=\"col\">cause</th></tr></thead>\n<tbody>\n";
    for change in changed.list.iter().take(MAX_CHANGES) {
        text += &format!(
            "<tr><td title=\"t_ns {}\">{}</td><td class=\"to-{}\">{} → {}</td><td>{}</td></tr>\n",
            change.at_ns,
            axis.text(change.at_ns),
            change.to,
            change.from,
            change.to,
            change.cause
        );
    }
    text += "</tbody>\n</table>\n</div>\n";
    if let more @ 1.. = all.saturating_sub(MAX_CHANGES as u64) {
        text += &format!("<p class=\"note\">and {} more</p>\n", numbers::count(more));
    }
    text + "</div>\n"
}

fn as_recorded(blocks: &[Block]) -> String {
    let names: Vec<String> = blocks
        .iter()
        .filter(|of| of.is_untouched)
        .take(MAX_MACHINES)
        .map(|of| escape(&of.title()))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "<section>\n<h2>As recorded</h2>\n<p class=\"words\">{}</p>\n</section>\n",
        names.join(", ")
    )
}
