//! What a breaker vector says of counters and rates, against what ours shows.

use evenkeel_core::breaker::{Phase, WindowCounts};

use crate::breaker::Run;
use crate::read::{Members, Stop};

impl Run {
    /// The first counter that is wrong.
    pub(crate) fn counters(
        &mut self,
        now_ns: u64,
        phase: Phase,
        expect: Members<'_>,
    ) -> Result<Option<String>, Stop> {
        let stats = self.stats(now_ns)?;
        let refused = stats.refused - self.base.refused + self.refused_before_ours;
        if let Some(why) = wrong("not_permitted", expect, refused)? {
            return Ok(Some(why));
        }
        if let Some(counts) = expect.object("counts")? {
            let released = stats.released - self.base.released;
            let mut pairs = vec![
                ("requests", stats.admitted - self.base.admitted),
                ("successes", stats.successes - self.base.successes),
                ("failures", stats.failures - self.base.failures),
                ("exclusions", released - self.given_back.min(released)),
            ];
            if phase != Phase::HalfOpen {
                let in_a_row = self.breaker.consecutive_failures();
                pairs.push(("consecutive_failures", in_a_row.into()));
            }
            for (name, ours) in pairs {
                if let Some(why) = wrong(name, counts, ours)? {
                    return Ok(Some(why));
                }
            }
        }
        self.shown(now_ns, phase, expect)
    }

    fn shown(
        &mut self,
        now_ns: u64,
        phase: Phase,
        expect: Members<'_>,
    ) -> Result<Option<String>, Stop> {
        let stats = self.stats(now_ns)?;
        let failed = stats.failures - self.base.failures;
        let results = failed + stats.successes - self.base.successes;
        let min_calls = match phase {
            Phase::HalfOpen => self.rules.decides_after.unwrap_or(0),
            _ => self.rules.min_calls,
        };
        let ours = match phase {
            Phase::HalfOpen => {
                let mut counts = WindowCounts::default();
                counts.calls = u32::try_from(results).unwrap_or(u32::MAX);
                counts.failures = u32::try_from(failed).ok();
                counts
            }
            _ => self.window(now_ns)?,
        };
        let Some(why) = window_differs(ours, min_calls, expect)? else {
            return Ok(None);
        };
        let product_keeps = self.rules.keeps_counts && phase == Phase::Open;
        if product_keeps && window_differs(self.at_opening, min_calls, expect)?.is_none() {
            if ours.calls != 0 {
                return Ok(Some("an open breaker of ours shows a window".to_owned()));
            }
            self.shows_afresh();
            return Ok(None);
        }
        Ok(Some(why))
    }
}

fn wrong(name: &str, expect: Members<'_>, ours: u64) -> Result<Option<String>, Stop> {
    let expected = expect.whole(name)?.filter(|&expected| expected != ours);
    Ok(expected.map(|expected| format!("{name} is {ours}, not {expected}")))
}

/// What of a window's numbers is not as expected; what we do not count is skipped.
pub(crate) fn window_differs(
    ours: WindowCounts,
    min_calls: u32,
    expect: Members<'_>,
) -> Result<Option<String>, Stop> {
    let calls = ours.calls;
    let ok = ours.failures.map(|failures| calls - failures);
    let pairs = [
        ("buffered", Some(calls)),
        ("total", Some(calls)),
        ("ok", ok),
        ("failed", ours.failures),
        ("slow", ours.slow),
    ];
    for (name, ours) in pairs {
        if let Some(ours) = ours {
            if let Some(why) = wrong(name, expect, ours.into())? {
                return Ok(Some(why));
            }
        }
    }
    let rates = [
        ("rate_percent", ours.failures),
        ("failure_rate_percent", ours.failures),
        ("slow_rate_percent", ours.slow),
    ];
    for (name, part) in rates {
        let (Some(part), Some(expected)) = (part, expect.float(name)?) else {
            continue;
        };
        let percent = if calls < min_calls.max(1) {
            -1.0
        } else {
            100.0 * f64::from(part) / f64::from(calls)
        };
        // Sources in single precision.
        if (percent - expected).abs() > 1e-5 {
            return Ok(Some(format!("{name} is {percent}, not {expected}")));
        }
    }
    Ok(None)
}
