//! docs/machines.md: what the documentation of each machine says before its example, with its diagrams.

use crate::lines::unlinked;
use crate::source;

const BEGIN: &str = "\
# The machines

Each with what it is for, its transition table, the diagram of that table, its deadlines and what it costs: the documentation of the
source, as `cargo doc -p evenkeel-core --open` shows it with an example, the reason of each default, and links. Which one for which problem:
[choosing](choosing.md); their keys in a policy file: [policy](policy.md).

Made by `just diagrams`; a test holds it to the sources and the diagrams to the tables.
";

/// The modules in the order of the page.
const MACHINES: [(&str, &str); 10] = [
    ("Retry", "retry"),
    ("Breaker", "breaker"),
    ("Reconnect", "reconnect"),
    ("Restart", "restart"),
    ("HealthProbe", "health"),
    ("Backoff", "backoff"),
    ("RetryTokens and RetryRatio", "budget"),
    ("AdaptiveThrottle", "throttle"),
    ("BackoffTable, BreakerTable and RecoveryBudget", "table"),
    ("Estimators", "estimator"),
];

/// The types whose documentation has a table beside that of their module.
const TYPES: [(&str, &str, &str); 3] = [
    ("table", "table/backoff", "BackoffTable"),
    ("table", "table/breaker", "BreakerTable"),
    ("table", "table/recovery", "RecoveryBudget"),
];

/// Until the example; headings two deeper, pictures as pictures, links of rustdoc as their text.
fn section(doc: &str, title: &str) -> String {
    let (said, _) = doc.split_once("```").unwrap_or((doc, ""));
    let mut section = String::new();
    for line in said.lines() {
        match line.strip_prefix('@') {
            Some(name) => {
                section += &format!(
                    "![The states of {title} and what leads from one to another](../crates/core/diagrams/{name}.svg)"
                );
            }
            None if line.starts_with('#') => section += &format!("##{line}"),
            None => section += &unlinked(line),
        }
        section.push('\n');
    }
    section.trim_end().to_owned() + "\n"
}

pub(crate) fn page() -> String {
    let mut page = BEGIN.to_owned();
    for (title, module) in MACHINES {
        let doc = section(&source::of_module(module), title);
        page += &format!("\n## {title}\n\n{doc}");
        for (_, inner, name) in TYPES.iter().filter(|(outer, _, _)| *outer == module) {
            let doc = section(&source::of_type(inner, name), name);
            page += &format!("\n### {name}\n\n{doc}");
        }
        page += &format!("\nSource: [{module}](../crates/core/src/{module}/mod.rs).\n");
    }
    page
}
