//! What came out, as a table: machine by law.

use core::fmt::Write;

use super::judge::{Cell, Report};
use super::law::Law;

/// A line for each machine, a column for each law, and the reasons of those that do not apply.
pub(crate) fn table(reports: &[Report]) -> String {
    let mut text = String::from(
        "how often each law was put to the test (- not applicable, ! broken, ? not judged)\n",
    );
    let _ = write!(text, "{:18}", "");
    for law in Law::ALL {
        let _ = write!(text, "{law:>7}");
    }
    for report in reports {
        let _ = write!(text, "\n{:18}", report.machine);
        for (_, cell) in &report.cells {
            let cell = match cell {
                Cell::Ok(times) => times.to_string(),
                Cell::NotApplicable(_) => "-".into(),
                Cell::Broken => "!".into(),
                Cell::RestsOn(_) => "?".into(),
            };
            let _ = write!(text, "{cell:>7}");
        }
    }
    for report in reports {
        for (reason, laws) in reasons(report) {
            let _ = write!(text, "\n{} {laws}: {reason}", report.machine);
        }
    }
    text.push('\n');
    text
}

/// The laws that do not apply, by reason.
fn reasons(report: &Report) -> Vec<(&'static str, String)> {
    let mut reasons: Vec<(&'static str, String)> = Vec::new();
    for (law, cell) in &report.cells {
        let Cell::NotApplicable(reason) = cell else {
            continue;
        };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, laws)) => {
                let _ = write!(laws, " {law}");
            }
            None => reasons.push((reason, law.to_string())),
        }
    }
    reasons
}
