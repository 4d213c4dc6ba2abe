//! What a panel is about, in as many lines above it as it takes.

use crate::report::svg::Svg;
use crate::simulate::study::Measure;
use crate::wrap::wrap;

/// How wide a letter is at most, on average, and how high a line.
const LETTER: f64 = 7.0;
const LINE: f64 = 15.0;

/// The lines of a caption.
pub(crate) struct Caption(Vec<String>);

impl Caption {
    /// A metric's name and what it is, in lines of at most so many units.
    pub(crate) fn of(measure: &Measure, width: f64) -> Self {
        let text = format!("{}: {}", measure.metric.name, measure.about());
        Self(wrap(&text, (width / LETTER) as usize))
    }

    /// How much higher it is than one line.
    pub(crate) fn more(&self) -> f64 {
        self.0.len().saturating_sub(1) as f64 * LINE
    }

    /// With its last line here.
    pub(crate) fn draw(&self, svg: &mut Svg, x: f64, last: f64) {
        for (at, line) in self.0.iter().rev().enumerate() {
            svg.label("caption", x, last - at as f64 * LINE, line);
        }
    }
}
