//! How calls and answers are written, and what they amount to.

use evenkeel_core::breaker::{PermitId, Transitions};
use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_replay::any::{AnyAnswer, AnyOp, Journaled};
use evenkeel_replay::{
    Assumed, Change, Key, Machine, ToKey, Verdict, backoff_table, breaker_table, recovery_budget,
};

use crate::json::reads;

/// The form of journals that are already written: it can only change with their version.
#[test]
fn the_text_of_answers() {
    let hold = r#"{"until_ns":15,"attempt":1,"reason":"backoff"}"#;
    let _: backoff_table::Answer<Key> = reads(&format!(r#"{{"held":{hold}}}"#));
    let _: backoff_table::Answer<Key> =
        reads(&format!(r#"{{"holds":[["anna",{hold}],[7,{hold}]]}}"#));
    let _: backoff_table::Answer<u64> = reads(r#"{"full":{"max_keys":2,"held_until_ns":null}}"#);
    let _: backoff_table::Answer<u64> = reads(r#"{"ready":null}"#);
    let _: backoff_table::Answer<String> = reads(r#"{"ready":"anna"}"#);
    let wait = r#"{"at_ns":15,"delay_ns":5,"attempt":1}"#;
    let _: recovery_budget::Answer<u64> = reads(&format!(
        r#"{{"recovery":{{"wait":{wait},"attempt":1,"remaining":2}}}}"#
    ));
    let _: recovery_budget::Answer<u64> = reads(r#"{"grants":[[7,[10,20]]]}"#);
    let _: breaker_table::Answer<u64> = reads(r#"{"due":{"key":null,"transitions":[]}}"#);
    let _: breaker_table::Answer<String> = reads(r#"{"due":{"key":"db-1","transitions":[]}}"#);
    let _: breaker_table::Answer<u64> =
        reads(r#"{"receipt":{"answer":{"stale":[]},"by":"overflow"}}"#);
    let _: breaker_table::Answer<u64> = reads(r#"{"phases":[[7,"half-open"]]}"#);
}

/// A journal is read from whoever has it: what is not understood is not passed over.
#[test]
fn other_text_is_refused() {
    for text in [
        r#""try_acquire""#,
        r#"{"try_acquire":{}}"#,
        r#"{"try_acquire":{"key":-1}}"#,
        r#"{"try_acquire":{"key":1.5}}"#,
        r#"{"try_acquire":{"key":null}}"#,
        r#"{"try_acquire":{"key":1,"why":"x"}}"#,
        r#"{"drop_forgotten":{"at_most":4294967296}}"#,
        r#"{"pop_ready":1}"#,
    ] {
        assert!(
            serde_json::from_str::<backoff_table::Op<Key>>(text).is_err(),
            "{text}"
        );
    }
    let texts = serde_json::from_str::<backoff_table::Op<u64>>(r#"{"get":{"key":"1"}}"#);
    assert!(texts.is_err(), "a text is no number");
    for text in [
        r#"{"due":{"key":1}}"#,
        r#"{"due":{"key":1,"transitions":[],"at_ns":1}}"#,
    ] {
        assert!(
            serde_json::from_str::<breaker_table::Answer<Key>>(text).is_err(),
            "{text}"
        );
    }
}

#[test]
fn what_a_call_is_about() {
    let anna = || "anna".to_owned();
    let told = backoff_table::Answer::Cleared(true);
    let key = BackoffTable::<String>::key(&backoff_table::Op::OnFailure { key: anna() }, &told);
    assert_eq!(key, Some(Key::Text(anna())));
    let next = &backoff_table::Op::PopReady;
    let ready = |key| backoff_table::Answer::Ready(key);
    assert_eq!(BackoffTable::<u64>::key(next, &ready(None)), None);
    assert_eq!(
        BackoffTable::<u64>::key(next, &ready(Some(7))),
        Some(7_u64.to_key())
    );
    let (recover, cleared) = (
        recovery_budget::Op::TryRecover { key: 7 },
        recovery_budget::Answer::Cleared(true),
    );
    assert_eq!(
        RecoveryBudget::<u64>::key(&recover, &cleared),
        Some(7_u64.to_key())
    );

    let of_seven = breaker_table::Due {
        key: Some(Key::Number(7)),
        transitions: Transitions::NONE,
    };
    let due = |due| AnyAnswer::BreakerTable(breaker_table::Answer::Due(due));
    let poll = AnyOp::BreakerTable(breaker_table::Op::Poll);
    assert_eq!(due(Some(of_seven)).key(&poll), Some(Key::Number(7)));
    assert_eq!(due(None).key(&poll), None);
}

#[test]
fn what_answers_amount_to() {
    let refused = |reason, retry_at_ns| {
        Some(Verdict::Refused {
            reason,
            retry_at_ns,
        })
    };
    type Backoffs = BackoffTable<u64>;
    let asked = |answer| Backoffs::verdict(&reads(r#"{"try_acquire":{"key":1}}"#), &reads(answer));
    assert_eq!(asked(r#""admitted""#), Some(Verdict::Admitted));
    let no = r#"{"refused":{"reason":"overflow","retry_at_ns":7}}"#;
    assert_eq!(asked(no), refused("overflow", Some(7)));
    assert_eq!(asked(r#"{"peek":{"ok":null}}"#), None);

    type Budgets = RecoveryBudget<u64>;
    let asked = |answer| Budgets::verdict(&reads(r#"{"try_recover":{"key":1}}"#), &reads(answer));
    let wait = r#"{"at_ns":15,"delay_ns":5,"attempt":1}"#;
    let yes = format!(r#"{{"recovery":{{"wait":{wait},"attempt":1,"remaining":2}}}}"#);
    assert_eq!(asked(&yes), Some(Verdict::Admitted));
    let no = r#"{"refused":{"reason":"table-full","retry_at_ns":null}}"#;
    assert_eq!(asked(no), refused("table-full", None));

    type Breakers = BreakerTable<u64>;
    let asked = |answer| Breakers::verdict(&reads(r#"{"try_acquire":{"key":1}}"#), &reads(answer));
    let no = r#"{"refusal":{"reason":"half-open-full","retry_at_ns":9},"transitions":[]}"#;
    let no = format!(r#"{{"refused":{{"answer":{no},"by":"key"}}}}"#);
    assert_eq!(asked(&no), refused("half-open-full", Some(9)));
    assert_eq!(asked(r#"{"tracks":true}"#), None);
}

/// Every answer of a breaker table that holds transitions tells of them.
#[test]
fn what_changed() {
    let made =
        r#"[{"at_ns":40,"from":"open","to":"half-open","cause":"wait-over","generation":3}]"#;
    let permit = r#"{"generation":1,"tag":1,"number":0}"#;
    let refusal = r#"{"reason":"open","retry_at_ns":null}"#;
    let refused = format!(r#"{{"refusal":{refusal},"transitions":{made}}}"#);
    for answer in [
        format!(
            r#"{{"granted":{{"permit":{permit},"would_refuse":null,"transitions":{made},"by":"key"}}}}"#
        ),
        format!(r#"{{"refused":{{"answer":{refused},"by":"key"}}}}"#),
        format!(r#"{{"receipt":{{"answer":{{"counted":{made}}},"by":"key"}}}}"#),
        format!(r#"{{"health":{{"answer":{made},"by":"overflow"}}}}"#),
        format!(r#"{{"transitions":{made}}}"#),
        format!(r#"{{"due":{{"key":7,"transitions":{made}}}}}"#),
    ] {
        let answer: breaker_table::Answer<u64> = reads(&answer);
        let mut changes = Vec::new();
        let mut show =
            |change: Change| changes.push((change.at_ns, change.from, change.to, change.cause));
        BreakerTable::<u64>::changes(0, &breaker_table::Op::Poll, &answer, &mut show);
        assert_eq!(
            changes,
            [(40, "open", "half-open", "wait-over")],
            "{answer:?}"
        );
        assert_eq!(
            answer
                .map_keys(|key| key.to_key())
                .transitions()
                .iter()
                .count(),
            1
        );
    }
}

/// An id of a breaker table is the permit and for whom: so a report can be made of it alone.
#[test]
fn ids_of_a_breaker_table() {
    type Table = BreakerTable<u64>;
    let permits = [1, 2].map(|generation| PermitId::from_words([generation, 1 << 32]));
    let asked = breaker_table::Op::TryAcquire { key: 7 };
    let granted = breaker_table::Answer::Granted {
        permit: permits[0],
        would_refuse: None,
        transitions: Transitions::NONE,
        by: evenkeel_core::table::AnsweredBy::Key,
    };
    assert_eq!(Table::given(&asked, &granted), Some((7, permits[0])));
    let report = Table::unknown((7, permits[0]), Assumed::Ignored).expect("it can be reported");
    assert_eq!(Table::reported(&report), Some((7, permits[0])));
    let other = Table::with_id(&report, (8, permits[1]));
    assert_eq!(Table::reported(&other), Some((8, permits[1])));
    assert_eq!(Table::with_id(&asked, (8, permits[1])), asked);

    let id = AnyOp::BreakerTable(report.map_keys(|key| key.to_key()));
    let id = id.reported().expect("a report has an id");
    assert_eq!(
        AnyOp::unknown(id.clone(), Assumed::Ignored).and_then(|op| op.reported()),
        Some(id)
    );
}

#[test]
fn they_are_named_as_in_policy_files() {
    let kinds = [
        BackoffTable::<u64>::KIND,
        BreakerTable::<u64>::KIND,
        RecoveryBudget::<u64>::KIND,
    ];
    let names = ["backoff_table", "breaker_table", "recovery_budget"];
    assert_eq!(kinds.map(evenkeel_replay::any::Kind::name), names);
}
