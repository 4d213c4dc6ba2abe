//! Each machine under the laws, with random scripts.

use std::sync::Mutex;

use super::every_machine;
use crate::harness::{Cell, Effort, Report, Subject, judge, table};

static REPORTS: Mutex<Vec<Report>> = Mutex::new(Vec::new());

/// Holds a machine to every law, each of which must have been put to the test. The last one prints the table.
fn keeps_every_law<S: Subject>(machines: usize) {
    let report = judge::<S>(Effort::from_env());
    let texts: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    let is_idle = |cell: &Cell| *cell == Cell::Ok(0);
    let idle = report.cells.iter().filter(|(_, cell)| is_idle(cell));
    let idle: Vec<String> = idle.map(|(law, _)| law.to_string()).collect();
    println!("{}", table(core::slice::from_ref(&report)));
    let mut reports = REPORTS.lock().expect("nobody panics while it is locked");
    reports.push(report);
    if reports.len() == machines {
        println!("{}", table(&reports));
    }
    drop(reports);
    assert!(texts.is_empty(), "\n{}\n", texts.join("\n\n"));
    assert!(idle.is_empty(), "never put to the test: {idle:?}");
}

macro_rules! machines {
    ($($(#[$when:meta])* $name:ident: $subject:ty,)*) => {
        const MACHINES: usize = 0 $(+ { let count = 0; $(#[$when])* let count = count + 1; count })*;

        $($(#[$when])*
        #[test]
        fn $name() {
            keeps_every_law::<$subject>(MACHINES);
        })*
    };
}

every_machine!(machines);
