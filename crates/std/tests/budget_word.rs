//! A bucket without a refill is one word: it answers as core's does, no token is lost or made by threads, and recording takes
//! it behind the lock and back.

use std::sync::Barrier;
use std::thread;

use evenkeel_core::Reported;
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensBuilder, RetryTokensPolicy};
use evenkeel_std::{Clock, SharedTokens};
use proptest::prelude::*;

/// Who reads it is seen.
struct NoClock;

impl Clock for NoClock {
    fn now_ns(&self) -> u64 {
        panic!("a bucket without a refill needs no instant")
    }
}

fn policies() -> impl Strategy<Value = RetryTokensPolicy> {
    let preset = |builder: RetryTokensBuilder| builder.build().expect("a policy");
    prop_oneof![
        Just(preset(RetryTokensPolicy::aws_standard_2_0())),
        Just(preset(RetryTokensPolicy::grpc(10, 100))),
        (1_000..5_000_u64, 0..3_000_u64, any::<bool>()).prop_map(
            move |(capacity, deposit, refund)| {
                let builder = RetryTokensPolicy::builder(capacity);
                preset(builder.deposit_milli(deposit).refund(refund))
            }
        ),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Request,
    Withdraw(RetryCause),
    GiveBack,
    Success { retried: bool },
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        Just(Op::Request),
        Just(Op::Withdraw(RetryCause::Failure)),
        Just(Op::Withdraw(RetryCause::Timeout)),
        Just(Op::Withdraw(RetryCause::Throttled)),
        Just(Op::GiveBack),
        any::<bool>().prop_map(|retried| Op::Success { retried }),
    ]
}

proptest! {
    #[test]
    fn it_answers_as_core_does(policy in policies(), ops in prop::collection::vec(ops(), 1..200)) {
        let (shared, mut core) = (SharedTokens::with_clock(policy, NoClock), RetryTokens::new(policy));
        let mut withdrawn = Vec::new();
        for (op, now_ns) in ops.into_iter().zip(1..) {
            match op {
                Op::Request => {
                    shared.on_request();
                    core.on_request(now_ns);
                }
                Op::Withdraw(cause) => match (shared.try_withdraw(cause), core.try_withdraw(now_ns, cause)) {
                    (Ok(mine), Ok(its)) => withdrawn.push((mine, its)),
                    (mine, its) => prop_assert_eq!(mine, its),
                },
                Op::GiveBack => {
                    if let Some((mine, its)) = withdrawn.pop() {
                        prop_assert_eq!(shared.give_back(mine), core.give_back(now_ns, its));
                    }
                }
                Op::Success { retried } => {
                    let (mine, its) = withdrawn.pop().filter(|_| retried).unzip();
                    shared.on_success(mine);
                    core.on_success(now_ns, its);
                }
            }
            prop_assert_eq!(shared.balance_milli(), core.balance_milli(now_ns));
            let restored = SharedTokens::restore(policy, shared.state(), NoClock);
            prop_assert_eq!(restored.expect("it fits").balance_milli(), core.balance_milli(now_ns));
        }
    }
}

#[test]
fn threads_neither_lose_nor_make_a_token() {
    const THREADS: u64 = 4;
    let policy = RetryTokensPolicy::builder(50_000)
        .build()
        .expect("a policy");
    let tokens = SharedTokens::with_clock(policy, NoClock);
    let together = Barrier::new(THREADS as usize);
    let spent: u64 = thread::scope(|scope| {
        let calls = |handle: SharedTokens<NoClock>| {
            together.wait();
            let mut spent = 0;
            for round in 0..20_000 {
                match handle.try_withdraw(RetryCause::Failure) {
                    Ok(retry) if round % 2_000 > 0 => {
                        assert_eq!(handle.give_back(retry), Reported::Counted);
                    }
                    Ok(_) => spent += 1,
                    Err(_) => {}
                }
            }
            spent
        };
        let threads = [(); THREADS as usize].map(|()| {
            let handle = tokens.clone();
            scope.spawn(move || calls(handle))
        });
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });
    assert!(spent > 0);
    assert_eq!(tokens.balance_milli(), 50_000 - spent * 1_000);
}

#[cfg(feature = "journal")]
#[test]
fn recording_takes_it_behind_the_lock_and_back() {
    use evenkeel_replay::journal::Journal;
    use evenkeel_std::TestClock;

    let policy = RetryTokensPolicy::builder(9_000).build().expect("a policy");
    let tokens = SharedTokens::with_clock(policy, TestClock::new());
    let journal = Journal::in_memory();
    let withdraw = || {
        tokens
            .try_withdraw(RetryCause::Failure)
            .expect("there is one")
    };
    for recorded in 0..3 {
        let before = [withdraw(), withdraw()];
        assert_eq!(tokens.balance_milli(), 7_000 - recorded * 1_000);
        tokens.record(&journal, "tokens");
        assert_eq!(tokens.balance_milli(), 7_000 - recorded * 1_000);
        let _spent = withdraw();
        tokens.stop_recording();
        assert_eq!(tokens.balance_milli(), 6_000 - recorded * 1_000);
        // Who is not recorded has nothing to stop.
        let retry = withdraw();
        tokens.stop_recording();
        assert_eq!(tokens.balance_milli(), 5_000 - recorded * 1_000);
        assert_eq!(tokens.give_back(retry), Reported::Counted);
        for retry in before {
            assert_eq!(tokens.give_back(retry), Reported::Counted);
        }
    }
    let mut written = Vec::new();
    journal.dump(&mut written).expect("memory");
    let lines = String::from_utf8(written).expect("text");
    assert_eq!(lines.matches("try_withdraw").count(), 3, "{lines}");
}
