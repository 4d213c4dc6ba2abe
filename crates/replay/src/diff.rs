//! Where two journals part.

use std::io::BufRead;

use crate::journal::{Damage, End, Entry, Header, Line, OpLine, Reader};

/// The first place where two journals are not the same.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Parting {
    /// A machine begins otherwise, or goes on otherwise after a gap; or the digest of one of the two is not its own.
    Header(Box<[Header; 2]>),
    /// Another call, of another machine or at another instant.
    Call(Box<[Entry; 2]>),
    /// The same call, answered otherwise or with other words drawn.
    Answer(Box<[Entry; 2]>),
    /// A call in the one, a header in the other.
    Line {
        /// The line of the first.
        first: u64,
        /// The line of the second.
        second: u64,
    },
    /// The same calls, but another number of them was lost, as the trailers tell.
    Dropped([u64; 2]),
    /// One ends where the other goes on.
    End {
        /// Which one ends: 0 the first, 1 the second.
        ended: usize,
        /// Where the other goes on.
        line: u64,
    },
}

/// Two journals, as far as they have been compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// How many calls are the same.
    pub same_ops: u64,
    /// Where they part; `None`, and they are the same.
    pub parting: Option<Parting>,
}

/// One of two journals is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {which} journal, {damage}", which = if *journal == 0 { "first" } else { "second" })]
pub struct DiffDamage {
    /// Which one: 0 the first, 1 the second.
    pub journal: usize,
    /// Where and how.
    pub damage: Damage,
}

/// Compares two journals call by call, as values, up to where they part.
///
/// Snapshots on the way that tell of no gap are passed over: they tell nothing that the calls do not.
///
/// # Errors
///
/// What makes one of them no journal, if they have not parted before that.
///
/// ```
/// use evenkeel_replay::{diff, journal::Reader};
///
/// let journal = "{\"end\":{\"ops\":0,\"dropped\":0}}\n";
/// let [first, second] = [journal; 2].map(|text| Reader::new(text.as_bytes()));
/// assert_eq!(diff(first, second)?.parting, None);
/// # Ok::<(), evenkeel_replay::DiffDamage>(())
/// ```
pub fn diff<A: BufRead, B: BufRead>(
    mut first: Reader<A>,
    mut second: Reader<B>,
) -> Result<Diff, DiffDamage> {
    let damaged = |journal| move |damage| DiffDamage { journal, damage };
    let mut same_ops = 0;
    loop {
        let one = next(&mut first).map_err(damaged(0))?;
        let other = next(&mut second).map_err(damaged(1))?;
        let parting = match (one, other) {
            (Next::End(one), Next::End(other)) => {
                let dropped = [one, other].map(|end| end.dropped);
                return Ok(Diff {
                    same_ops,
                    parting: (dropped[0] != dropped[1]).then_some(Parting::Dropped(dropped)),
                });
            }
            (Next::End(_), other) => Some(Parting::End {
                ended: 0,
                line: other.line(),
            }),
            (one, Next::End(_)) => Some(Parting::End {
                ended: 1,
                line: one.line(),
            }),
            (Next::Header(one, is_one_right), Next::Header(other, is_other_right)) => {
                headers(one, other, is_one_right == is_other_right)
            }
            (Next::Entry(one), Next::Entry(other)) => {
                let parting = entries(one, other);
                same_ops += u64::from(parting.is_none());
                parting
            }
            (one, other) => Some(Parting::Line {
                first: one.line(),
                second: other.line(),
            }),
        };
        if parting.is_some() {
            return Ok(Diff { same_ops, parting });
        }
    }
}

enum Next {
    /// And whether its digest, if it has one, is its own.
    Header(Box<Header>, bool),
    Entry(Box<Entry>),
    End(End),
}

impl Next {
    fn line(&self) -> u64 {
        match self {
            Self::Header(header, _) => header.line,
            Self::Entry(entry) => entry.line,
            Self::End(_) => 0,
        }
    }
}

/// The next line that counts. A header is as this crate writes it, so that equal ones are equal texts.
fn next<R: BufRead>(reader: &mut Reader<R>) -> Result<Next, Damage> {
    loop {
        match reader.next_line()? {
            Some(Line::Header(line)) => {
                if line.is_known && line.dropped.is_none() {
                    continue;
                }
                let machine = line.machine()?;
                let place = line.place;
                let unwritable = |error: serde_json::Error| Damage::at(place, error.to_string());
                let computed = line.computed();
                let mut header = Header::from(line);
                let is_right = header.digest.is_none_or(|digest| digest == computed);
                header.policy = machine.policy().map_err(unwritable)?;
                header.state = machine.state().map_err(unwritable)?;
                return Ok(Next::Header(Box::new(header), is_right));
            }
            Some(Line::Op(line)) => return entry(line),
            Some(Line::End(end)) => return Ok(Next::End(end)),
            None => return Ok(Next::End(End::default())),
        }
    }
}

fn entry(line: OpLine<'_>) -> Result<Next, Damage> {
    Ok(Next::Entry(Box::new(line.try_into()?)))
}

fn headers(one: Box<Header>, other: Box<Header>, are_digests_alike: bool) -> Option<Parting> {
    let told = |header: &Header| (header.kind, header.id, header.dropped);
    let is_same = are_digests_alike
        && told(&one) == told(&other)
        && one.policy == other.policy
        && one.state == other.state;
    (!is_same).then(|| Parting::Header(Box::new([*one, *other])))
}

fn entries(one: Box<Entry>, other: Box<Entry>) -> Option<Parting> {
    if (one.id, one.t_ns) != (other.id, other.t_ns) || one.op != other.op {
        return Some(Parting::Call(Box::new([*one, *other])));
    }
    if one.answer != other.answer || one.words != other.words {
        return Some(Parting::Answer(Box::new([*one, *other])));
    }
    None
}
