//! Adaptive throttle vectors: the probability after given counts.

use core::convert::Infallible;

use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use evenkeel_replay::Machine;
use evenkeel_replay::adaptive_throttle::{Answer, Op};
use rand_core::TryRng;

use crate::ask::{ask, holds};
use crate::read::{Members, fail, unsupported};
use crate::{Checked, Differences, Step};

/// Rejects nothing.
struct Greatest;

impl TryRng for Greatest {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only whole words are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::MAX)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("only whole words are drawn")
    }
}

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only("config", &["k", "max_rejection"])?;
    // The book has no floor.
    let mut builder = AdaptiveThrottlePolicy::builder().min_requests(0);
    if let Some(k) = config.decimal("k")? {
        if k.num < k.den {
            return unsupported("a k below 1 rejects requests of which all are accepted");
        }
        builder = builder.k(k.ratio()?);
    }
    if let Some(most) = config.decimal("max_rejection")? {
        builder = builder.max_rejection(most.ratio()?);
    }
    let policy = match builder.build() {
        Ok(policy) => policy,
        Err(error) => return fail(format!("no policy: {error}")),
    };
    for (at, step) in steps.iter().enumerate() {
        let input = step.input.only("input", &["requests", "accepts"])?;
        let (Some(requests), Some(accepts)) = (input.count("requests")?, input.count("accepts")?)
        else {
            return fail(format!("step {at} has no counts"));
        };
        let p = policy.probability(requests, accepts);
        if u64::from(requests) + u64::from(accepts) <= 100_000 {
            let mut throttle = AdaptiveThrottle::new(policy);
            for _ in 0..requests {
                throttle.apply(step.now_ns, &Op::TryRequest, &mut Greatest);
            }
            for _ in 0..accepts {
                ask(&mut throttle, step.now_ns, &Op::OnAccepted);
            }
            let answer = ask(&mut throttle, step.now_ns, &Op::RejectProbability);
            if holds!(answer, Answer::RejectProbability)? != p {
                return fail(format!(
                    "step {at}: the machine does not agree with its policy"
                ));
            }
        }
        let expect = step
            .expect
            .only("expect", &["reject_probability", "tolerance"])?;
        let Some(expected) = expect.float("reject_probability")? else {
            continue;
        };
        let ours = p.numerator() as f64 / p.denominator() as f64;
        let tolerance = expect.float("tolerance")?.unwrap_or(0.0);
        if (ours - expected).abs() > tolerance.max(1e-15) {
            return fail(format!("step {at}: {p}, not {expected}"));
        }
    }
    Ok(Differences::new())
}
