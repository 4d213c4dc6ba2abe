//! A small writer of SVG: shapes with a class each (the style sheet colours them), titles for hovering, and all
//! text escaped.

use std::fmt::{self, Write as _};

/// Escapes text for HTML and SVG, inside elements and in quoted attributes. Control characters, which neither
/// allows, become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A drawing under construction.
pub(crate) struct Svg {
    text: String,
    width: f64,
    height: f64,
}

impl Svg {
    /// An empty drawing of so many units; `title` is what a screen reader says of it.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let title = escape(title);
        Self {
            text: format!(
                "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title}\">\n",
                Coordinate(width),
                Coordinate(height)
            ),
            width,
            height,
        }
    }

    /// How wide it is, in its units.
    pub(crate) fn width(&self) -> f64 {
        self.width
    }

    /// What `draw` draws, as a group of one class, under one title for hovering.
    pub(crate) fn titled(&mut self, class: &str, title: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!(
            "<g class=\"{class}\"><title>{}</title>",
            escape(title)
        ));
        draw(self);
        self.push(format_args!("</g>\n"));
    }

    /// A rectangle from its upper left corner.
    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            Coordinate(x),
            Coordinate(y),
            Coordinate(width),
            Coordinate(height)
        ));
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let mut path = Path::default();
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
        self.path(class, &path);
    }

    /// A path; nothing if it is empty.
    pub(crate) fn path(&mut self, class: &str, path: &Path) {
        if !path.data.is_empty() {
            self.push(format_args!(
                "<path class=\"{class}\" d=\"{}\"/>\n",
                path.data
            ));
        }
    }

    /// Text that begins, is centred or ends at `x`, as its class says.
    pub(crate) fn label(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n",
            Coordinate(x),
            Coordinate(y),
            escape(text)
        ));
    }

    /// The whole element.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    /// A file of its own, with a style sheet: this drawing, and below its upper `height` units another one.
    pub(crate) fn file(&self, height: f64, below: &Self, css: &str, title: &str) -> String {
        let shapes = |of: &Self| {
            let (_, shapes) = of.text.split_once('\n').unwrap_or_default();
            shapes.to_owned()
        };
        let (width, all) = (Coordinate(below.width), Coordinate(height + below.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {all}\" width=\"{width}\" height=\"{all}\" \
             font-family=\"system-ui, sans-serif\" role=\"img\" aria-label=\"{}\">\n<style>\n{css}</style>\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n{}<g transform=\"translate(0 {})\">\n{}</g>\n</svg>\n",
            escape(title),
            shapes(self),
            Coordinate(height),
            shapes(below)
        )
    }

    fn push(&mut self, piece: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(piece);
    }
}

/// The data of a path: many shapes in one element keep a file with thousands of points small.
#[derive(Default)]
pub(crate) struct Path {
    data: String,
}

impl Path {
    /// Begins a new stroke.
    pub(crate) fn move_to(&mut self, x: f64, y: f64) {
        self.command('M', x, y);
    }

    /// Draws on to a place.
    pub(crate) fn line_to(&mut self, x: f64, y: f64) {
        self.command('L', x, y);
    }

    /// A shape given in path commands relative to its middle, at a place.
    pub(crate) fn shape(&mut self, x: f64, y: f64, relative: &str) {
        self.move_to(x, y);
        self.data.push_str(relative);
    }

    /// A box from its upper left corner.
    pub(crate) fn area(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.move_to(x, y);
        let (width, height) = (Coordinate(width), Coordinate(height));
        let _ = write!(self.data, "h{width}v{height}h-{width}z");
    }

    /// Closes the stroke to an area.
    pub(crate) fn close(&mut self) {
        self.data.push('z');
    }

    fn command(&mut self, letter: char, x: f64, y: f64) {
        let _ = write!(self.data, "{letter}{} {}", Coordinate(x), Coordinate(y));
    }
}

/// A coordinate with at most one decimal.
struct Coordinate(f64);

impl fmt::Display for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        let sign = if tenths < 0 { "-" } else { "" };
        write!(f, "{sign}{}", tenths.unsigned_abs() / 10)?;
        match tenths.unsigned_abs() % 10 {
            0 => Ok(()),
            tenth => write!(f, ".{tenth}"),
        }
    }
}
