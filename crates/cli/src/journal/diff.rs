//! `evenkeel journal diff`: where two journals part.

use anyhow::{Result, anyhow};
use evenkeel_replay::journal::{Entry, Header};
use evenkeel_replay::{Parting, diff};

use super::clock::Clock;
use super::phrase;
use super::roster::title;
use super::source::Source;
use super::tree::Tree;
use super::verify::both;
use crate::Ended;
use crate::numbers;
use crate::progress::Progress;
use crate::screen::Screen;

/// Compares them, and says what there is to say.
pub(crate) fn compare(one: &Source, other: &Source, screen: Screen) -> Result<(Ended, String)> {
    let first = one.reader(Progress::shown())?;
    let second = other.reader(Progress::shown())?;
    let found = diff(first, second).map_err(|damaged| {
        let source = if damaged.journal == 0 { one } else { other };
        anyhow!(source.complaint(&damaged.damage))
    })?;
    let same = numbers::counted(found.same_ops, "call");
    let names = [one.name.as_str(), other.name.as_str()];
    let Some(parting) = found.parting else {
        return Ok((
            Ended::Well,
            format!("{} and {}: the same {same}", names[0], names[1]),
        ));
    };
    let mut text = format!(
        "{} and {} part after {same} in common\n",
        names[0], names[1]
    );
    text += &parted(&parting, names, screen);
    Ok((Ended::Differs, text.trim_end().to_owned()))
}

fn parted(parting: &Parting, names: [&str; 2], screen: Screen) -> String {
    match parting {
        Parting::Header(headers) => of_headers(headers, names, screen),
        Parting::Call(entries) => {
            let mut text = String::new();
            for (entry, name) in entries.iter().zip(names) {
                text += &format!("\n{name}:{}: {}\n", entry.line, call(entry));
            }
            text
        }
        Parting::Answer(entries) => {
            let [one, other] = &**entries;
            let mut text = String::new();
            for (entry, name) in entries.iter().zip(names) {
                let words = match one.words == other.words {
                    true => String::new(),
                    false => format!("  (words {:?})", entry.words.as_slice()),
                };
                text += &format!("\n{name}:{}: {}{words}\n", entry.line, call(entry));
            }
            let [one, other] = [one, other].map(|entry| Tree::of_value(&entry.answer));
            if one != other {
                text.push('\n');
                both(&mut text, ["first", "second"], &one, &other, screen);
            }
            text
        }
        Parting::Line { first, second } => format!(
            "\n{}:{first} and {}:{second}: a call in the one, a header in the other\n",
            names[0], names[1]
        ),
        Parting::Dropped(dropped) => {
            let told = dropped.iter().zip(names);
            told.map(|(lost, name)| {
                format!(
                    "\n{name}: {} lost by its trailer\n",
                    numbers::counted(*lost, "call")
                )
            })
            .collect()
        }
        Parting::End { ended, line } => {
            let (ended, goes_on) = (names[*ended % 2], names[(*ended + 1) % 2]);
            format!("\n{ended} ends where {goes_on}:{line} goes on\n")
        }
        _ => String::new(),
    }
}

fn of_headers(headers: &[Header; 2], names: [&str; 2], screen: Screen) -> String {
    let mut text = String::new();
    for (header, name) in headers.iter().zip(names) {
        let whose = title(header.kind, header.id, header.name.as_deref());
        let lost = header.dropped.map_or_else(String::new, |lost| {
            format!(", after {} lost", numbers::counted(lost, "call"))
        });
        text += &format!("\n{name}:{}: {whose} begins{lost}\n", header.line);
    }
    let [one, other] = headers;
    let parts = [
        ("policy", &one.policy, &other.policy),
        ("state", &one.state, &other.state),
    ];
    for (what, one, other) in parts {
        let [one, other] = [one, other].map(|json| Tree::of(json));
        if one != other {
            text += &format!("\n  {what}\n");
            both(&mut text, ["first", "second"], &one, &other, screen);
        }
    }
    if one.digest != other.digest && one.policy == other.policy && one.state == other.state {
        text += "\n  the digest of one of them is not its own\n";
    }
    text
}

fn call(entry: &Entry) -> String {
    let said = phrase::call(&Tree::of_value(&entry.op), Clock::default());
    format!("machine {} at {} ns: {said}", entry.id, entry.t_ns)
}
