//! A server's advice on when to come back: what a policy makes of it, in words and at worst.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::time::MAX_SPAN;

use crate::numbers::{exact, ratio};

/// How a policy weighs advice: its three keys.
#[derive(Clone, Copy)]
pub(super) struct Advised {
    pub(super) rule: AdvisoryRule,
    pub(super) cap: Duration,
    pub(super) spread: Ratio,
}

impl Advised {
    pub(super) fn sentence(&self) -> String {
        let cap = if self.cap < MAX_SPAN {
            format!("at most {}", exact(self.cap))
        } else {
            "whatever it asks".to_owned()
        };
        let mut text = match self.rule {
            AdvisoryRule::AtLeast => format!(
                "A server's advice to come back later can make a wait longer ({cap}), never shorter."
            ),
            AdvisoryRule::Exact => format!(
                "A server's advice on when to come back replaces the wait, also by a shorter one ({cap})."
            ),
            AdvisoryRule::Within(extra) => format!(
                "A server's advice to come back later can make a wait longer by at most {} ({cap}), never shorter.",
                exact(extra)
            ),
            _ => "A server's advice is weighed by a rule that this version has no words for."
                .to_owned(),
        };
        if self.spread > Ratio::ZERO {
            text += &format!(
                " An advised wait is made longer by a draw of up to {} of it.",
                ratio(self.spread)
            );
        }
        text
    }

    /// The longest wait that advice can make where the backoff's own is at most `own_ns`; `None` without a bound.
    pub(super) fn longest_ns(&self, own_ns: u128) -> Option<u128> {
        let cap_ns = self.cap.as_nanos();
        let capped = (self.cap < MAX_SPAN).then_some(cap_ns);
        let wait_ns = match self.rule {
            AdvisoryRule::AtLeast => own_ns.max(capped?),
            AdvisoryRule::Exact => capped?,
            AdvisoryRule::Within(extra) => cap_ns.clamp(own_ns, own_ns + extra.as_nanos()),
            _ => return None,
        };
        let (num, den) = (self.spread.numerator(), self.spread.denominator());
        Some(wait_ns + wait_ns * u128::from(num) / u128::from(den))
    }

    /// Whether advice can make a wait shorter than the backoff would.
    pub(super) fn shortens(&self) -> bool {
        matches!(self.rule, AdvisoryRule::Exact)
    }
}
