//! The machines of a journal: which there are, and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::Loaded;

use super::tree::quoted;
use crate::text::label;
use crate::{near, place};

/// Longer names are cut.
pub(crate) const LONGEST_NAME: usize = 24;

/// The machines that have been met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    all: BTreeMap<u64, Member>,
    labels: BTreeSet<String>,
}

/// A machine of a journal.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    /// What it is called in a line: no other machine of the journal is called so.
    pub(crate) label: String,
}

impl Member {
    /// `breaker "db" (machine 3)`.
    pub(crate) fn title(&self) -> String {
        title(self.kind, self.id, self.name.as_deref())
    }

    /// Whether the user means this one: by its name, its id, its kind, or as a line calls it.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.name.as_deref() == Some(text)
            || text.parse() == Ok(self.id)
            || text == self.kind.name()
            || text == self.label
    }
}

/// `breaker "db" (machine 3)`.
pub(crate) fn title(kind: Kind, id: u64, name: Option<&str>) -> String {
    let kind = kind.name();
    match name {
        Some(name) => {
            let name = quoted(&label(name, LONGEST_NAME));
            format!("{kind} {name} (machine {id})")
        }
        None => format!("{kind} (machine {id})"),
    }
}

/// `retry "call" (18 machines)`.
pub(crate) fn titled(kind: Kind, machines: u64, name: Option<&str>) -> String {
    let kind = kind.name();
    let name = quoted(&label(name.unwrap_or(""), LONGEST_NAME));
    format!("{kind} {name} ({machines} machines)")
}

impl Roster {
    /// Those of a whole journal.
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let mut roster = Self::default();
        for header in &loaded.headers {
            roster.meet(header.kind, header.id, header.name.as_deref());
        }
        roster
    }

    /// A header; a machine keeps the name of its first.
    pub(crate) fn meet(&mut self, kind: Kind, id: u64, name: Option<&str>) -> &Member {
        let labels = &mut self.labels;
        self.all.entry(id).or_insert_with(|| {
            let name = name.filter(|name| !name.is_empty());
            let mut label = match name {
                Some(name) => label(name, LONGEST_NAME),
                None => kind.name().to_owned(),
            };
            if name.is_none() && id != 0 || labels.contains(&label) {
                label = format!("{label}#{id}");
            }
            labels.insert(label.clone());
            Member {
                kind,
                id,
                name: name.map(str::to_owned),
                label,
            }
        })
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Member> {
        self.all.get(&id)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.all.values()
    }

    /// How wide the widest label is.
    pub(crate) fn width(&self) -> usize {
        let widths = self.iter().map(|member| member.label.chars().count());
        widths.max().unwrap_or(0)
    }

    /// The kinds that there are, in order.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let kinds: BTreeSet<_> = self.iter().map(|member| member.kind.name()).collect();
        kinds.into_iter().collect()
    }

    /// Each of `names` must be the name, id or kind of some machine.
    pub(crate) fn check(&self, journal: &str, names: &[String]) -> Result<()> {
        for name in names {
            if self.iter().any(|member| member.is_called(name)) {
                continue;
            }
            let labels: Vec<&str> = self.iter().map(|member| member.label.as_str()).collect();
            let known = labels.iter().copied().chain(self.kinds());
            let hint = near::hint(name, known);
            return Err(anyhow!(
                "{journal}: found no machine {}, expected a name, id or kind of those it has: {}{hint}",
                place::quoted(name.as_bytes()),
                few(&labels)
            ));
        }
        Ok(())
    }
}

/// The first of many names.
fn few(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown = names
        .iter()
        .take(MOST)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(MOST) {
        0 if names.is_empty() => "none".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
