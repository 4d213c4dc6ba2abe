//! Retry quota vectors: whole operations with their attempts, backoff and a bucket that all of them share, in the order
//! of DESIGN 4: attempt limit, backoff, budget last.

use std::collections::BTreeMap;

use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy, WithdrawalId};
use evenkeel_replay::retry_tokens::{Answer, Op};
use serde_json::{Value, json};

use crate::ask::{ask, strange};
use crate::formula::{Formula, Rule, floor};
use crate::read::{Decimal, Members, Stop, fail, unsupported};
use crate::tokens::{amount, balance_milli};
use crate::{Checked, Differences, Step, backoff};

const NEVER: &str =
    "Retry tokens: build() refuses a bucket that could never pay for a retry (DESIGN 3)";
/// What retry behavior 2.1 lets a server add to a client's own wait.
const WITHIN_NS: u64 = 5_000_000_000;

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    let known = [
        "capacity",
        "initial",
        "cost",
        "success_without_retry_gain",
        "max_attempts",
        "backoff",
    ];
    config.only("config", &known)?;
    let mut run = Run {
        tokens: bucket(config)?,
        max_attempts: config.needed("max_attempts")?,
        backoff: config.object("backoff")?,
        held: BTreeMap::new(),
        advisory: [true; 3],
        differences: Differences::new(),
    };
    if run.tokens.is_none() {
        run.differences.insert(NEVER);
    }
    for (at, step) in steps.iter().enumerate() {
        run.step(step).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
            unsupported => unsupported,
        })?;
    }
    Ok(run.differences)
}

/// None where `build()` refuses it because it never pays.
fn bucket(config: Members<'_>) -> Result<Option<RetryTokens>, Stop> {
    let Some(capacity) = amount(config, "capacity")? else {
        return fail("config has no capacity");
    };
    let Some(cost) = config.object("cost")? else {
        return fail("config has no cost");
    };
    cost.only(
        "cost",
        &["error", "timeout", "throttle", "gain_without_retry"],
    )?;
    let Some(error) = amount(cost, "error")? else {
        return fail("a failure has no cost");
    };
    let timeout = amount(cost, "timeout")?.unwrap_or(error);
    let throttle = amount(cost, "throttle")?.unwrap_or(error);
    let gain = match amount(config, "success_without_retry_gain")? {
        Some(gain) => gain,
        None => amount(cost, "gain_without_retry")?.unwrap_or(1_000),
    };
    let mut builder = RetryTokensPolicy::builder(capacity)
        .failure_cost_milli(error)
        .timeout_cost_milli(timeout)
        .throttled_cost_milli(throttle)
        .credit_milli(gain)
        .refund(true);
    if let Some(initial) = amount(config, "initial")? {
        builder = builder.initial_milli(initial);
    }
    match builder.build() {
        Ok(policy) => Ok(Some(RetryTokens::new(policy))),
        Err(_) if capacity < error.min(timeout).min(throttle) => Ok(None),
        Err(error) => fail(format!("no policy: {error}")),
    }
}

struct Run<'a> {
    tokens: Option<RetryTokens>,
    max_attempts: u64,
    backoff: Option<Members<'a>>,
    /// The last withdrawal of each operation.
    held: BTreeMap<u64, WithdrawalId>,
    /// Which of our rules for a server's advice give all waits so far: at least, exact, within.
    advisory: [bool; 3],
    differences: Differences,
}

impl Run<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<(), Stop> {
        let known = ["call", "attempt", "result", "retry_after_ms", "u"];
        let input = step.input.only("input", &known)?;
        let call = input.whole("call")?.unwrap_or(0);
        let Some(attempt) = input.count("attempt")?.filter(|&attempt| attempt > 0) else {
            return fail("attempt counts from 1");
        };
        let cause = match input.text("result")? {
            Some("ok") => None,
            Some("error") => Some(RetryCause::Failure),
            Some("timeout") => Some(RetryCause::Timeout),
            Some("throttle") => Some(RetryCause::Throttled),
            result => return unsupported(format!("result {result:?}")),
        };
        let outcome = match cause {
            None => {
                let withdrawal = self.held.remove(&call);
                if let Some(tokens) = &mut self.tokens {
                    ask(tokens, step.now_ns, &Op::OnSuccess { withdrawal });
                }
                "success"
            }
            Some(_) if u64::from(attempt) >= self.max_attempts => "stop_max_attempts",
            Some(cause) => {
                let tokens = self.tokens.as_mut();
                match tokens.map(|tokens| ask(tokens, step.now_ns, &Op::TryWithdraw { cause })) {
                    Some(Answer::Withdrawn(withdrawal)) => {
                        // What the retry before took stays taken.
                        self.held.insert(call, withdrawal);
                        "retry"
                    }
                    None | Some(Answer::Refused(_)) => "stop_quota",
                    Some(other) => return strange(&other),
                }
            }
        };
        if outcome.starts_with("stop") {
            self.held.remove(&call);
        }
        let expect = step
            .expect
            .only("expect", &["outcome", "tokens", "delay_ns"])?;
        if expect.text("outcome")?.is_some_and(|e| e != outcome) {
            return fail(format!("outcome is {outcome}"));
        }
        if let (Some(expected), Some(tokens)) = (amount(expect, "tokens")?, &mut self.tokens) {
            let milli = balance_milli(tokens, step.now_ns)?;
            if milli != expected {
                return fail(format!("{milli} thousandths, not {expected}"));
            }
        }
        match (cause, expect.whole("delay_ns")?) {
            (_, None) => Ok(()),
            (Some(cause), Some(delay_ns)) if outcome == "retry" => {
                self.delay(step, attempt, cause, delay_ns)
            }
            _ => unsupported("a wait without a retry"),
        }
    }

    fn delay(
        &mut self,
        step: &Step<'_>,
        retry: u32,
        cause: RetryCause,
        delay_ns: u64,
    ) -> Result<(), Stop> {
        let Some(config) = self.backoff else {
            return unsupported("a wait without a backoff");
        };
        let schedule = schedule(config, cause)?;
        let schedule = Members::of(&schedule, "backoff")?;
        let u = step.input.get("u").cloned().unwrap_or_else(|| json!(1));
        let Some(advised_ms) = step.input.whole("retry_after_ms")? else {
            // As a backoff vector of one step.
            let input = json!({"retry": retry, "u": u});
            let expect = json!({"delay_ns": delay_ns});
            let wait = Step {
                now_ns: step.now_ns,
                input: Members::of(&input, "input")?,
                expect: Members::of(&expect, "expect")?,
            };
            let differences = backoff::check(schedule, &[wait])?;
            self.differences.extend(differences);
            return Ok(());
        };
        let word = Members::of(&json!({"u": u}), "u")?
            .decimal("u")?
            .map_or(Ok(u64::MAX), Decimal::word)?;
        let own_ns = floor(Formula::of(schedule)?.wait(Rule::Ours, retry, word, None));
        let advised_ns = advised_ms.saturating_mul(1_000_000);
        let rules = [
            own_ns.max(advised_ns),
            advised_ns,
            advised_ns.clamp(own_ns, own_ns.saturating_add(WITHIN_NS)),
        ];
        for (fits, wait_ns) in self.advisory.iter_mut().zip(rules) {
            *fits &= wait_ns.abs_diff(delay_ns) <= 1;
        }
        if self.advisory.contains(&true) {
            Ok(())
        } else {
            fail(format!("no rule for advice gives {delay_ns}: {rules:?}"))
        }
    }
}

/// The backoff of a quota, for one cause, as a backoff vector writes it.
fn schedule(config: Members<'_>, cause: RetryCause) -> Result<Value, Stop> {
    let known = [
        "kind",
        "base_ns",
        "factor",
        "cap_ns",
        "first_exponent",
        "jitter",
    ];
    config.only("backoff", &known)?;
    let mut schedule = json!({});
    for name in known {
        if let Some(value) = config.get(name) {
            schedule[name] = value.clone();
        }
    }
    if let Some(base) = config.get("base_ns").filter(|base| base.is_object()) {
        let base = Members::of(base, "base_ns")?;
        let throttled = base
            .get("throttle")
            .filter(|_| cause == RetryCause::Throttled);
        schedule["base_ns"] = throttled
            .or_else(|| base.get("error"))
            .cloned()
            .unwrap_or(Value::Null);
    }
    if let Some(jitter) = config.get("jitter").and_then(Value::as_str) {
        schedule["jitter"] = json!({"kind": jitter});
    }
    Ok(schedule)
}
