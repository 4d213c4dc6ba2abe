//! A scale for numbers: values to places, and round values to label.

use crate::simulate::measured::measured;

/// From a range of values to a range of places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From `low` at the place `from` to `high` at the place `to`; a range of one value gets room around it.
    pub(crate) fn new(low: f64, high: f64, (from, to): (f64, f64)) -> Self {
        let (low, high) = if high > low {
            (low, high)
        } else {
            let room = (low.abs() / 2.0).max(0.5);
            (low - room, low + room)
        };
        Self {
            low,
            high,
            from,
            to,
        }
    }

    /// The place of a value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    /// Whether it is in the range.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Where the range begins.
    pub(crate) fn start(&self) -> f64 {
        self.low
    }

    /// How wide the range is.
    pub(crate) fn span(&self) -> f64 {
        self.high - self.low
    }

    /// Round values in the range with their labels, about `most` of them.
    pub(crate) fn levels(&self, most: usize) -> Vec<(f64, String)> {
        let span = self.high - self.low;
        let rough = span / most.max(1) as f64;
        let power = 10_f64.powi(rough.log10().floor() as i32);
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|digit| digit * power)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let (first, last) = ((self.low / step).ceil(), (self.high / step).floor());
        if !(first.is_finite() && last - first < 100.0) {
            return Vec::new();
        }
        (0..=(last - first) as u32)
            .map(|at| {
                let value = (first + f64::from(at)) * step;
                (value, round(value, step))
            })
            .collect()
    }
}

/// A multiple of `step` with as many digits as that has.
fn round(value: f64, step: f64) -> String {
    if !(1e-9..1.0).contains(&step) {
        return measured(value);
    }
    let decimals = (-step.log10()).ceil() as usize;
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // 0.1 - 0.1 is no -0.
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn labels(low: f64, high: f64) -> Vec<String> {
        let levels = Scale::new(low, high, (0.0, 100.0)).levels(5);
        levels.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn levels_are_round_and_within() {
        assert_eq!(labels(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(
            labels(0.0, 4_321.0),
            ["0", "1,000", "2,000", "3,000", "4,000"]
        );
        assert_eq!(labels(-1.0, 1.0), ["-1", "-0.5", "0", "0.5", "1"]);
        assert_eq!(
            labels(2.9891, 2.9911),
            ["2.9895", "2.99", "2.9905", "2.991"]
        );
        // One value alone is in the middle.
        assert_eq!(Scale::new(4.0, 4.0, (0.0, 100.0)).at(4.0), 50.0);
        assert!(labels(f64::MIN, f64::MAX).len() < 20);
    }
}
