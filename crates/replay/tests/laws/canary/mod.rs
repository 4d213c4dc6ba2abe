//! The harness under test: for each way to break a law it must report that law and no other.

mod machine;
mod subject;

use crate::harness::{Cell, Effort, Law, judge};
use machine::Fault;
use subject::Bird;

/// The laws that the harness finds broken.
fn broken<const FAULT: usize>() -> Vec<Law> {
    let report = judge::<Bird<FAULT>>(Effort::from_env());
    for failure in &report.failures {
        println!("{:?}: {failure}\n", subject::FAULTS[FAULT]);
    }
    let is_broken = |(law, cell): &(Law, Cell)| (*cell == Cell::Broken).then_some(*law);
    let broken: Vec<Law> = report.cells.iter().filter_map(is_broken).collect();
    let told: Vec<Law> = report.failures.iter().map(|failure| failure.law).collect();
    assert!(broken.iter().all(|law| told.contains(law)));
    broken
}

#[test]
fn an_honest_machine_keeps_every_law_and_every_law_is_put_to_the_test() {
    let report = judge::<Bird<0>>(Effort::from_env());
    println!("{}", crate::harness::table(core::slice::from_ref(&report)));
    for failure in &report.failures {
        println!("{failure}\n");
    }
    assert!(report.failures.is_empty());
    let is_tested = |cell: &Cell| matches!(cell, Cell::Ok(times) if *times > 0);
    assert!(report.cells.iter().all(|(_, cell)| is_tested(cell)));
}

/// A test for each fault: exactly its law is reported.
macro_rules! faults {
    ($($name:ident: $number:literal $fault:ident breaks $law:ident;)*) => {$(
        #[test]
        fn $name() {
            assert_eq!(subject::FAULTS[$number], Fault::$fault);
            assert_eq!(broken::<$number>(), [Law::$law]);
        }
    )*
        #[test]
        fn every_law_is_broken_by_some_fault() {
            let broken = [$(Law::$law),*];
            assert!(Law::ALL.iter().all(|law| broken.contains(law)));
            assert_eq!(subject::FAULTS.len(), 1 + broken.len());
        }
    };
}

faults! {
    a_hidden_counter_breaks_l1: 1 HiddenCounter breaks Same;
    a_clock_that_is_followed_back_breaks_l2: 2 FollowsClock breaks ClockBack;
    a_poll_that_leaves_a_trace_breaks_l3: 3 PollLeavesTrace breaks QuietBefore;
    a_deadline_that_comes_late_breaks_l3: 4 LateDeadline breaks QuietBefore;
    a_deadline_at_which_it_is_not_ready_breaks_l4: 5 NotReady breaks ProgressAt;
    a_report_without_end_breaks_l4: 6 ReportsForEver breaks ProgressAt;
    a_hold_that_only_a_poll_ends_breaks_l5: 7 NeedsPoll breaks LazyIsEager;
    a_snapshot_with_a_hole_breaks_l6: 8 ForgetsOnRestore breaks Restored;
    an_origin_that_shows_breaks_l7: 9 KnowsOrigin breaks Shifted;
    a_stale_report_that_frees_breaks_l8: 10 StaleFrees breaks Strangers;
    a_report_that_counts_twice_breaks_l8: 11 CountsTwice breaks Strangers;
    a_memory_of_forgotten_keys_breaks_l9: 12 RemembersKeys breaks Forgotten;
    a_log_breaks_l10: 13 KeepsLog breaks Bounded;
    an_idle_word_breaks_l11: 14 DrawsIdly breaks Words;
    an_overflow_breaks_l12: 15 Overflows breaks AnyU64;
    a_deadline_put_at_the_end_of_time_breaks_l12: 16 Saturates breaks AnyU64;
    a_hasher_that_shows_breaks_l13: 17 ShowsHasher breaks Order;
}
