//! Journals for the tests of the commands about them: a small incident, made by real machines.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy};
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{Header, Journal, Loaded, LoadedLine, Writer, load};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// When the incident begins.
pub(crate) const BEGIN_NS: u64 = 1_000_000_000_000;

/// The policy of the breaker in [`incident`], as a policy file.
pub(crate) const POLICY: &str = r#"
[breaker]
triggers  = [{ kind = "consecutive", failures = 3 }]
open      = { base = "1s", jitter = "none" }
half_open = { probe_timeout = "5s" }
"#;

/// An instant of the incident.
pub(crate) fn at(ms: u64) -> u64 {
    BEGIN_NS + ms * 1_000_000
}

pub(crate) fn breaker(failures: u32) -> Breaker {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5));
    let policy = policy.trigger(Trigger::Consecutive { failures });
    Breaker::new(policy.build().expect("a policy"))
}

/// Machine 0 is the breaker `db`: three calls fail, it opens, refuses twice, tries and closes. Machine 1 is the backoff
/// table `logins`, in which anna fails twice and bert once.
pub(crate) fn incident_called(db: &str, logins: &str) -> Vec<u8> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let journal = Journal::in_memory();
    let mut db = journal.record(db, breaker(3));
    let backoff = BackoffPolicy::builder(Duration::from_millis(200)).jitter(Jitter::Full);
    let policy = BackoffTablePolicy::builder(backoff, 10, Duration::from_secs(60));
    let table: BackoffTable<String> = BackoffTable::new(policy.build().expect("a policy"));
    let mut logins = journal.record(logins, table);
    for ms in [0, 100, 200] {
        let grant = db.try_acquire(at(ms), &mut rng).expect("it is closed");
        let _ = db.on_outcome(
            at(ms + 30),
            grant.permit,
            Outcome::Failure,
            30_000_000,
            &mut rng,
        );
    }
    for (ms, who) in [(300, "anna"), (310, "bert"), (320, "anna")] {
        let key = who.to_owned();
        let _ = logins.try_acquire(at(ms), &key);
        let _ = logins.on_failure(at(ms + 1), &key, &mut rng);
    }
    for ms in [400, 900] {
        assert!(db.try_acquire(at(ms), &mut rng).is_err(), "it is open");
    }
    let probe = db
        .try_acquire(at(1_500), &mut rng)
        .expect("the wait is over");
    let _ = db.on_outcome(
        at(1_510),
        probe.permit,
        Outcome::Success,
        10_000_000,
        &mut rng,
    );
    let mut lines = Vec::new();
    journal.dump(&mut lines).expect("memory has room");
    lines
}

pub(crate) fn incident() -> String {
    String::from_utf8(incident_called("db", "logins")).expect("a journal is UTF-8")
}

/// How many calls [`incident`] has.
pub(crate) const CALLS: usize = 16;

/// The journal with other lines in place of these, and a right trailer.
pub(crate) fn rewritten(journal: &str, change: impl FnOnce(&mut Loaded)) -> String {
    let mut loaded = load(journal.as_bytes());
    assert_eq!(loaded.damage, None);
    change(&mut loaded);
    let mut writer = Writer::new(Vec::new());
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => writer.header(header),
            LoadedLine::Entry(entry) => writer.entry(entry),
        }
        .expect("memory has room");
    }
    let (bytes, _) = writer.end(0).expect("memory has room");
    String::from_utf8(bytes).expect("a journal is UTF-8")
}

/// The incident, in which after the last call of `db` 7 more were lost.
pub(crate) fn with_gap() -> String {
    rewritten(&incident(), |loaded| {
        let first = loaded.header(0).expect("it has one").clone();
        let mut header = Header::new(Kind::Breaker, 0, first.policy, first.state);
        header.dropped = Some(7);
        header.line = 1_000;
        loaded.headers.push(header);
    })
}
