//! The throttle against a naive reading of the book: every request and accept of the whole history is kept with its
//! slice, and each answer is worked out from all of them in 128 bits. Laws L1, L2, L6, L7, L10, L11 and L12 at every
//! step.

#[path = "common/slices.rs"]
mod slices;
#[path = "common/word.rs"]
mod word;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use proptest::prelude::*;

use slices::{MOST_SLICES, Time, time};
use word::Word;

#[derive(Clone, Copy, Debug)]
enum Call {
    Request(u64),
    Accepted,
    Restore,
}

fn call() -> impl Strategy<Value = Call> {
    let word = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)];
    prop_oneof![
        6 => word.prop_map(Call::Request),
        3 => Just(Call::Accepted),
        1 => Just(Call::Restore),
    ]
}

fn policy() -> impl Strategy<Value = AdaptiveThrottlePolicy> {
    let k = (1..40_u32, 1..40_u32).prop_map(|(a, b)| Ratio::new(a.max(b), a.min(b)).unwrap());
    let most = (1..=10_u32, 10..=20_u32).prop_map(|(a, b)| Ratio::new(a, b).unwrap());
    let most = prop_oneof![Just(Ratio::ONE), most];
    let slices = prop_oneof![1..6_u32, Just(16), Just(MOST_SLICES)];
    (1..30_u64, slices, k, 0..4_u32, most).prop_map(|(slice_ns, slices, k, floor, most)| {
        AdaptiveThrottlePolicy::builder()
            .history(Duration::from_nanos(slice_ns * u64::from(slices)))
            .slices(slices)
            .k(k)
            .min_requests(floor)
            .max_rejection(most)
            .build()
            .unwrap()
    })
}

fn slice_ns(policy: &AdaptiveThrottlePolicy) -> u64 {
    u64::try_from(policy.history().as_nanos()).unwrap() / u64::from(policy.slices())
}

/// Every event of the history, by the instant at which it counted.
struct Naive {
    policy: AdaptiveThrottlePolicy,
    latest_ns: u64,
    requests: Vec<u64>,
    accepts: Vec<u64>,
}

impl Naive {
    fn count(&self, events: &[u64], now_ns: u64) -> u128 {
        let slice_ns = slice_ns(&self.policy);
        let current = u128::from(now_ns / slice_ns);
        let counts = |&&at_ns: &&u64| {
            let slice = u128::from(at_ns / slice_ns);
            slice <= current && slice + u128::from(self.policy.slices()) > current
        };
        events.iter().filter(counts).count() as u128
    }

    /// `(numerator, denominator)`, as the book has it.
    fn probability(&self, now_ns: u64) -> (u128, u128) {
        let requests = self.count(&self.requests, now_ns);
        let accepts = self.count(&self.accepts, now_ns);
        let (k, most) = (self.policy.k(), self.policy.max_rejection());
        let of = |ratio: Ratio| {
            (
                u128::from(ratio.numerator()),
                u128::from(ratio.denominator()),
            )
        };
        let ((k_num, k_den), (most_num, most_den)) = (of(k), of(most));
        let denominator = k_den * (requests + 1);
        if requests < self.policy.min_requests().into() || requests * k_den <= accepts * k_num {
            return (0, denominator);
        }
        let numerator = requests * k_den - accepts * k_num;
        if numerator * most_den > denominator * most_num {
            return (most_num, most_den);
        }
        (numerator, denominator)
    }

    /// The first start of a slice at which nothing is rejected.
    fn sure_at(&self) -> Option<u64> {
        let slice_ns = slice_ns(&self.policy);
        let next = self.latest_ns / slice_ns;
        (1..=u64::from(self.policy.slices()))
            .map(|step| next.checked_add(step)?.checked_mul(slice_ns))
            .take_while(Option::is_some)
            .flatten()
            .find(|&at_ns| self.probability(at_ns).0 == 0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_throttle_rejects_as_the_book_says(
        policy in policy(),
        steps in prop::collection::vec((time(), call()), 1..80),
        to_the_end in any::<bool>(),
        shift in 0..1_000_u64,
    ) {
        let mut naive = Naive { policy, latest_ns: 0, requests: Vec::new(), accepts: Vec::new() };
        let mut throttle = AdaptiveThrottle::new(policy);
        let shift_ns = shift * slice_ns(&policy);
        let mut shifted = AdaptiveThrottle::new(policy);
        let last = to_the_end.then_some((Time::Last, Call::Request(0)));
        for (time, call) in steps.into_iter().chain(last) {
            let now_ns = time.at(naive.latest_ns, slice_ns(&policy));
            let before = throttle.clone();
            let seen_ns = now_ns.max(naive.latest_ns);
            let (numerator, denominator) = naive.probability(seen_ns);
            let p = throttle.reject_probability(now_ns);
            prop_assert_eq!((u128::from(p.numerator()), u128::from(p.denominator())), (numerator, denominator));
            prop_assert!(p.numerator() < p.denominator(), "alive");
            prop_assert_eq!(&throttle, &before, "a query changes nothing");
            let shifted_ns = now_ns.saturating_add(shift_ns);
            match call {
                Call::Request(word) => {
                    let mut rng = Word::new(word);
                    let answer = throttle.try_request(now_ns, &mut rng);
                    naive.latest_ns = seen_ns;
                    naive.requests.push(seen_ns);
                    prop_assert_eq!(rng.drawn, u32::from(numerator > 0), "one word a draw");
                    let rejected = numerator > 0 && (u128::from(word) * denominator) >> 64 < numerator;
                    prop_assert_eq!(answer.is_err(), rejected);
                    if let Err(refused) = &answer {
                        prop_assert_eq!(refused.reason.probability, p);
                        prop_assert_eq!(refused.retry_at_ns, naive.sure_at());
                        if let Some(at_ns) = refused.retry_at_ns {
                            let sure = throttle.clone().try_request(at_ns, &mut Word::new(0)).is_ok();
                            prop_assert!(sure);
                            prop_assert!(at_ns > seen_ns);
                        }
                    }
                    let again = shifted.try_request(shifted_ns, &mut Word::new(word));
                    if seen_ns <= u64::MAX - shift_ns - 1_000 {
                        let retry_at_ns = |r: &evenkeel_core::Refusal<_>| r.retry_at_ns;
                        prop_assert_eq!(again.is_ok(), answer.is_ok(), "shifted");
                        prop_assert_eq!(
                            again.as_ref().err().and_then(retry_at_ns),
                            answer.as_ref().err().and_then(retry_at_ns).map(|at| at + shift_ns)
                        );
                    }
                }
                Call::Accepted => {
                    throttle.on_accepted(now_ns);
                    shifted.on_accepted(shifted_ns);
                    naive.latest_ns = seen_ns;
                    naive.accepts.push(seen_ns);
                }
                Call::Restore => {
                    let restored = AdaptiveThrottle::restore(policy, throttle.state());
                    prop_assert_eq!(restored.as_ref(), Ok(&throttle));
                    throttle = restored.unwrap();
                }
            }
            let (requests, accepts) = (throttle.requests(now_ns), throttle.accepts(now_ns));
            prop_assert_eq!(u128::from(requests), naive.count(&naive.requests, seen_ns));
            prop_assert_eq!(u128::from(accepts), naive.count(&naive.accepts, seen_ns));
            // What is long past leaves no trace: after the history there is nothing.
            let later_ns = seen_ns.saturating_add(2 * slice_ns(&policy) * u64::from(policy.slices()));
            if later_ns < u64::MAX {
                prop_assert_eq!((throttle.requests(later_ns), throttle.accepts(later_ns)), (0, 0));
            }
        }
    }
}
