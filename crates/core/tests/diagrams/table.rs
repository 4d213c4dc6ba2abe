//! A transition table read: its states, and what leads from which to which.

use crate::lines::unlinked;

/// What leads along an arrow: the column's event, and under which condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) event: String,
    pub(crate) condition: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) labels: Vec<Label>,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// The first is the one that a new machine is in.
    pub(crate) states: Vec<String>,
    pub(crate) arrows: Vec<Arrow>,
    /// What leads to one state from each of the others, alike.
    pub(crate) from_anywhere: Vec<(usize, Label)>,
}

impl Table {
    /// The first column has the states (with a comma, in rows of their own, what they depend on), each other column an
    /// event; in a cell stands, after each semicolon, a condition and `→ **state**`.
    pub(crate) fn read(text: &str) -> Self {
        let mut rows = text.lines().map(cells);
        let header = rows.next().expect("a header");
        let rows: Vec<Vec<String>> = rows.skip(1).collect();
        let mut states = Vec::new();
        for row in &rows {
            let state = state(&row[0]);
            if !states.contains(&state) {
                states.push(state);
            }
        }
        let number = |name: &str| {
            let found = states.iter().position(|state| state == name);
            found.unwrap_or_else(|| panic!("{name} is no state of the table"))
        };
        let mut found = Vec::new();
        for row in &rows {
            for (event, cell) in header.iter().zip(row).skip(1) {
                for (condition, target) in transitions(cell) {
                    let event = event.clone();
                    let label = Label { event, condition };
                    found.push((number(&state(&row[0])), number(&target), label));
                }
            }
        }
        let from_anywhere = common(&mut found, states.len());
        let mut arrows: Vec<Arrow> = Vec::new();
        for (from, to, label) in found {
            let there = arrows
                .iter_mut()
                .find(|arrow| (arrow.from, arrow.to) == (from, to));
            match there {
                Some(arrow) => join(&mut arrow.labels, label),
                None => arrows.push(Arrow {
                    from,
                    to,
                    labels: vec![label],
                }),
            }
        }
        Self {
            states,
            arrows,
            from_anywhere,
        }
    }
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_matches('|');
    row.split('|').map(|cell| unlinked(cell.trim())).collect()
}

fn state(cell: &str) -> String {
    cell.split(',').next().unwrap_or(cell).to_owned()
}

/// The conditions and targets in a cell.
fn transitions(cell: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for clause in cell.split(';') {
        let Some((before, after)) = clause.split_once('→') else {
            continue;
        };
        // What stands between the arrow and the state ("maybe") belongs to the condition.
        let mut parts = after.split("**");
        let hedge = parts.next().unwrap_or("").trim();
        let target = parts.next().expect("a state in bold");
        let condition = before.trim().trim_end_matches(',').replace('`', "");
        found.push((
            format!("{condition} {hedge}").trim().to_owned(),
            target.to_owned(),
        ));
    }
    found
}

/// Takes out what leads from each other state to one, and gives it.
fn common(found: &mut Vec<(usize, usize, Label)>, states: usize) -> Vec<(usize, Label)> {
    let mut everywhere = Vec::new();
    for (_, to, label) in found.clone() {
        let alike = found
            .iter()
            .filter(|(_, other, said)| (*other, said) == (to, &label));
        if states > 3 && alike.count() == states - 1 {
            found.retain(|(_, other, said)| (*other, said) != (to, &label));
            everywhere.push((to, label));
        }
    }
    everywhere
}

/// Events with one condition share a label.
fn join(labels: &mut Vec<Label>, label: Label) {
    let alike = |there: &&mut Label| there.condition == label.condition;
    match labels.iter_mut().find(alike) {
        Some(there) if there.event == label.event => {}
        Some(there) => there.event += &format!(", {}", label.event),
        None => labels.push(label),
    }
}
