//! Journals: any bytes are read to their end or to the damage, and whatever reads them agrees with the others.

use evenkeel_replay::any::AnyMachine;
use evenkeel_replay::generate::Words;
use evenkeel_replay::journal::{self, Line, Reader};
use evenkeel_replay::{diff, verify};

/// Reads, loads, verifies and compares a journal, and makes the calls of each machine that can be restored.
///
/// # Panics
/// If one reader finds damage where another finds none, or a journal differs from itself.
pub fn journal(data: &[u8]) {
    let loaded = journal::load(data);
    if let Some(damage) = &loaded.damage {
        assert!(!damage.to_string().is_empty());
    }
    let itself = diff(Reader::new(data), Reader::new(data));
    if let Ok(itself) = &itself {
        assert_eq!(itself.parting, None, "a journal and itself");
    }
    match verify(Reader::new(data)) {
        Ok(verified) => {
            assert_eq!(loaded.damage, None, "verified, but damaged");
            assert_eq!(
                loaded.entries.len() as u64,
                verified.ops,
                "calls loaded and verified"
            );
            assert_eq!(
                itself.map(|itself| itself.same_ops),
                Ok(verified.ops),
                "calls compared and verified"
            );
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(error.verified.ops <= loaded.entries.len() as u64, "{error}");
        }
    }
    replay(data);
}

/// Makes the calls whatever digests and answers say: damage on disk may hide behind a right digest.
fn replay(data: &[u8]) {
    let mut machines: Vec<(u64, AnyMachine)> = Vec::new();
    let mut words = Words::new(1);
    let mut reader = Reader::new(data);
    while let Ok(Some(line)) = reader.next_line() {
        match line {
            Line::Header(header) => {
                if let Ok(machine) = AnyMachine::restore(header.kind, header.policy, header.state) {
                    let text = machine.state().expect("a state is JSON");
                    let policy = machine.policy().expect("a policy is JSON");
                    let again =
                        AnyMachine::restore(header.kind, &policy, &text).expect("its own state");
                    assert_eq!(
                        again.state().expect("a state is JSON"),
                        text,
                        "a state restored twice"
                    );
                    machines.push((header.id, machine));
                }
            }
            Line::Op(line) => {
                let (Ok(op), Some((_, machine))) = (
                    line.op(),
                    machines.iter_mut().rfind(|(id, _)| *id == line.id),
                ) else {
                    continue;
                };
                let answer = machine.apply(line.t_ns, &op, &mut words);
                let _ = (answer, machine.next_deadline_ns());
            }
            Line::End(_) => {}
        }
    }
}
