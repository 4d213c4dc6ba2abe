//! The waits that a backoff vector's rule gives, in exact arithmetic: as its source rounds them, and as DESIGN does.

use core::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::time::MAX_SPAN;

use crate::read::{Decimal, Members, Stop, fail, unsupported};

/// Nanoseconds with 32 bits for the fraction.
pub(crate) type Fixed = u128;

const SHIFT: u32 = 32;
/// What no cap allows: as far as the sums here reach.
const FAR: Fixed = 1 << (62 + SHIFT);

pub(crate) const fn fixed(ns: u64) -> Fixed {
    (ns as Fixed) << SHIFT
}

pub(crate) const fn floor(value: Fixed) -> u64 {
    (value >> SHIFT) as u64
}

/// `value * word / 2^64`; the whole of it for the greatest word.
fn share(value: Fixed, word: u64) -> Fixed {
    if word == u64::MAX {
        return value;
    }
    let (high, low) = (value >> 64, value & u128::from(u64::MAX));
    high * u128::from(word) + ((low * u128::from(word)) >> 64)
}

/// Whose rounding and whose cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The vectors' README: fractions are kept, a centered jitter may pass the cap.
    Source,
    /// DESIGN 4: every ceiling is rounded down, nothing is above the cap.
    Ours,
}

#[derive(Clone, Copy, Debug)]
enum Ceilings {
    Constant,
    Linear { step_ns: u64 },
    Exponential { factor: Decimal },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    None,
    Full,
    Equal,
    Centered(Decimal),
    Decorrelated,
}

/// A backoff vector's config.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formula {
    base_ns: u64,
    ceilings: Ceilings,
    cap_ns: Option<u64>,
    first_exponent: u64,
    pub(crate) draw: Draw,
    pub(crate) max_retries: Option<u32>,
}

impl Formula {
    pub(crate) fn of(config: Members<'_>) -> Result<Self, Stop> {
        let known = [
            "kind",
            "base_ns",
            "factor",
            "cap_ns",
            "first_exponent",
            "jitter",
            "step_ns",
            "max_retries",
        ];
        config.only("config", &known)?;
        let kind = config.text("kind")?.unwrap_or("exponential");
        let ceilings = match kind {
            "constant" | "decorrelated" => Ceilings::Constant,
            "linear" => Ceilings::Linear {
                step_ns: config.needed("step_ns")?,
            },
            "exponential" => match config.decimal("factor")? {
                Some(factor) => Ceilings::Exponential { factor },
                None => return fail("exponential without a factor"),
            },
            other => return unsupported(format!("no growth of ours is {other}")),
        };
        let draw = match (kind, config.object("jitter")?) {
            ("decorrelated", _) => Draw::Decorrelated,
            (_, None) => Draw::None,
            (_, Some(jitter)) => Self::draw_of(jitter)?,
        };
        Ok(Self {
            base_ns: config.needed("base_ns")?,
            ceilings,
            cap_ns: config.whole("cap_ns")?,
            first_exponent: config.whole("first_exponent")?.unwrap_or(0),
            draw,
            max_retries: config.count("max_retries")?,
        })
    }

    fn draw_of(jitter: Members<'_>) -> Result<Draw, Stop> {
        jitter.only("jitter", &["kind", "fraction", "applied"])?;
        Ok(match jitter.text("kind")?.unwrap_or("none") {
            "none" => Draw::None,
            "full" => Draw::Full,
            "equal" => Draw::Equal,
            "decorrelated" => Draw::Decorrelated,
            "centered" => match jitter.decimal("fraction")? {
                Some(fraction) => Draw::Centered(fraction),
                None => return fail("centered jitter without a fraction"),
            },
            other => return unsupported(format!("no jitter of ours is {other}")),
        })
    }

    fn limit(&self, rule: Rule) -> Fixed {
        match self.cap_ns {
            Some(cap_ns) => fixed(cap_ns).min(FAR),
            None if rule == Rule::Ours => FAR,
            None => FAR << 1,
        }
    }

    /// `base * factor^first_exponent`.
    fn first(&self, rule: Rule) -> Fixed {
        let mut first = fixed(self.base_ns);
        if let Ceilings::Exponential { factor } = self.ceilings {
            for _ in 0..self.first_exponent.min(4096) {
                first = grown(first, factor).min(self.limit(rule));
            }
        }
        match rule {
            Rule::Source => first,
            Rule::Ours => fixed(floor(first)),
        }
        .min(self.limit(rule))
    }

    pub(crate) fn ceiling(&self, rule: Rule, retry: u32) -> Fixed {
        let limit = self.limit(rule);
        let mut ceiling = self.first(rule);
        match self.ceilings {
            Ceilings::Constant => {}
            Ceilings::Linear { step_ns } => {
                let steps = fixed(step_ns).saturating_mul(u128::from(retry - 1));
                ceiling = ceiling.saturating_add(steps).min(limit);
            }
            Ceilings::Exponential { factor } => {
                for _ in 1..retry {
                    let mut next = grown(ceiling, factor).min(limit);
                    if rule == Rule::Ours {
                        next = fixed(floor(next));
                    }
                    if next == ceiling {
                        break;
                    }
                    ceiling = next;
                }
            }
        }
        ceiling
    }

    /// The wait for a draw of `word / 2^64`; `previous` is the one before, for a decorrelated one.
    pub(crate) fn wait(&self, rule: Rule, retry: u32, word: u64, previous: Option<Fixed>) -> Fixed {
        let c = self.ceiling(rule, retry);
        match self.draw {
            Draw::None => c,
            Draw::Full => share(c, word),
            Draw::Equal => c / 2 + share(c - c / 2, word),
            Draw::Centered(_) => {
                let (low, high) = self.range(rule, retry);
                low + share(high - low, word)
            }
            Draw::Decorrelated => {
                let base = fixed(self.base_ns);
                let s = previous.unwrap_or_else(|| base.min(self.limit(rule)));
                (base + share((3 * s).saturating_sub(base), word)).min(self.limit(rule))
            }
        }
    }

    /// The least and the most that a wait can be.
    pub(crate) fn range(&self, rule: Rule, retry: u32) -> (Fixed, Fixed) {
        let c = self.ceiling(rule, retry);
        let limit = self.limit(rule);
        match self.draw {
            Draw::None => (c, c),
            Draw::Full => (0, c),
            Draw::Equal => (c / 2, c),
            Draw::Centered(fraction) => {
                let d = part(c, fraction);
                let high = match rule {
                    Rule::Source => c + d,
                    Rule::Ours if self.cap_ns.is_none() => c + d,
                    Rule::Ours => (c + d).min(limit),
                };
                (c.saturating_sub(d), high)
            }
            Draw::Decorrelated => {
                let first = fixed(self.base_ns).min(limit);
                let mut most = first;
                for _ in 0..retry {
                    most = (3 * most).min(limit);
                }
                (first, most)
            }
        }
    }

    /// How many roundings to a nanosecond there are in one wait of ours.
    pub(crate) fn roundings(&self) -> u64 {
        match self.draw {
            Draw::None => 0,
            Draw::Full | Draw::Decorrelated => 1,
            Draw::Equal => 2,
            Draw::Centered(_) => 3,
        }
    }

    /// Our policy with these waits.
    pub(crate) fn policy(&self) -> Result<Result<BackoffPolicy, ConfigError>, Stop> {
        let growth = match self.ceilings {
            Ceilings::Constant => Growth::Constant,
            Ceilings::Linear { step_ns } => Growth::Linear {
                step: Duration::from_nanos(step_ns),
            },
            Ceilings::Exponential { factor } => Growth::Exponential {
                factor: factor.ratio()?,
            },
        };
        let jitter = match self.draw {
            Draw::None => Jitter::None,
            Draw::Full => Jitter::Full,
            Draw::Equal => Jitter::Equal,
            Draw::Centered(fraction) => Jitter::Spread(fraction.ratio()?),
            Draw::Decorrelated => Jitter::Decorrelated,
        };
        let base_ns = match self.first_exponent {
            0 => self.base_ns,
            _ => floor(self.first(Rule::Ours)),
        };
        let mut builder = BackoffPolicy::builder(Duration::from_nanos(base_ns))
            .growth(growth)
            .jitter(jitter);
        if let Some(cap_ns) = self.cap_ns {
            builder = builder.cap(Duration::from_nanos(cap_ns));
        }
        if let Some(retries) = self.max_retries {
            builder = builder.max_retries(retries);
        }
        Ok(builder.build())
    }

    /// Whether `build()` refuses this by a decision: a span above 2^62 ns, or a factor that does not grow.
    pub(crate) fn is_refused_by_decision(&self) -> bool {
        let too_long = |ns: u64| Duration::from_nanos(ns) > MAX_SPAN;
        let step_is = matches!(self.ceilings, Ceilings::Linear { step_ns } if too_long(step_ns));
        let grows_badly = matches!(self.ceilings, Ceilings::Exponential { factor } if factor.den != 1 || factor.num < 1);
        too_long(self.base_ns) || self.cap_ns.is_some_and(too_long) || step_is || grows_badly
    }
}

fn grown(value: Fixed, factor: Decimal) -> Fixed {
    (value.saturating_mul(u128::from(factor.num)) / u128::from(factor.den)).min(FAR << 1)
}

fn part(value: Fixed, fraction: Decimal) -> Fixed {
    let whole = value / u128::from(fraction.den) * u128::from(fraction.num);
    whole + value % u128::from(fraction.den) * u128::from(fraction.num) / u128::from(fraction.den)
}
