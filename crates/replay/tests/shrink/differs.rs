//! A journal that does not verify, cut to what is wrong with it.

use evenkeel_core::breaker::Breaker;
use evenkeel_core::estimator::SampleWindow;
use evenkeel_replay::generate::Times;
use evenkeel_replay::journal::Reader;
use evenkeel_replay::shrink::{EFFORT, shrink};
use evenkeel_replay::{Failed, verify};

use crate::any::property;
use crate::tape::{Player, Random, Tape};

#[test]
fn the_wrong_answer_is_the_last_line_of_the_small_journal() {
    let mut tape = Tape::new(1);
    let mut window = Random::<SampleWindow>::new(&mut tape, 1, 0, Times::Tame, 3);
    let mut breaker = Random::<Breaker>::new(&mut tape, 2, 0, Times::Tame, 3);
    for _ in 0..1_500 {
        window.play(&mut tape);
        breaker.play(&mut tape);
    }
    // Another answer that the breaker has given: with another transition than the true one.
    let told = |at: usize| tape.loaded.entries[at].answer.clone();
    let is_of = |at: &usize| {
        let entry = &tape.loaded.entries[*at];
        let mut has_changed = false;
        entry
            .answer
            .changes(0, &entry.op, &mut |_| has_changed = true);
        entry.id == 2 && has_changed
    };
    let all: Vec<usize> = (0..tape.loaded.entries.len()).filter(is_of).collect();
    let (wrong, other) = (all[all.len() / 2], all[all.len() / 2 - 1]);
    let answer = told(other);
    assert_ne!(told(wrong), answer);
    let mut loaded = tape.loaded.clone();
    loaded.entries[wrong].answer = answer.clone();

    let shrunk = shrink(&loaded, &property("differs"), EFFORT).expect("it differs");
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.machines, 1);
    assert!(shrunk.ops <= 100, "{}", shrunk.text());
    let last = shrunk.journal.entries.last().expect("a call");
    assert_eq!(
        (last.t_ns, &last.op, &last.answer),
        (
            loaded.entries[wrong].t_ns,
            &loaded.entries[wrong].op,
            &answer
        )
    );
    let error = verify(Reader::new(shrunk.text().as_bytes())).expect_err("it differs");
    assert!(matches!(error.failed, Failed::Differs(_)), "{error}");
    assert_eq!(error.verified.ops as usize, shrunk.ops - 1);
    let about_another = shrink(&loaded, &property("differs@1"), EFFORT);
    assert!(about_another.is_err());
}
