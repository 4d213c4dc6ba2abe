//! Token bucket vectors: amounts taken and given, refills by time, and gRPC's throttle.

use core::time::Duration;

use evenkeel_core::budget::{
    AllowedWhen, RetryCause, RetryTokens, RetryTokensBuilder, RetryTokensPolicy,
};
use evenkeel_replay::retry_tokens::{Answer, Op};

use crate::ask::{ask, holds, strange};
use crate::read::{Decimal, Members, Stop, fail, unsupported};
use crate::{Checked, Differences, Step};

const THOUSANDTHS: &str = "Retry tokens: all in thousandths, rounded down";
const NEVER: &str =
    "Retry tokens: build() refuses a bucket that could never pay for a retry (DESIGN 3)";

/// A bucket of which any amount can be taken or given: each under a policy with that cost or deposit.
pub(crate) struct Bucket {
    base: RetryTokensBuilder,
    tokens: RetryTokens,
}

impl Bucket {
    /// `builder` must leave the costs alone.
    pub(crate) fn new(builder: RetryTokensBuilder) -> Result<Self, Stop> {
        let mut tokens = RetryTokens::new(policy(builder)?);
        // Its time begins at 0.
        ask(&mut tokens, 0, &Op::OnRequest);
        Ok(Self {
            base: builder,
            tokens,
        })
    }

    fn under(&self, builder: RetryTokensBuilder) -> Result<RetryTokens, Stop> {
        RetryTokens::restore(policy(builder)?, self.tokens.state())
            .map_err(|error| Stop::Fail(error.to_string()))
    }

    pub(crate) fn take(&mut self, now_ns: u64, milli: u64) -> Result<bool, Stop> {
        let mut tokens = self.under(self.base.failure_cost_milli(milli))?;
        let granted = try_withdraw(&mut tokens, now_ns)?;
        self.tokens = tokens;
        Ok(granted)
    }

    pub(crate) fn give(&mut self, now_ns: u64, milli: u64) -> Result<(), Stop> {
        let mut tokens = self.under(self.base.deposit_milli(milli))?;
        ask(&mut tokens, now_ns, &Op::OnRequest);
        self.tokens = tokens;
        Ok(())
    }

    pub(crate) fn milli(&mut self, now_ns: u64) -> Result<u64, Stop> {
        balance_milli(&mut self.tokens, now_ns)
    }
}

/// Whether a retry after a failure may be made.
fn try_withdraw(tokens: &mut RetryTokens, now_ns: u64) -> Result<bool, Stop> {
    let cause = RetryCause::Failure;
    match ask(tokens, now_ns, &Op::TryWithdraw { cause }) {
        Answer::Withdrawn(_) => Ok(true),
        Answer::Refused(_) => Ok(false),
        other => strange(&other),
    }
}

/// A first attempt has succeeded.
fn on_success(tokens: &mut RetryTokens, now_ns: u64) {
    ask(tokens, now_ns, &Op::OnSuccess { withdrawal: None });
}

pub(crate) fn balance_milli(tokens: &mut RetryTokens, now_ns: u64) -> Result<u64, Stop> {
    holds!(ask(tokens, now_ns, &Op::BalanceMilli), Answer::BalanceMilli)
}

fn policy(builder: RetryTokensBuilder) -> Result<RetryTokensPolicy, Stop> {
    builder
        .build()
        .map_err(|error| Stop::Fail(format!("no policy: {error}")))
}

/// So many thousandths; more of them than there are, or a part of one, is unsupported.
pub(crate) fn milli(amount: Decimal) -> Result<u64, Stop> {
    let milli = u128::from(amount.num) * 1_000;
    match u64::try_from(milli / u128::from(amount.den)) {
        Ok(whole) if milli % u128::from(amount.den) == 0 && whole <= 1 << 62 => Ok(whole),
        _ => unsupported(format!(
            "{}/{} tokens are no thousandths",
            amount.num, amount.den
        )),
    }
}

pub(crate) fn amount(members: Members<'_>, name: &str) -> Result<Option<u64>, Stop> {
    members.decimal(name)?.map(milli).transpose()
}

/// A bucket with the config's capacity, what it holds at first, and gains.
fn bucket(config: Members<'_>) -> Result<Bucket, Stop> {
    let Some(capacity) = amount(config, "capacity")? else {
        return fail("config has no capacity");
    };
    let mut builder = RetryTokensPolicy::builder(capacity);
    if let Some(initial) = amount(config, "initial")? {
        builder = builder.initial_milli(initial);
    }
    if let Some(gain) = amount(config, "success_gain")? {
        builder = builder.credit_milli(gain);
    }
    if let Some(rate) = config.decimal("refill_per_s")? {
        // num / den tokens a second are num * 1000 thousandths in den seconds.
        let rate = Decimal::lowest(rate.num.saturating_mul(1_000), rate.den);
        builder = builder
            .refill_milli(rate.num)
            .refill_per(Duration::from_secs(rate.den));
    }
    Bucket::new(builder)
}

pub(crate) fn check_bucket(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only(
        "config",
        &["capacity", "initial", "refill_per_s", "success_gain"],
    )?;
    check_amounts(bucket(config)?, steps)
}

pub(crate) fn check_primitive(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    config.only("config", &["capacity", "initial", "cost"])?;
    check_amounts(bucket(config)?, steps)
}

fn check_amounts(mut bucket: Bucket, steps: &[Step<'_>]) -> Checked {
    let mut differences = Differences::new();
    for (at, step) in steps.iter().enumerate() {
        let input = step.input.only("input", &["op", "amount"])?;
        let given = amount(input, "amount")?;
        let mut granted = None;
        match (input.text("op")?, given) {
            (Some("get" | "acquire"), Some(milli)) => {
                granted = Some(bucket.take(step.now_ns, milli)?);
            }
            (Some("put" | "release"), Some(milli)) => bucket.give(step.now_ns, milli)?,
            (Some("success"), None) => on_success(&mut bucket.tokens, step.now_ns),
            (Some("read"), None) => {}
            (op, _) => return unsupported(format!("op {op:?}")),
        }
        check_state(&mut bucket, step, granted, &mut differences).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
            unsupported => unsupported,
        })?;
    }
    Ok(differences)
}

fn check_state(
    bucket: &mut Bucket,
    step: &Step<'_>,
    granted: Option<bool>,
    differences: &mut Differences,
) -> Result<(), Stop> {
    let expect = step.expect.only(
        "expect",
        &[
            "granted",
            "count",
            "tokens",
            "whole",
            "fraction",
            "fraction_tolerance",
        ],
    )?;
    let milli = bucket.milli(step.now_ns)?;
    if let Some(expected) = expect.flag("granted")? {
        if granted != Some(expected) {
            return fail(format!("granted is {granted:?}, not {expected}"));
        }
    }
    for name in ["count", "tokens"] {
        if let Some(expected) = amount(expect, name)? {
            if milli != expected {
                return fail(format!("{name}: {milli} thousandths, not {expected}"));
            }
        }
    }
    if let Some(whole) = expect.whole("whole")? {
        if milli / 1_000 != whole {
            return fail(format!("{milli} thousandths, not {whole} whole"));
        }
    }
    if let Some(fraction) = expect.float("fraction")? {
        let off = ((milli % 1_000) as f64 / 1_000.0 - fraction).abs();
        if off > expect.float("fraction_tolerance")?.unwrap_or(0.0) + 1e-12 {
            if off >= 0.001 {
                return fail(format!("{milli} thousandths, not a fraction of {fraction}"));
            }
            differences.insert(THOUSANDTHS);
        }
    }
    Ok(())
}

/// gRPC's throttle.
pub(crate) fn check_throttle(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    let known = [
        "max_tokens_milli",
        "token_ratio_milli",
        "initial_tokens_milli",
        "retry_allowed_when",
    ];
    config.only("config", &known)?;
    if config
        .text("retry_allowed_when")?
        .is_some_and(|rule| rule != "tokens > max/2")
    {
        return unsupported("another rule than tokens > max/2");
    }
    let (max, ratio) = (
        config.needed("max_tokens_milli")?,
        config.needed("token_ratio_milli")?,
    );
    let initial = config.whole("initial_tokens_milli")?.unwrap_or(max);
    let builder = match u32::try_from(max / 1_000) {
        Ok(whole) if max % 1_000 == 0 => RetryTokensPolicy::grpc(whole, ratio),
        _ => RetryTokensPolicy::builder(max)
            .credit_milli(ratio)
            .allowed_when(AllowedWhen::AboveHalf),
    };
    let mut tokens = match builder.initial_milli(initial).build() {
        Ok(policy) => Some(RetryTokens::new(policy)),
        // With two tokens or fewer the first failure leaves half or less.
        Err(_) if max < 2_002 && initial <= max => None,
        Err(error) => return fail(format!("no policy: {error}")),
    };
    let mut source = initial;
    for (at, step) in steps.iter().enumerate() {
        let input = step.input.only("input", &["op"])?;
        let failed = match input.text("op")? {
            Some("failure") => true,
            Some("success") => false,
            op => return unsupported(format!("op {op:?}")),
        };
        source = if failed {
            source.saturating_sub(1_000)
        } else {
            source.saturating_add(ratio).min(max)
        };
        let mut balance = source;
        let mut allowed = 2 * u128::from(source) > u128::from(max);
        if let Some(tokens) = &mut tokens {
            let granted = if failed {
                Some(try_withdraw(tokens, step.now_ns)?)
            } else {
                on_success(tokens, step.now_ns);
                None
            };
            balance = balance_milli(tokens, step.now_ns)?;
            let above_half = 2 * u128::from(balance) > u128::from(max);
            allowed = granted.unwrap_or(above_half);
        }
        let expect = step
            .expect
            .only("expect", &["tokens_milli", "allow_retry"])?;
        if expect.whole("tokens_milli")?.is_some_and(|e| e != balance) {
            return fail(format!("step {at}: {balance} thousandths"));
        }
        if expect.flag("allow_retry")?.is_some_and(|e| e != allowed) {
            return fail(format!("step {at}: a retry is allowed: {allowed}"));
        }
    }
    let refused = tokens.is_none().then_some(NEVER);
    Ok(refused.into_iter().collect())
}
