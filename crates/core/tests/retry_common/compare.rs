//! A retry and its model, answer by answer.

use evenkeel_core::retry::RetryAction;
use proptest::prelude::*;

use super::moves::Move;
use super::plan::Plan;
use super::reference::{Answer, story};
use super::world::World;

fn note(answer: &Answer) -> String {
    match answer {
        Answer::Action(RetryAction::Done { end }) => format!("done {}", end.name()),
        Answer::Action(action) => {
            let text = format!("{action:?}");
            text.split(' ').next().unwrap_or_default().to_owned()
        }
        answer => format!("{answer:?}"),
    }
}

/// Makes the moves with both and compares every answer; what was seen. The plan has a policy.
pub fn compare(plan: &Plan, started: u64, moves: &[Move]) -> Vec<String> {
    let policy = plan.policy().expect("filtered");
    let mut world = World::new(plan, policy, started);
    let (mut now, mut calls, mut seen) = (started, Vec::new(), Vec::new());
    for &(jump, deed) in moves {
        now = jump.to(now, world.retry.next_deadline_ns());
        let call = deed.call(now, world.retry.attempts());
        calls.push((now, call));
        let answer = world.call(now, call);
        let story = story(plan, started, &calls);
        assert_eq!(Some(&answer), story.answers.last(), "{plan:#?} {calls:#?}");
        assert_eq!(
            *world.log.lock().expect("one thread"),
            story.heard,
            "{plan:#?} {calls:#?}"
        );
        assert_eq!(world.words.drawn(), story.drawn, "{plan:#?} {calls:#?}");
        assert_eq!(
            world.retry.next_deadline_ns(),
            story.due_ns,
            "{plan:#?} {calls:#?}"
        );
        world.retry = world.restored();
        seen.push(note(&answer));
    }
    seen.extend(world.log.lock().expect("one thread").iter().map(|heard| {
        let text = format!("{heard:?}");
        text.split(' ').next().unwrap_or_default().to_owned()
    }));
    seen
}

/// Also so late that instants run out.
pub fn started() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..1_000, 1 => u64::MAX - 2_000..=u64::MAX]
}
