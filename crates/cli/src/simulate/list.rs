//! `evenkeel simulate --list`: the built-in scenarios with their parameters and what they measure.

use evenkeel_sim::scenarios;

use crate::wrap::wrap;

/// All of them, for people.
pub(crate) fn text(width: usize) -> String {
    let mut text = String::new();
    for mut scenario in scenarios::all() {
        text += &format!("{}\n", scenario.name());
        for line in wrap(scenario.about(), width.saturating_sub(2)) {
            text += &format!("  {line}\n");
        }
        text += "\n  parameters\n";
        let params = scenario.params();
        let rows = params.iter().map(|param| {
            let name = format!("{} = {}", param.name(), param.value());
            (name, format!("{}: {}", param.about(), param.range()))
        });
        text += &beside(&rows.collect::<Vec<_>>(), width);
        drop(params);
        text += "  metrics\n";
        let rows = scenario.metrics().iter().map(|metric| {
            let unit = match metric.unit {
                "" => String::new(),
                unit => format!(" ({unit})"),
            };
            (metric.name.to_owned(), format!("{}{unit}", metric.about))
        });
        text += &beside(&rows.collect::<Vec<_>>(), width);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Words to the left, what they mean to the right.
fn beside(rows: &[(String, String)], width: usize) -> String {
    let left = rows.iter().map(|(name, _)| name.chars().count()).max();
    let left = left.unwrap_or(0);
    let mut text = String::new();
    for (name, about) in rows {
        let mut name = name.as_str();
        for line in wrap(about, width.saturating_sub(left + 6).max(20)) {
            text += &format!("    {name:left$}  {line}\n");
            name = "";
        }
    }
    text
}
