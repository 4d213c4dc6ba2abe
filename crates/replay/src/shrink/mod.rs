//! Cuts a journal to a small one that still shows a fact: a test to keep.
//!
//! What is cut is calls, machines, and what makes a call longer than it has to be; what is kept keeps its time. After
//! each cut the machines answer anew, so that the small journal is what they do: [`verify`](crate::verify()) accepts
//! it. A report goes with the id that its ask is given now, and with its ask: what was not begun has no report. Words
//! are those that were recorded with the call, then those of a generator.
//!
//! For [`Fact::Differs`] nothing is answered anew: all calls but the last agree with what was recorded, and the last
//! differs from it in the same way as in the whole journal. That needs most of what the answers count, so that such a
//! journal is often longer.

mod cuts;
mod property;
mod reduce;
mod simpler;
mod trial;

pub use property::{Fact, NoProperty, Property, facts};

use crate::any::Unusable;
use crate::journal::{Loaded, Writer};

/// How many calls are made at most, all tries together, where nothing else is said.
pub const EFFORT: u64 = 20_000_000;

/// A journal that shows a fact and little else.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The small journal.
    pub journal: Loaded,
    /// Its calls.
    pub ops: usize,
    /// The calls of the whole journal.
    pub ops_before: usize,
    /// Its machines.
    pub machines: usize,
    /// The machines of the whole journal.
    pub machines_before: usize,
    /// How many smaller journals were tried.
    pub tried: u64,
    /// How many calls that took.
    pub applied: u64,
    /// Whether it is as small as can be: without any single call, and what reports on it, the fact is lost. Not so if
    /// the effort ran out.
    pub is_minimal: bool,
}

impl Shrunk {
    /// The small journal as it stands in a file.
    #[must_use]
    pub fn text(&self) -> String {
        written(&self.journal).map_or_else(String::new, |(text, _)| text)
    }
}

/// A journal as text, and its trailer.
fn written(journal: &Loaded) -> Option<(String, crate::journal::End)> {
    let mut writer = Writer::new(Vec::new());
    for line in journal.lines() {
        let written = match line {
            crate::journal::LoadedLine::Header(header) => writer.header(header),
            crate::journal::LoadedLine::Entry(entry) => writer.entry(entry),
        };
        written.ok()?;
    }
    let (bytes, end) = writer.end(0).ok()?;
    Some((String::from_utf8(bytes).ok()?, end))
}

/// Why a journal cannot be shrunk.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// It does not show the fact, or no machine has this name.
    #[error("the journal does not show {0}")]
    NotShown(Property),
    /// A header is none.
    #[error("line {line}: {source}")]
    Header {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: Unusable,
    },
}

/// Cuts a journal to a small one that still shows `property`. At most `effort` calls are made: see [`EFFORT`]. The same
/// journal gives the same answer. A journal with damage is cut as far as it can be read.
///
/// # Errors
///
/// A journal that does not show it, or that has a policy or a state that is none.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
/// use evenkeel_replay::any::{AnyAnswer, AnyOp, Kind};
/// use evenkeel_replay::breaker::Op;
/// use evenkeel_replay::journal::{Entry, Header, Loaded, Reader};
/// use evenkeel_replay::shrink::{EFFORT, shrink};
/// use evenkeel_replay::{Machine, verify, words::Recording};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 2 });
/// let mut breaker = Breaker::new(policy.build()?);
/// let (policy, state) = (serde_json::to_string(breaker.policy())?, serde_json::to_string(&breaker.state())?);
/// let mut loaded = Loaded { headers: vec![Header::new(Kind::Breaker, 0, policy, state)], ..Loaded::default() };
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let mut call = |t_ns, op: Op| {
///     let mut rng = Recording::new(&mut rng);
///     let answer = breaker.apply(t_ns, &op, &mut rng);
///     let (op, words) = (AnyOp::Breaker(op), rng.into_words());
///     loaded.entries.push(Entry { line: 1, id: 0, t_ns, op, words, answer: AnyAnswer::Breaker(answer.clone()) });
///     Breaker::given(&Op::TryAcquire, &answer)
/// };
/// // Every seventh call fails, and then one right after it.
/// for t_ns in (0..1_000_000_000).step_by(1_000_000) {
///     let Some(permit) = call(t_ns, Op::TryAcquire) else { break };
///     let failed = t_ns / 1_000_000 % 7 == 0 || t_ns == 701_000_000;
///     let outcome = if failed { Outcome::Failure } else { Outcome::Success };
///     call(t_ns + 900, Op::OnOutcome { permit, outcome, latency_ns: 900 });
/// }
///
/// let shrunk = shrink(&loaded, &"change:consecutive".parse()?, EFFORT)?;
/// assert_eq!((shrunk.ops_before, shrunk.ops), (1_405, 4)); // two asks and two reports
/// assert!(shrunk.is_minimal);
/// assert!(verify(Reader::new(shrunk.text().as_bytes())).is_ok());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn shrink(loaded: &Loaded, property: &Property, effort: u64) -> Result<Shrunk, ShrinkError> {
    reduce::reduce(loaded, property, effort)
}
