//! Budgets: how many instructions an operation may take. A file with a line each, the number first; a number with `!` is a
//! promise, which no count lowers.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

struct Budget {
    at_most: u64,
    is_promise: bool,
    case: String,
}

pub(crate) struct Budgets {
    /// The lines at the top that say what this is.
    head: String,
    rows: Vec<Budget>,
}

/// What is counted in a second or two.
pub(crate) fn can_have_one(case: &str) -> bool {
    !case.contains("0000")
}

/// A count, in tenths, and 5 % of it.
const fn with_room(tenths: u64) -> u64 {
    (tenths * 105).div_ceil(1_000)
}

impl Budgets {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let (mut head, mut rows) = (String::new(), Vec::new());
        for line in text.lines() {
            if line.starts_with('#') {
                head += &format!("{line}\n");
                continue;
            }
            let (number, case) = line.split_once(' ').with_context(|| line.to_owned())?;
            let digits = number.trim_end_matches('!');
            rows.push(Budget {
                at_most: digits.parse().with_context(|| line.to_owned())?,
                is_promise: digits != number,
                case: case.to_owned(),
            });
        }
        Ok(Self { head, rows })
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = self.head.clone();
        for row in &self.rows {
            let mark = if row.is_promise { "!" } else { "" };
            text += &format!("{}{mark} {}\n", row.at_most, row.case);
        }
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    pub(crate) fn of(&self, case: &str) -> Option<u64> {
        let row = self.rows.iter().find(|row| row.case == case);
        row.map(|row| row.at_most)
    }

    /// A budget of a case that there is no more would hold nothing.
    pub(crate) fn all_are_cases(&self, cases: &[String]) -> anyhow::Result<()> {
        for row in &self.rows {
            ensure!(cases.contains(&row.case), "there is no case {:?}", row.case);
        }
        Ok(())
    }

    /// Lowers the budget of a case to what it needs, or gives it one.
    pub(crate) fn bless(&mut self, case: &str, tenths: u64) {
        let at_most = with_room(tenths);
        match self.rows.iter_mut().find(|row| row.case == case) {
            Some(row) if row.is_promise => {}
            Some(row) => row.at_most = row.at_most.min(at_most),
            None => self.rows.push(Budget {
                at_most,
                is_promise: false,
                case: case.to_owned(),
            }),
        }
    }

    /// What to do where budgets are more than 5 % above what is needed.
    pub(crate) fn hint(&self, counted: &[(&String, u64)]) -> Option<String> {
        let loose = counted.iter().filter(|(case, tenths)| {
            let row = self.rows.iter().find(|row| row.case == **case);
            row.is_some_and(|row| !row.is_promise && row.at_most > with_room(*tenths))
        });
        let loose = loose.count();
        (loose > 0).then(|| {
            format!("{loose} budgets are higher than they need be: `just bench-instructions --bless` lowers them")
        })
    }
}
