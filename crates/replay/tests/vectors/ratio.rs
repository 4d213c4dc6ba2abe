//! Retry ratio vectors: deposits by requests, withdrawals by retries.

use core::time::Duration;

use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy};
use evenkeel_replay::retry_ratio::{Answer, Op};

use crate::ask::{ask, holds, strange};
use crate::read::{Members, Stop, fail, unsupported};
use crate::{Checked, Step};

const NEVER: &str =
    "Retry ratio: build() refuses a budget that could never allow a retry (DESIGN 3)";

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only(
        "config",
        &["ttl_ns", "min_retries_per_s", "percent_can_retry"],
    )?;
    let Some(share) = config.decimal("percent_can_retry")? else {
        return fail("config has no percent_can_retry");
    };
    let ttl_ns = config.needed("ttl_ns")?;
    let floor = config.count("min_retries_per_s")?.unwrap_or(0);
    let builder = RetryRatioPolicy::builder(share.ratio()?)
        .ttl(Duration::from_nanos(ttl_ns))
        .floor_per_second(floor);
    let mut budget = match builder.build() {
        Ok(policy) => Some(RetryRatio::new(policy)),
        Err(_) if share.num == 0 && u128::from(floor) * u128::from(ttl_ns) < 1_000_000_000 => None,
        Err(error) if share.num / share.den > 10 => return unsupported(error.to_string()),
        Err(_) if ttl_ns % 10 != 0 => return unsupported("a ttl that is not cut into ten slices"),
        Err(error) => return fail(format!("no policy: {error}")),
    };
    for (at, step) in steps.iter().enumerate() {
        run(&mut budget, step).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
            unsupported => unsupported,
        })?;
    }
    Ok(budget.is_none().then_some(NEVER).into_iter().collect())
}

fn run(budget: &mut Option<RetryRatio>, step: &Step<'_>) -> Result<(), Stop> {
    let input = step.input.only("input", &["op", "repeat"])?;
    let expect = step
        .expect
        .only("expect", &["balance", "granted", "tolerance"])?;
    let (deposits, withdraws) = match input.text("op")? {
        Some("balance" | "read") => (false, false),
        Some("deposit") => (true, false),
        Some("withdraw") => (false, true),
        Some("deposit_then_withdraw") => (true, true),
        op => return unsupported(format!("op {op:?}")),
    };
    let mut granted = 0_u64;
    if let Some(budget) = budget {
        for _ in 0..input.whole("repeat")?.unwrap_or(1) {
            if deposits {
                ask(budget, step.now_ns, &Op::OnRequest);
            }
            if withdraws {
                let cause = RetryCause::Failure;
                match ask(budget, step.now_ns, &Op::TryWithdraw { cause }) {
                    Answer::Withdrawn(_) => granted += 1,
                    Answer::Refused(_) => {}
                    other => return strange(&other),
                }
            }
        }
    }
    let tolerance = expect.whole("tolerance")?.unwrap_or(0);
    let expected = match expect.get("granted").and_then(serde_json::Value::as_bool) {
        Some(one) => Some(u64::from(one)),
        None => expect.whole("granted")?,
    };
    if expected.is_some_and(|expected| granted.abs_diff(expected) > tolerance) {
        return fail(format!("{granted} granted, not {expected:?}"));
    }
    let balance = match budget {
        Some(budget) => holds!(
            ask(budget, step.now_ns, &Op::RetriesLeft),
            Answer::RetriesLeft
        )?,
        None => 0,
    };
    match expect.whole("balance")? {
        Some(expected) if balance.abs_diff(expected) > tolerance => {
            fail(format!("the balance is {balance}, not {expected}"))
        }
        _ => Ok(()),
    }
}
