//! Backoff vectors: the wait before a retry, from given draws or between bounds.

use evenkeel_core::backoff::{Backoff, Exhausted, Wait};
use evenkeel_replay::Machine;
use evenkeel_replay::backoff::{Answer, Op};

use crate::ask::{ask, holds, strange};
use crate::formula::{Draw, Fixed, Formula, Rule, fixed, floor};
use crate::read::{Members, Stop, fail, unsupported};
use crate::words::Words;
use crate::{Checked, Differences, Step};

const CAP: &str = "Cap: no wait is above it, jitter is drawn from the capped range; spans above 2^62 ns are refused";
const CEILING: &str = "First wait: ceiling(n+1) = floor(ceiling(n) * factor); build() refuses factors that do not grow";
const JITTER: &str = "Jitter: Spread(r), r <= 1";

/// How many waits are drawn to get to a late retry whose ceiling is still growing.
const FAR: u32 = 10_000_000;

pub(crate) fn check(config: Members<'_>, steps: &[Step<'_>]) -> Checked {
    let formula = Formula::of(config)?;
    let mut run = Run {
        formula,
        backoff: None,
        source_previous: None,
        previous_ns: None,
        slack: 0,
        differences: Differences::new(),
    };
    match formula.policy()? {
        Ok(policy) => run.backoff = Some(Backoff::new(policy)),
        Err(_) if formula.is_refused_by_decision() => {
            run.differences.insert(CEILING);
        }
        Err(_) if matches!(formula.draw, Draw::Centered(fraction) if fraction.num > fraction.den) =>
        {
            run.differences.insert(JITTER);
        }
        Err(error) => return fail(format!("no policy: {error}")),
    }
    for (at, step) in steps.iter().enumerate() {
        run.step(step).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("step {at}: {why}")),
            unsupported => unsupported,
        })?;
    }
    Ok(run.differences)
}

struct Run {
    formula: Formula,
    /// None where `build()` refuses the config; then only the source's own numbers are checked.
    backoff: Option<Backoff>,
    /// The last decorrelated wait by the source's rule.
    source_previous: Option<Fixed>,
    previous_ns: Option<u64>,
    /// How far the roundings of decorrelated waits have come to lie from the source's.
    slack: Fixed,
    differences: Differences,
}

impl Run {
    fn step(&mut self, step: &Step<'_>) -> Result<(), Stop> {
        let input = step.input.only("input", &["retry", "u"])?;
        let expect = step.expect;
        let Some(retry) = input.count("retry")?.filter(|&retry| retry > 0) else {
            return fail("retry counts from 1");
        };
        let tolerance = match expect.whole("tolerance_ns")? {
            Some(tolerance) => tolerance,
            None => expect.whole("tolerance")?.unwrap_or(0),
        };
        if expect.has("delay_ns") {
            match expect.whole("delay_ns")? {
                None => self.refused(retry, step.now_ns)?,
                Some(delay_ns) => {
                    let word = match (self.formula.draw, input.decimal("u")?) {
                        (Draw::None, _) => 0,
                        (_, Some(u)) => u.word()?,
                        (_, None) => return unsupported("a jittered wait without its draw"),
                    };
                    self.wait(retry, word, step.now_ns, delay_ns, tolerance)?;
                }
            }
        }
        if expect.has("min_ns") || expect.has("max_ns") {
            self.bounds(retry, step.now_ns, expect, tolerance)?;
        }
        match expect.whole("center_ns")? {
            Some(center_ns) => self.center(retry, center_ns, tolerance),
            None => Ok(()),
        }
    }

    fn refused(&mut self, retry: u32, now_ns: u64) -> Result<(), Stop> {
        let Some(backoff) = &mut self.backoff else {
            return Ok(());
        };
        ask(backoff, now_ns, &Op::Reset);
        let mut rng = Words::endless();
        for _ in 1..retry.min(FAR) {
            let _ = next_wait(backoff, now_ns, &mut rng)?;
        }
        match next_wait(backoff, now_ns, &mut rng)? {
            Err(Exhausted::Retries) => Ok(()),
            other => fail(format!("no delay may be asked for, but there is {other:?}")),
        }
    }

    fn wait(
        &mut self,
        retry: u32,
        word: u64,
        now_ns: u64,
        expected_ns: u64,
        tolerance: u64,
    ) -> Result<(), Stop> {
        let decorrelated = self.formula.draw == Draw::Decorrelated;
        if retry == 1 {
            (self.source_previous, self.previous_ns, self.slack) = (None, None, 0);
        }
        let source = self
            .formula
            .wait(Rule::Source, retry, word, self.source_previous);
        self.source_previous = Some(source);
        let follows = source.abs_diff(fixed(expected_ns)) < fixed(1 + tolerance);
        if self.backoff.is_none() {
            return if follows { Ok(()) } else { stray(expected_ns) };
        }
        let wait_ns = self.draw(retry, word, now_ns)?;
        let previous = self.previous_ns.replace(wait_ns).map(fixed);
        let ours = self.formula.wait(Rule::Ours, retry, word, previous);
        if ours.abs_diff(fixed(wait_ns)) > fixed(self.formula.roundings()) {
            return fail(format!(
                "{wait_ns} ns is not what DESIGN says: {}",
                floor(ours)
            ));
        }
        // A fraction of a nanosecond, and what decorrelated waits have made of earlier ones.
        self.slack = if decorrelated {
            3 * self.slack + fixed(1)
        } else {
            0
        };
        let rounding = self.slack.max(fixed(self.formula.roundings().max(1)));
        let close = source.abs_diff(fixed(wait_ns)) <= rounding;
        if wait_ns.abs_diff(expected_ns) <= tolerance || (follows && close) {
            return Ok(());
        }
        if !follows {
            return fail(format!("{wait_ns} ns, not {expected_ns}"));
        }
        self.differ(retry);
        Ok(())
    }

    /// The wait before `retry`, of a machine that gave the ones before.
    fn draw(&mut self, retry: u32, word: u64, now_ns: u64) -> Result<u64, Stop> {
        let Some(backoff) = &mut self.backoff else {
            return fail("no policy");
        };
        if self.formula.draw == Draw::Decorrelated {
            if retry == 1 {
                ask(backoff, now_ns, &Op::Reset);
            } else if attempts(backoff, now_ns)? != retry - 1 {
                return unsupported("a decorrelated wait whose predecessors are not given");
            }
        } else {
            go_to(backoff, retry, now_ns)?;
        }
        let mut rng = Words::new([word]);
        match next_wait(backoff, now_ns, &mut rng)? {
            Err(error) => fail(format!("there is a wait, but ours says: {error}")),
            Ok(wait) if Some(wait.at_ns) != now_ns.checked_add(wait.delay_ns) => {
                fail("at_ns is not now and the wait")
            }
            Ok(_) if rng.drawn() != u32::from(self.formula.draw != Draw::None) => {
                fail(format!("it drew {} words", rng.drawn()))
            }
            Ok(wait) => Ok(wait.delay_ns),
        }
    }

    fn bounds(
        &mut self,
        retry: u32,
        now_ns: u64,
        expect: Members<'_>,
        tolerance: u64,
    ) -> Result<(), Stop> {
        let min_ns = expect.whole("min_ns")?.unwrap_or(0);
        let max_ns = expect.whole("max_ns")?.unwrap_or(u64::MAX);
        let (low, high) = self.formula.range(Rule::Source, retry);
        let slack = fixed(1 + tolerance);
        if fixed(min_ns) > low + slack || fixed(max_ns) + slack < high {
            return stray(if fixed(min_ns) > low { min_ns } else { max_ns });
        }
        let Some(backoff) = &self.backoff else {
            return Ok(());
        };
        let (least, most) = backoff.policy().range(retry);
        let (least, most) = (nanos(least), nanos(most));
        let (our_low, our_high) = self.formula.range(Rule::Ours, retry);
        let near = fixed(self.formula.roundings());
        if our_low.abs_diff(fixed(least)) > near || our_high.abs_diff(fixed(most)) > near {
            return fail(format!(
                "{least}..={most} ns is not the range that DESIGN says"
            ));
        }
        if self.formula.draw != Draw::Decorrelated {
            for word in [0, 1, 1 << 63, u64::MAX - 1, u64::MAX] {
                let wait_ns = self.draw(retry, word, now_ns)?;
                let end = [(0, least), (u64::MAX, most)].into_iter();
                let wrong_end = end.into_iter().any(|(w, end)| w == word && wait_ns != end);
                if wrong_end || !(least..=most).contains(&wait_ns) {
                    return fail(format!("{word} draws {wait_ns} ns of {least}..={most}"));
                }
            }
        }
        let inside =
            least + tolerance + 1 >= min_ns && most <= max_ns.saturating_add(1 + tolerance);
        let clipped = high > our_high + fixed(self.formula.roundings().max(1));
        if !inside && !clipped {
            self.differ(retry);
        }
        if clipped {
            self.differences.insert(CAP);
        }
        Ok(())
    }

    fn center(&mut self, retry: u32, center_ns: u64, tolerance: u64) -> Result<(), Stop> {
        if !matches!(self.formula.draw, Draw::None | Draw::Centered(_)) {
            return Ok(());
        }
        let source = self.formula.ceiling(Rule::Source, retry);
        if source.abs_diff(fixed(center_ns)) > fixed(1 + tolerance) {
            return stray(center_ns);
        }
        let Some(backoff) = &self.backoff else {
            return Ok(());
        };
        let ceiling_ns = nanos(backoff.policy().ceiling(retry));
        if ceiling_ns != floor(self.formula.ceiling(Rule::Ours, retry)) {
            return fail(format!(
                "a ceiling of {ceiling_ns} ns is not what DESIGN says"
            ));
        }
        if ceiling_ns.abs_diff(center_ns) > 1 + tolerance {
            self.differ(retry);
        }
        Ok(())
    }

    /// Names the decision that parts our numbers from the source's.
    fn differ(&mut self, retry: u32) {
        let source = self.formula.ceiling(Rule::Source, retry);
        let same_ceiling = floor(source) == floor(self.formula.ceiling(Rule::Ours, retry));
        self.differences
            .insert(if same_ceiling { CAP } else { CEILING });
    }
}

/// Forward or back to where `retry` is next; no further than to its ceiling.
fn go_to(backoff: &mut Backoff, retry: u32, now_ns: u64) -> Result<(), Stop> {
    if attempts(backoff, now_ns)? >= retry {
        ask(backoff, now_ns, &Op::Reset);
    }
    let ceiling = backoff.policy().ceiling(retry);
    let mut rng = Words::endless();
    for _ in 0..FAR {
        let next = attempts(backoff, now_ns)? + 1;
        if next >= retry || backoff.policy().ceiling(next) == ceiling {
            return Ok(());
        }
        if let Err(error) = next_wait(backoff, now_ns, &mut rng)? {
            return fail(format!("no wait before retry {next}: {error}"));
        }
    }
    unsupported("a retry too far to go to")
}

fn next_wait<const N: usize>(
    backoff: &mut Backoff,
    now_ns: u64,
    rng: &mut Words<N>,
) -> Result<Result<Wait, Exhausted>, Stop> {
    match backoff.apply(now_ns, &Op::NextWait, rng) {
        Answer::Wait(wait) => Ok(Ok(wait)),
        Answer::Exhausted(exhausted) => Ok(Err(exhausted)),
        other => strange(&other),
    }
}

fn attempts(backoff: &mut Backoff, now_ns: u64) -> Result<u32, Stop> {
    holds!(ask(backoff, now_ns, &Op::Attempts), Answer::Attempts)
}

fn nanos(span: core::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn stray<T>(ns: u64) -> Result<T, Stop> {
    fail(format!(
        "{ns} ns does not follow from the vector's own config"
    ))
}
