//! What users of a throttle rely on, fact by fact.

#[path = "common/word.rs"]
mod word;

use core::convert::Infallible;
use core::time::Duration;

use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottleBuilder, AdaptiveThrottlePolicy};
use evenkeel_core::{Ratio, Rebase, RestoreError};
use rand_core::TryRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use word::Word;

const SECOND: u64 = 1_000_000_000;

/// Fails the test if it is drawn from.
struct NoWord;

impl TryRng for NoWord {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("no word is drawn here")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("no word is drawn here")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("no word is drawn here")
    }
}

fn book() -> AdaptiveThrottleBuilder {
    AdaptiveThrottlePolicy::builder().min_requests(0)
}

#[test]
fn the_books_numbers() {
    let policy = book().build().unwrap();
    assert_eq!(policy.history(), Duration::from_secs(120));
    let p = |requests, accepts| policy.probability(requests, accepts).to_string();
    assert_eq!(p(0, 0), "0/1");
    assert_eq!(p(1, 0), "1/2");
    assert_eq!(p(10, 5), "0/11");
    assert_eq!(p(10, 4), "2/11");
    assert_eq!(p(100, 10), "80/101");
    assert_eq!(p(1_000, 499), "2/1001");
}

#[test]
fn a_healthy_backend_costs_no_word_and_no_request() {
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    for n in 0..100_000 {
        let now_ns = n * 1_000_000;
        assert_eq!(throttle.try_request(now_ns, &mut NoWord), Ok(()));
        throttle.on_accepted(now_ns);
    }
}

#[test]
fn one_answer_that_is_late_by_less_than_the_history_is_no_harm() {
    // Half of the requests may be on their way: k is 2.
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    for n in 0..1_000 {
        throttle.try_request(n, &mut NoWord).unwrap();
        throttle.on_accepted(n);
    }
    for n in 1_000..2_000 {
        assert!(throttle.try_request(n, &mut NoWord).is_ok(), "{n}");
    }
    assert!(throttle.reject_probability(2_000).is_zero());
    throttle.try_request(2_000, &mut NoWord).unwrap();
    assert!(!throttle.reject_probability(2_000).is_zero());
}

#[test]
fn it_never_rejects_all_for_ever() {
    // The backend accepts nothing, and the worst history there is: full.
    for requests in [1, 1_000, u32::MAX] {
        let p = book().build().unwrap().probability(requests, 0);
        assert!(p.numerator() < p.denominator(), "{p}");
    }
    let steep = book().k(Ratio::new(u32::MAX, 1).unwrap()).build().unwrap();
    let fine = book()
        .k(Ratio::new(u32::MAX, u32::MAX - 1).unwrap())
        .build()
        .unwrap();
    for policy in [steep, fine] {
        for (requests, accepts) in [(u32::MAX, 0), (u32::MAX, u32::MAX), (0, u32::MAX)] {
            let p = policy.probability(requests, accepts);
            assert!(p.numerator() < p.denominator(), "{p}");
        }
    }
    // With the greatest word a request passes, however dark it looks.
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    for _ in 0..10_000 {
        let _ = throttle.try_request(0, &mut Word::new(0));
    }
    assert!(throttle.try_request(0, &mut Word::new(0)).is_err());
    assert!(throttle.try_request(0, &mut Word::new(u64::MAX)).is_ok());
}

#[test]
fn in_an_outage_probes_go_on_and_recovery_is_found() {
    let policy = AdaptiveThrottlePolicy::builder()
        .history(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut throttle = AdaptiveThrottle::new(policy);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut sent = [0_u32; 12];
    for n in 0..12_000_u64 {
        let now_ns = n * SECOND / 100;
        let ten_seconds = usize::try_from(n / 1_000).unwrap();
        if throttle.try_request(now_ns, &mut rng).is_ok() {
            sent[ten_seconds] += 1;
            // Down from 20 s to 60 s.
            if !(2..6).contains(&ten_seconds) {
                throttle.on_accepted(now_ns);
            }
        }
    }
    assert_eq!(sent[..2], [1_000, 1_000]);
    for during in &sent[3..6] {
        assert!((1..=20).contains(during), "{sent:?}");
    }
    assert_eq!(sent[10..], [1_000, 1_000], "{sent:?}");
}

#[test]
fn a_rejected_request_counts_as_one() {
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    throttle.try_request(0, &mut NoWord).unwrap();
    assert!(throttle.try_request(0, &mut Word::new(0)).is_err());
    assert_eq!((throttle.requests(0), throttle.accepts(0)), (2, 0));
    assert_eq!(throttle.reject_probability(0).to_string(), "2/3");
}

#[test]
fn the_edge_of_the_draw_is_exact() {
    // p = 1/2: the lower half of all words rejects.
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    throttle.try_request(0, &mut NoWord).unwrap();
    assert!(
        throttle
            .clone()
            .try_request(0, &mut Word::new((1 << 63) - 1))
            .is_err()
    );
    assert!(throttle.try_request(0, &mut Word::new(1 << 63)).is_ok());
}

#[test]
fn the_most_and_the_floor() {
    let policy = AdaptiveThrottlePolicy::builder()
        .min_requests(5)
        .max_rejection(Ratio::percent(90))
        .build()
        .unwrap();
    assert!(policy.probability(4, 0).is_zero());
    assert_eq!(policy.probability(5, 0).to_string(), "5/6");
    assert_eq!(policy.probability(9, 0).to_string(), "9/10");
    assert_eq!(policy.probability(10, 0).to_string(), "9/10");
    assert_eq!(policy.probability(u32::MAX, 0).to_string(), "9/10");
}

#[test]
fn a_history_leaves_by_slices_on_the_grid_whoever_asks() {
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    throttle.try_request(11 * SECOND, &mut NoWord).unwrap();
    throttle
        .try_request(12 * SECOND, &mut Word::new(u64::MAX))
        .unwrap();
    assert_eq!(
        [119, 120, 131, 132].map(|s| throttle.requests(s * SECOND)),
        [2, 1, 1, 0]
    );
    // As late as it gets, at once.
    assert_eq!(throttle.requests(u64::MAX), 0);
    assert!(throttle.try_request(u64::MAX, &mut NoWord).is_ok());
    assert_eq!(throttle.requests(0), 1);
}

#[test]
fn time_that_steps_back_stands_still() {
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    throttle.try_request(500 * SECOND, &mut NoWord).unwrap();
    throttle.on_accepted(3 * SECOND);
    assert_eq!((throttle.requests(0), throttle.accepts(0)), (1, 1));
    assert_eq!(throttle.accepts(619 * SECOND), 0);
    assert_eq!(throttle.accepts(599 * SECOND), 1);
}

#[test]
fn a_bad_policy_says_what_to_mend() {
    let text = |builder: AdaptiveThrottleBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        text(book().history(Duration::from_nanos(1_001))),
        "adaptive_throttle.history conflicts with slices: make the span a whole multiple of the number of slices"
    );
    assert_eq!(
        text(book().slices(0)),
        "adaptive_throttle.slices is 0: it must be at least 1"
    );
    assert_eq!(
        text(book().slices(1_025)),
        "adaptive_throttle.slices is 1025: it must be at most 1024"
    );
    assert_eq!(
        text(book().k(Ratio::percent(99))),
        "adaptive_throttle.k is 99/100: it must be at least 1"
    );
    assert_eq!(
        text(book().max_rejection(Ratio::ZERO)),
        "adaptive_throttle.max_rejection is 0: it must be above 0"
    );
    assert_eq!(
        text(book().max_rejection(Ratio::TWO)),
        "adaptive_throttle.max_rejection is 2: it must be at most 1"
    );
    if cfg!(not(feature = "alloc")) {
        assert!(
            book()
                .slices(16)
                .history(Duration::from_secs(16))
                .build()
                .is_ok()
        );
        assert_eq!(
            text(book().slices(17).history(Duration::from_secs(17))),
            "adaptive_throttle.slices needs 17 words of memory: without the feature `alloc` at most 16 are there"
        );
    }
}

#[test]
fn a_rebase_keeps_the_distance_and_drops_what_is_before_time() {
    let policy = book().build().unwrap();
    let mut throttle = AdaptiveThrottle::new(policy);
    for s in [100, 150, 200] {
        let _ = throttle.try_request(s * SECOND, &mut Word::new(u64::MAX));
    }
    let taken_at_ns = 205 * SECOND;
    let to = |now_s: u64, away_s: u64| Rebase {
        taken_at_ns,
        now_ns: now_s * SECOND,
        away: Duration::from_secs(away_s),
    };
    let rebased =
        |rebase| AdaptiveThrottle::restore_rebased(policy, throttle.state(), rebase).unwrap();
    // A clock that goes on loses nothing.
    assert_eq!(rebased(to(205, 0)), throttle);
    assert_eq!(rebased(to(1_005, 0)).requests(1_005 * SECOND), 3);
    assert_eq!(rebased(to(1_005, 40)).requests(1_005 * SECOND), 2);
    // A process that starts at 0 has only what began with it.
    assert_eq!(rebased(to(70, 0)).requests(70 * SECOND), 2);
    assert_eq!(rebased(to(20, 0)).requests(20 * SECOND), 1);
    assert_eq!(rebased(to(0, 0)).requests(0), 0);
    // What has left the history by then does not come back, however young the clock.
    assert_eq!(rebased(to(0, 1_000)).requests(0), 0);
    assert_eq!(rebased(to(110, 130)).requests(110 * SECOND), 0);
    for rebase in [
        to(0, 1_000_000),
        to(u64::MAX / SECOND, 0),
        Rebase {
            taken_at_ns: 0,
            now_ns: u64::MAX,
            away: Duration::MAX,
        },
    ] {
        let moved = rebased(rebase);
        assert_eq!(AdaptiveThrottle::restore(policy, moved.state()), Ok(moved));
    }
}

#[test]
fn it_is_as_small_as_its_pages_say() {
    assert!(size_of::<AdaptiveThrottlePolicy>() <= 40);
    assert!(size_of_val(&AdaptiveThrottle::new(&book().build().unwrap()).state()) <= 200);
}

#[test]
fn a_state_of_other_slices_is_refused() {
    let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
    throttle.try_request(500 * SECOND, &mut NoWord).unwrap();
    let other = book().slices(12).build().unwrap();
    let error = AdaptiveThrottle::restore(other, throttle.state()).unwrap_err();
    assert!(matches!(error, RestoreError::Misfit { .. }), "{error}");
    let longer = book().history(Duration::from_secs(600)).build().unwrap();
    let error = AdaptiveThrottle::restore(longer, throttle.state()).unwrap_err();
    assert!(matches!(error, RestoreError::Misfit { .. }), "{error}");
}

#[cfg(feature = "serde")]
mod stored {
    use super::*;
    use evenkeel_core::throttle::{AdaptiveThrottleState, Throttled};
    use serde_json::{Value, json};

    fn state(text: Value) -> Result<AdaptiveThrottleState, serde_json::Error> {
        serde_json::from_value(text)
    }

    fn honest() -> Value {
        let mut throttle = AdaptiveThrottle::new(book().build().unwrap());
        throttle.try_request(5 * SECOND, &mut NoWord).unwrap();
        throttle.on_accepted(30 * SECOND);
        serde_json::to_value(throttle.state()).unwrap()
    }

    #[test]
    fn its_text_reads_back() {
        let text = honest();
        assert_eq!(
            text,
            json!({
                "version": 1, "clock": 30 * SECOND,
                "tally": {"index": 2, "sums": {"requests": 1, "others": 1}, "words": [10, 1, 0, 1, 1_u64 << 32]}
            })
        );
        let throttle =
            AdaptiveThrottle::restore(book().build().unwrap(), state(text).unwrap()).unwrap();
        assert_eq!((throttle.requests(0), throttle.accepts(0)), (1, 1));
    }

    #[test]
    fn a_hostile_state_is_refused() {
        let policy = book().build().unwrap();
        let refused = |path: &str, value: Value| {
            let mut text = honest();
            *text.pointer_mut(path).unwrap() = value;
            match state(text) {
                Err(error) => error.to_string(),
                Ok(state) => AdaptiveThrottle::restore(policy, state)
                    .unwrap_err()
                    .to_string(),
            }
        };
        assert!(refused("/version", json!(2)).contains("version 2"));
        for (path, value) in [
            ("/tally/index", json!(3)),
            ("/tally/index", json!(u64::MAX)),
            ("/clock", json!(u64::MAX)),
            ("/clock", json!(0)),
            ("/tally/sums/requests", json!(2)),
            ("/tally/sums/others", json!(0)),
            // In the place of slice 9, which has not come, or of slice -1, which never was.
            ("/tally/words", json!([10, 1, 0, 1, 1_u64 << 32, 0, 6, 1])),
            ("/tally/words", json!([9, 1, 0, 1, 1_u64 << 32])),
            ("/tally/words", json!([11, 1, 0, 1, 1_u64 << 32])),
            ("/tally/words", json!([u64::MAX, 1])),
        ] {
            let _ = refused(path, value);
        }
        // Sums that only agree when they run over.
        let mut text = honest();
        text["tally"]["words"] = json!([10, u32::MAX, u32::MAX, 3]);
        text["tally"]["sums"] = json!({"requests": 1, "others": 0});
        assert!(AdaptiveThrottle::restore(policy, state(text).unwrap()).is_err());
    }

    #[test]
    fn a_full_history_counts_no_further_and_lets_no_slice_run_over() {
        let mut text = honest();
        text["tally"]["words"] = json!([10, 0, 1, u64::from(u32::MAX) - 1, 1]);
        text["tally"]["sums"] = json!({"requests": u32::MAX, "others": 0});
        let mut throttle =
            AdaptiveThrottle::restore(book().build().unwrap(), state(text).unwrap()).unwrap();
        let _ = throttle.try_request(30 * SECOND, &mut Word::new(0));
        assert_eq!(throttle.requests(30 * SECOND), u32::MAX);
        assert_eq!(throttle.accepts(30 * SECOND), 0);
        assert_eq!(throttle.requests(132 * SECOND), 1);
        assert_eq!(throttle.requests(144 * SECOND), 0);
    }

    #[test]
    fn a_refusal_reads_back_and_one_that_cannot_be_does_not() {
        let probability = book().build().unwrap().probability(100, 40);
        let reason = Throttled { probability };
        let text = serde_json::to_string(&reason).unwrap();
        assert_eq!(
            text,
            "{\"probability\":{\"numerator\":20,\"denominator\":101}}"
        );
        assert_eq!(serde_json::from_str::<Throttled>(&text).unwrap(), reason);
        for (numerator, denominator) in [(1, 1), (0, 0), (2, 1)] {
            let text = json!({"probability": {"numerator": numerator, "denominator": denominator}});
            assert!(serde_json::from_value::<Throttled>(text).is_err());
        }
    }

    #[test]
    fn a_policy_file() {
        let policy: AdaptiveThrottlePolicy = toml::from_str(
            "history = \"60s\"\nslices = 12\nk = \"1.1\"\nmin_requests = 20\nmax_rejection = \"90%\"",
        )
        .unwrap();
        assert_eq!(policy.k(), Ratio::percent(110));
        assert_eq!(policy.max_rejection(), Ratio::percent(90));
        let text = toml::to_string(&policy).unwrap();
        assert_eq!(
            toml::from_str::<AdaptiveThrottlePolicy>(&text).unwrap(),
            policy
        );
        let usual: AdaptiveThrottlePolicy = toml::from_str("").unwrap();
        assert_eq!(Ok(usual), AdaptiveThrottlePolicy::builder().build());
        let error = toml::from_str::<AdaptiveThrottlePolicy>("k = \"50%\"").unwrap_err();
        assert!(
            error.to_string().contains("adaptive_throttle.k is 1/2"),
            "{error}"
        );
        assert!(toml::from_str::<AdaptiveThrottlePolicy>("kay = 2").is_err());
    }
}
