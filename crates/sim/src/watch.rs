//! What happened over time in one run, on a fixed grid: the curves of a report.

use std::time::Duration;

/// A curve of a scenario.
///
/// ```
/// use evenkeel_sim::{Column, Curve};
///
/// const COLUMNS: &[Column] = &[Column::rate("goodput"), Column::level("in flight")];
/// assert_eq!(COLUMNS[0], Column { name: "goodput", curve: Curve::Rate });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, such as `goodput`.
    pub name: &'static str,
    /// What is drawn.
    pub curve: Curve,
}

impl Column {
    /// How many a second.
    #[must_use]
    pub const fn rate(name: &'static str) -> Self {
        Self {
            name,
            curve: Curve::Rate,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn level(name: &'static str) -> Self {
        Self {
            name,
            curve: Curve::Level,
        }
    }
}

/// What a curve shows.
///
/// ```
/// assert_ne!(evenkeel_sim::Curve::Rate, evenkeel_sim::Curve::Level);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// How often something happened, a second, over each cell of the grid.
    Rate,
    /// What something was at the end of each cell; it stays until it changes. 0 at first.
    Level,
}

/// Looks on at a run, or does not; what a scenario reports to.
///
/// Watching changes nothing in the run. Not watching costs one comparison for each report.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::{Column, Curve, Watch};
///
/// let [calls, queue] = [0, 1];
/// let mut watch = Watch::every(Duration::from_secs(1));
/// watch.columns(&[
///     Column::rate("calls"),
///     Column::level("queue"),
/// ]);
/// watch.count(calls, 100_000_000, 3);
/// watch.level(queue, 500_000_000, 7.0);
/// watch.count(calls, 2_000_000_000, 1);
/// watch.end(2_500_000_000);
///
/// let series = watch.series();
/// assert_eq!(series[calls].values, [3.0, 0.0, 1.0]);
/// assert_eq!(series[queue].values, [7.0, 7.0, 7.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Watch {
    /// `u64::MAX` where nobody looks.
    grid_ns: u64,
    series: Vec<Series>,
}

/// A curve that was watched: one value for each cell of the grid.
///
/// ```
/// let watch = evenkeel_sim::Watch::off();
/// assert!(watch.series().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Which curve.
    pub column: Column,
    /// Cell by cell, from instant 0.
    pub values: Vec<f64>,
}

/// A run that goes on for longer is not watched to its end: memory is bounded.
const MAX_CELLS: u64 = 1 << 20;

impl Watch {
    /// Nobody looks.
    ///
    /// ```
    /// assert!(!evenkeel_sim::Watch::off().is_on());
    /// ```
    #[must_use]
    pub const fn off() -> Self {
        Self {
            grid_ns: u64::MAX,
            series: Vec::new(),
        }
    }

    /// With a value for each `grid` of time, at most 2^20 of them.
    ///
    /// ```
    /// # use std::time::Duration;
    /// assert!(evenkeel_sim::Watch::every(Duration::from_millis(100)).is_on());
    /// ```
    #[must_use]
    pub fn every(grid: Duration) -> Self {
        let grid_ns = u64::try_from(grid.as_nanos()).unwrap_or(u64::MAX - 1);
        Self {
            grid_ns: grid_ns.clamp(1, u64::MAX - 1),
            series: Vec::new(),
        }
    }

    /// Whether somebody looks: where a report is dear to compute.
    ///
    /// ```
    /// assert!(!evenkeel_sim::Watch::off().is_on());
    /// ```
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.grid_ns != u64::MAX
    }

    /// The curves, in the order by whose numbers the rest is reported; a scenario says them first.
    ///
    /// ```
    /// # use evenkeel_sim::{Column, Curve, Watch};
    /// # let mut watch = Watch::every(std::time::Duration::from_secs(1));
    /// watch.columns(&[Column::rate("calls")]);
    /// assert_eq!(watch.series().len(), 1);
    /// ```
    pub fn columns(&mut self, columns: &[Column]) {
        if self.is_on() {
            let series = columns.iter().map(|&column| Series {
                column,
                values: Vec::new(),
            });
            self.series = series.collect();
        }
    }

    /// It happened `n` times now.
    ///
    /// ```
    /// # use evenkeel_sim::{Column, Curve, Watch};
    /// # let mut watch = Watch::every(std::time::Duration::from_millis(500));
    /// watch.columns(&[Column::rate("calls")]);
    /// watch.count(0, 0, 3);
    /// assert_eq!(watch.series()[0].values, [6.0]); // a second
    /// ```
    #[inline]
    pub fn count(&mut self, column: usize, now_ns: u64, n: u64) {
        if self.is_on() {
            let per_second = 1e9 / self.grid_ns as f64;
            if let Some(cell) = self.cell(column, now_ns) {
                *cell += n as f64 * per_second;
            }
        }
    }

    /// It is `value` from now on.
    ///
    /// ```
    /// # use evenkeel_sim::{Column, Curve, Watch};
    /// # let mut watch = Watch::every(std::time::Duration::from_secs(1));
    /// watch.columns(&[Column::level("queue")]);
    /// watch.level(0, 100, 5.0);
    /// watch.level(0, 200, 6.0);
    /// assert_eq!(watch.series()[0].values, [6.0]);
    /// ```
    #[inline]
    pub fn level(&mut self, column: usize, now_ns: u64, value: f64) {
        if self.is_on() {
            if let Some(cell) = self.cell(column, now_ns) {
                *cell = value;
            }
        }
    }

    fn cell(&mut self, column: usize, now_ns: u64) -> Option<&mut f64> {
        let cell = now_ns / self.grid_ns;
        let series = self.series.get_mut(column).filter(|_| cell < MAX_CELLS)?;
        let len = cell as usize + 1;
        if series.values.len() < len {
            let filler = match series.column.curve {
                Curve::Rate => 0.0,
                Curve::Level => series.values.last().copied().unwrap_or(0.0),
            };
            series.values.resize(len, filler);
        }
        series.values.get_mut(cell as usize)
    }

    /// The run is over: all curves go to here, or to the last cell that there can be.
    ///
    /// ```
    /// # use evenkeel_sim::{Column, Curve, Watch};
    /// # let mut watch = Watch::every(std::time::Duration::from_secs(1));
    /// watch.columns(&[Column::rate("calls")]);
    /// watch.end(2_500_000_000);
    /// assert_eq!(watch.series()[0].values, [0.0; 3]);
    /// ```
    pub fn end(&mut self, now_ns: u64) {
        let last_ns = self.grid_ns.saturating_mul(MAX_CELLS - 1);
        for column in 0..self.series.len() {
            let _ = self.cell(column, now_ns.min(last_ns));
        }
    }

    /// How long a cell of the grid is; `None` where nobody looks.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let grid = Duration::from_secs(1);
    /// assert_eq!(evenkeel_sim::Watch::every(grid).grid(), Some(grid));
    /// ```
    #[must_use]
    pub fn grid(&self) -> Option<Duration> {
        self.is_on().then(|| Duration::from_nanos(self.grid_ns))
    }

    /// What was seen.
    ///
    /// ```
    /// assert!(evenkeel_sim::Watch::off().series().is_empty());
    /// ```
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }
}
