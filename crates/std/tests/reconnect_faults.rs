//! The blocking reconnect loop: in which order a link goes, what panics do to it, and what its status says unasked.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::reconnect::{LinkPhase, ReconnectPolicy};
use evenkeel_std::reconnect::Status;
use evenkeel_std::{Classified, Reconnect, TestClock};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn policy() -> ReconnectPolicy {
    let backoff = BackoffPolicy::builder(secs(1)).jitter(Jitter::None);
    let builder = ReconnectPolicy::builder(backoff, secs(100)).silence_limit(secs(10));
    builder.build().expect("a policy")
}

/// A connection that looks at the status when it is closed, and panics if it is to.
struct Socket {
    status: Rc<RefCell<Option<Status<TestClock>>>>,
    closed: Rc<Cell<u32>>,
    panics: bool,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let status = self.status.borrow();
        let phase = status.as_ref().expect("it is set").now().phase();
        assert!(matches!(phase, LinkPhase::Connected { .. }), "{phase:?}");
        self.closed.set(self.closed.get() + 1);
        assert!(!self.panics, "a bug in the drop");
    }
}

#[test]
fn a_link_is_gone_before_it_counts_as_lost() {
    let (status, closed) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(0)));
    let made = Cell::new(0);
    let mut reconnect = Reconnect::new(&policy(), |_| {
        made.set(made.get() + 1);
        Ok::<_, String>(Socket {
            status: Rc::clone(&status),
            closed: Rc::clone(&closed),
            panics: made.get() == 3,
        })
    })
    .clock(TestClock::new());
    *status.borrow_mut() = Some(reconnect.status());
    drop(reconnect.next_link().expect("a link"));
    assert_eq!(
        (closed.get(), reconnect.status().now().lost()),
        (1, Some("dropped"))
    );
    reconnect.next_link().expect("a link").lost("end of file");
    assert_eq!(
        (closed.get(), reconnect.status().now().lost()),
        (2, Some("end of file"))
    );
    let third = reconnect.next_link().expect("a link");
    let panic = catch_unwind(AssertUnwindSafe(|| third.lost("reset")));
    assert!(panic.is_err());
    // It is reported all the same: the next one is made.
    assert_eq!(
        (closed.get(), reconnect.status().now().lost()),
        (3, Some("reset"))
    );
    assert_eq!(reconnect.next_link().expect("a link").id().to_word(), 4);
}

/// An error that says nothing but a panic.
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a bug in the text");
    }
}

#[test]
fn a_why_whose_text_panics_loses_the_link_all_the_same() {
    let mut reconnect = Reconnect::new(&policy(), |_| Ok::<_, String>(())).clock(TestClock::new());
    let live = reconnect.next_link().expect("a link");
    assert!(catch_unwind(AssertUnwindSafe(|| live.lost(Mute))).is_err());
    assert_eq!(reconnect.status().now().lost(), Some("dropped in a panic"));
}

#[test]
fn a_panic_of_the_classifier_is_a_failed_try_and_goes_on() {
    let mut reconnect = Reconnect::new(&policy(), |_| Err::<(), _>("no"))
        .classify(|_| -> Classified { panic!("a bug in the classifier") })
        .clock(TestClock::new());
    let panic = catch_unwind(AssertUnwindSafe(|| drop(reconnect.next_link())));
    let panic = panic.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"a bug in the classifier"));
    let now = reconnect.status().now();
    assert!(matches!(now.phase(), LinkPhase::Waiting { .. }), "{now}");
    assert_eq!(now.lost(), Some("judging the error panicked"));
}

#[test]
fn a_panic_of_the_text_of_an_error_is_a_failed_try_and_goes_on() {
    let connect = |_| Err::<(), _>(Mute);
    let mut reconnect = Reconnect::new(&policy(), connect).clock(TestClock::new());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(reconnect.next_link()))).is_err());
    let now = reconnect.status().now();
    assert!(matches!(now.phase(), LinkPhase::Waiting { .. }), "{now}");
}

#[test]
fn the_status_says_why_a_link_is_lost_before_anybody_asks_for_the_next() {
    let clock = TestClock::new();
    let mut reconnect = Reconnect::new(&policy(), |_| Ok::<_, String>(())).clock(clock.clone());
    reconnect
        .next_link()
        .expect("a link")
        .lost("closed by the server");
    let live = reconnect.next_link().expect("a link");
    clock.advance(secs(15));
    assert_eq!(reconnect.status().now().lost(), Some("silent"));
    // A reason that comes after is not the reason.
    live.lost("reset");
    assert_eq!(reconnect.status().now().lost(), Some("silent"));
    let live = reconnect.next_link().expect("a link");
    assert!(live.on_frame());
    live.lost("closed by the server");
    clock.advance(secs(15));
    assert_eq!(
        reconnect.status().now().lost(),
        Some("closed by the server")
    );
}

#[test]
fn a_late_connect_is_lost_by_its_timeout_and_a_stop_by_nothing() {
    let (clock, stop) = (TestClock::new(), evenkeel_std::Stop::new());
    let connect = |_| {
        clock.advance(secs(200));
        stop.stop();
        Err::<(), _>("late")
    };
    let mut reconnect = Reconnect::new(&policy(), connect).clock(&clock).stop(&stop);
    let _ = reconnect.next_link();
    assert_eq!(reconnect.status().now().lost(), Some("connect-timeout"));

    let stop = evenkeel_std::Stop::new();
    let reconnect = Reconnect::new(&policy(), |_| Ok::<_, String>(()));
    let mut reconnect = reconnect.clock(TestClock::new()).stop(&stop);
    let live = reconnect.next_link().expect("a link");
    stop.stop();
    assert!(reconnect.next_link().is_err());
    assert_eq!(reconnect.status().now().lost(), None);
    drop(live);
}
