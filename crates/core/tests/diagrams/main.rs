//! The diagrams of the machines are drawn from the transition tables of their documentation, and docs/machines.md is made
//! of both.
//!
//! `EVENKEEL_BLESS=1` (`just diagrams`) writes them anew.

mod draw;
mod layout;
mod lines;
mod page;
mod source;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use layout::Layout;
use table::Table;

/// The machines that have phases: the module, which of its tables has them, and the name of the picture.
const DIAGRAMS: [(&str, usize, &str); 6] = [
    ("breaker", 0, "breaker"),
    ("retry", 0, "retry"),
    ("reconnect", 0, "reconnect"),
    ("restart", 0, "restart"),
    ("health", 0, "health_verdict"),
    ("health", 1, "health_probe"),
];

fn krate() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table(module: &str, number: usize) -> Table {
    let doc = source::of_module(module);
    let table = source::tables(&doc).into_iter().nth(number);
    Table::read(&table.expect("a table of the module"))
}

/// The file that this build makes, unless it is there already: to be blessed, or to be complained about.
fn keep(path: &Path, now: &str, stale: &mut Vec<PathBuf>) {
    if fs::read_to_string(path).is_ok_and(|there| there == now) {
        return;
    }
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        fs::write(path, now).expect("the file can be written");
        println!("{} written anew", path.display());
    } else {
        stale.push(path.to_owned());
    }
}

#[test]
fn every_diagram_is_the_one_of_its_table() {
    let mut stale = Vec::new();
    for (module, number, name) in DIAGRAMS {
        let layout = Layout::of(&table(module, number));
        let path = krate().join(format!("diagrams/{name}.svg"));
        keep(&path, &draw::svg(name, &layout), &mut stale);
    }
    assert!(
        stale.is_empty(),
        "not of their tables (`just diagrams`): {stale:?}"
    );
}

#[test]
fn the_page_of_the_machines_is_made_of_their_documentation() {
    let mut stale = Vec::new();
    keep(
        &krate().join("../../docs/machines.md"),
        &page::page(),
        &mut stale,
    );
    assert!(
        stale.is_empty(),
        "not what the sources say (`just diagrams`): {stale:?}"
    );
}

/// Who adds a machine with phases adds its picture; and its page shows it.
#[test]
fn every_table_with_transitions_has_a_diagram_on_its_page() {
    for (module, doc) in source::modules() {
        let tables = source::tables(&doc);
        let drawn = tables
            .iter()
            .enumerate()
            .filter(|(_, text)| text.contains("→ **"));
        let drawn: Vec<_> = drawn.map(|(number, _)| number).collect();
        let listed = DIAGRAMS.iter().filter(|(name, _, _)| *name == module);
        assert_eq!(
            drawn,
            listed.map(|(_, number, _)| *number).collect::<Vec<_>>(),
            "{module}"
        );
    }
    for (module, _, name) in DIAGRAMS {
        let text = source::text(module);
        let shown = format!("#![doc = include_str!(\"../../diagrams/{name}.svg\")]");
        assert!(text.contains(&shown), "{module} does not show {name}");
    }
}

#[test]
fn the_breakers_arrows_are_those_of_its_table() {
    let table = table("breaker", 0);
    let arrows = table.arrows.iter().map(|arrow| {
        let [from, to] = [arrow.from, arrow.to].map(|state| table.states[state].as_str());
        let events = arrow.labels.iter().map(|label| label.event.as_str());
        format!("{from} -> {to}: {}", events.collect::<Vec<_>>().join(" | "))
    });
    let wanted = [
        "closed -> open: success, failure | overloaded",
        "open -> half-open: time",
        "half-open -> closed: success",
        "half-open -> open: failure, time | overloaded",
    ];
    assert_eq!(arrows.collect::<Vec<_>>(), wanted);
}

#[test]
fn no_label_lies_over_another_or_over_a_line() {
    for (module, number, name) in DIAGRAMS {
        let layout = Layout::of(&table(module, number));
        let labels = layout.label_boxes();
        let solid: Vec<_> = layout
            .line_boxes()
            .into_iter()
            .chain(layout.state_boxes())
            .collect();
        for (at, label) in labels.iter().enumerate() {
            let others = labels[at + 1..].iter().chain(&solid);
            for other in others {
                assert!(!label.meets(other), "{name}: {label:?} over {other:?}");
            }
            assert!(label.left >= 0 && label.top >= 0, "{name}: {label:?}");
            assert!(
                label.right <= layout.width && label.bottom <= layout.height,
                "{name}"
            );
        }
    }
}
