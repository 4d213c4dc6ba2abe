//! The golden trace of retries that borrow: breakers, a table of breakers, and budgets, lent to one call after another.

use std::io;

use evenkeel_core::breaker::Breaker;
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::retry::{AttemptId, Retry};
use evenkeel_core::table::BreakerTable;

use super::{CALLS, GOLDEN};
use crate::any::{AnyMachine, AnyOp, Journaled};
use crate::generate::{Generate, Pick, Words, mix};
use crate::group::Group;
use crate::journal::{Entry, Header, Writer};
use crate::key::Key;
use crate::retry::{self, Lent, LentBreaker};
use crate::words::Recording;

const BREAKER: u64 = 0;
const TABLE: u64 = 1;
const BUDGETS: [u64; 2] = [2, 3];
/// The retries come after what they borrow, one for each sample policy.
const RETRIES: u64 = 4;
const KEYS: u64 = 3;

/// Two thousand calls of retries that share a breaker, a table of breakers, retry tokens and a retry ratio.
///
/// ```
/// use evenkeel_replay::{golden, journal::Reader, verify};
///
/// let trace = golden::lending()?;
/// assert!(verify(Reader::new(&trace[..])).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// None that a machine of this crate can cause.
pub fn lending() -> io::Result<Vec<u8>> {
    let mut scene = Scene::new()?;
    for _ in 0..CALLS {
        scene.call()?;
    }
    Ok(scene.writer.end(0)?.0)
}

struct Scene {
    writer: Writer<Vec<u8>>,
    group: Group,
    pick: Pick,
    words: Words,
    now_ns: u64,
    /// What each retry's last attempt was.
    attempts: Vec<Option<AttemptId>>,
}

impl Scene {
    fn new() -> io::Result<Self> {
        let seed = mix(GOLDEN, 1 << 32);
        let mut scene = Self {
            writer: Writer::new(Vec::new()),
            group: Group::new(),
            pick: Pick::new(seed),
            words: Words::new(seed),
            now_ns: 0,
            attempts: vec![None; Retry::POLICIES],
        };
        scene.add::<Breaker>(BREAKER, 0, |breaker| AnyMachine::Breaker(Box::new(breaker)))?;
        scene.add::<BreakerTable<Key>>(TABLE, 1, |table| {
            AnyMachine::BreakerTable(Box::new(table))
        })?;
        scene.add::<RetryTokens>(BUDGETS[0], 2, |tokens| {
            AnyMachine::RetryTokens(Box::new(tokens))
        })?;
        scene.add::<RetryRatio>(BUDGETS[1], 1, |ratio| {
            AnyMachine::RetryRatio(Box::new(ratio))
        })?;
        for number in 0..Retry::POLICIES {
            let id = RETRIES + number as u64;
            scene.add::<Retry>(id, number, |retry| AnyMachine::Retry(Box::new(retry)))?;
        }
        Ok(scene)
    }

    /// A machine of the sample policy with this number.
    fn add<M: Generate + Journaled>(
        &mut self,
        id: u64,
        number: usize,
        any: impl FnOnce(M) -> AnyMachine,
    ) -> io::Result<()> {
        let Some((name, policy)) = M::sample_policy(number) else {
            return Ok(());
        };
        let machine = M::sample(policy, 0);
        let policy = serde_json::to_string(machine.policy())?;
        let state = serde_json::to_string(&machine.state())?;
        let mut header = Header::new(M::KIND, id, policy, state);
        header.name = Some(name.into());
        self.writer.header(&header)?;
        self.group.insert(id, any(machine));
        Ok(())
    }

    /// A call of some retry, at its deadline or somewhat later than the last one.
    fn call(&mut self) -> io::Result<()> {
        let number = self.pick.below(Retry::POLICIES as u64);
        let id = RETRIES + number;
        let due_ns = self.group.get(id).and_then(AnyMachine::next_deadline_ns);
        self.now_ns = match (self.pick.below(3), due_ns) {
            // A wait of the longest policy would leave the others no time.
            (0, Some(due_ns)) if due_ns < self.now_ns + 100_000 => due_ns.max(self.now_ns),
            (1, _) => self.now_ns + self.pick.below(60),
            _ => self.now_ns,
        };
        let Some((_, policy)) = Retry::sample_policy(number as usize) else {
            return Ok(());
        };
        let last = &mut self.attempts[number as usize];
        let is_over =
            matches!(self.group.get(id), Some(AnyMachine::Retry(retry)) if retry.end().is_some());
        let call = if is_over && !self.pick.one_in(4) {
            retry::Op::Begin
        } else {
            Retry::call(&policy, &mut self.pick, self.now_ns, last.as_slice())
        };
        let op = AnyOp::Retry(call.with_lent(lent(&mut self.pick, number)));
        let mut rng = Recording::new(&mut self.words);
        let Some(answer) = self.group.apply(id, self.now_ns, &op, &mut rng) else {
            return Ok(());
        };
        let words = rng.into_words();
        if let Some(crate::any::AnyId::Retry(attempt)) = answer.given(&op) {
            *last = Some(attempt);
        }
        self.writer.entry(&Entry {
            line: 0,
            id,
            t_ns: self.now_ns,
            op,
            words,
            answer,
        })
    }
}

/// What a retry borrows: mostly its own breaker and budget, sometimes none.
fn lent(pick: &mut Pick, number: u64) -> Lent {
    let key = Key::Number(pick.below(KEYS));
    let breaker = match (pick.below(8), number % 2) {
        (0, _) => None,
        (_, 0) => Some(LentBreaker::Breaker(BREAKER)),
        _ => Some(LentBreaker::Key { table: TABLE, key }),
    };
    let budget = pick.below(8) > 0;
    Lent {
        breaker,
        budget: budget.then_some(BUDGETS[(number % 2) as usize]),
    }
}
