//! Golden traces as journals.

use std::io;

use crate::any::{Journaled, Kind};
use crate::digest::Digest;
use crate::generate::{Generate, Pilot};
use crate::journal::{Entry, Header, Writer};
use crate::words::{Recording, Words};

use super::{calls, machine, machines};

/// The golden trace of a kind of machine: a journal with a machine for each sample policy and for tame and for wild
/// instants, which share [`CALLS`](super::CALLS) random calls.
///
/// The bytes are part of what this library promises: another answer to any of these calls is a breaking change. They
/// are checked in, in `docs/golden`.
///
/// ```
/// use evenkeel_replay::{any::Kind, golden, journal::Reader, verify};
///
/// let trace = golden::trace(Kind::Backoff)?;
/// assert!(verify(Reader::new(&trace[..])).is_ok());
/// assert_eq!(golden::digest(&trace).len(), 16);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// None that a machine of this crate can cause.
pub fn trace(kind: Kind) -> io::Result<Vec<u8>> {
    kind.golden_trace()
}

/// The digest of a trace, as journals have it: FNV-1a, 64 bits, in hexadecimal.
#[must_use]
pub fn digest(trace: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.add(trace);
    format!("{:016x}", digest.value())
}

/// The golden trace of a machine.
pub(crate) fn trace_of<M: Generate + Journaled>() -> io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    for id in 0..machines::<M>() {
        let Some((name, times, mut pilot)) = machine::<M>(id) else {
            continue;
        };
        let machine = pilot.machine();
        let policy = serde_json::to_string(machine.policy())?;
        let state = serde_json::to_string(&machine.state())?;
        let mut header = Header::new(M::KIND, id, policy, state);
        header.name = Some(format!("{name}, {times:?}").to_lowercase());
        writer.header(&header)?;
        for _ in 0..calls::<M>() {
            let (t_ns, call) = pilot.next_call();
            note(&mut writer, &mut pilot, id, t_ns, call)?;
            if let Some(query) = pilot.query() {
                note(&mut writer, &mut pilot, id, t_ns, query)?;
            }
        }
    }
    Ok(writer.end(0)?.0)
}

fn note<M: Generate + Journaled>(
    writer: &mut Writer<Vec<u8>>,
    pilot: &mut Pilot<M>,
    id: u64,
    t_ns: u64,
    call: M::Op,
) -> io::Result<()> {
    let mut drawn = Words::new();
    let answer = pilot.go_by(&call, |machine, rng| {
        let mut recording = Recording::new(rng);
        let answer = machine.apply(t_ns, &call, &mut recording);
        drawn = recording.into_words();
        answer
    });
    writer.entry(&Entry {
        line: 0,
        id,
        t_ns,
        op: M::any_op(call),
        words: drawn,
        answer: M::any_answer(answer),
    })
}
