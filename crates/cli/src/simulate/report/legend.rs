//! What the colours of a figure mean: as a list above it, or inside a picture that stands alone.

use crate::report::svg::{Svg, escape};

/// Names with what stands for them.
#[derive(Default)]
pub(crate) struct Legend {
    items: Vec<(String, Mark)>,
}

/// What stands for a name, with its class.
enum Mark {
    Line(String),
    Area(&'static str),
}

impl Mark {
    /// In 26 by 14 units from here on.
    fn draw(&self, svg: &mut Svg, x: f64, y: f64) {
        match self {
            Self::Line(class) => svg.line(class, (x + 1.0, y + 7.0), (x + 25.0, y + 7.0)),
            Self::Area(class) => svg.rect(class, x + 1.0, y + 2.0, 24.0, 10.0),
        }
    }
}

impl Legend {
    pub(crate) fn line(&mut self, name: &str, class: String) {
        self.items.push((name.into(), Mark::Line(class)));
    }

    pub(crate) fn area(&mut self, name: &str, class: &'static str) {
        self.items.push((name.into(), Mark::Area(class)));
    }

    pub(crate) fn html(&self) -> String {
        if self.items.is_empty() {
            return String::new();
        }
        let items = self.items.iter().map(|(name, mark)| {
            let mut svg = Svg::new(26.0, 14.0, name);
            mark.draw(&mut svg, 0.0, 0.0);
            format!("<li>{}{}</li>\n", svg.finish(), escape(name))
        });
        format!(
            "<ul class=\"legend\">\n{}</ul>\n",
            items.collect::<String>()
        )
    }

    /// From here on, in rows as wide as there is room; how high it is.
    pub(crate) fn draw(&self, svg: &mut Svg, left: f64, top: f64, right: f64) -> f64 {
        const ROW: f64 = 20.0;
        let (mut x, mut y) = (left, top);
        for (name, mark) in &self.items {
            let width = 50.0 + 6.8 * name.chars().count() as f64;
            if x > left && x + width > right {
                (x, y) = (left, y + ROW);
            }
            mark.draw(svg, x, y);
            svg.label("legend-name", x + 32.0, y + 11.0, name);
            x += width;
        }
        if self.items.is_empty() {
            0.0
        } else {
            y + ROW - top
        }
    }
}
