//! Which single calls the scatter plot shows: a fair sample of all of them, the same for the same trace, and
//! the slowest of each kind in each bin.

/// A sample never holds more than this.
const MAX_POINTS: usize = 4096;

/// What became of a call: whether the breaker let it through, and what the trace says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    AdmittedOk,
    RefusedOk,
    AdmittedFailed,
    RefusedFailed,
}

impl Kind {
    /// All, in the order in which they are drawn: what matters more lies on top.
    pub(crate) const ALL: [Self; 4] = [
        Self::AdmittedOk,
        Self::RefusedOk,
        Self::AdmittedFailed,
        Self::RefusedFailed,
    ];

    pub(crate) fn of(admitted: bool, failed: bool) -> Self {
        match (admitted, failed) {
            (true, false) => Self::AdmittedOk,
            (false, false) => Self::RefusedOk,
            (true, true) => Self::AdmittedFailed,
            (false, true) => Self::RefusedFailed,
        }
    }
}

/// One call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Point {
    /// Its place in the file, from 0.
    pub(crate) row: u64,
    pub(crate) t_ns: u64,
    pub(crate) latency_ns: u64,
    pub(crate) kind: Kind,
}

/// Every row until there are too many, then only those that win one more coin toss each time it is full. The
/// toss depends on the row's place alone, so the same trace gives the same picture.
#[derive(Default)]
pub(crate) struct Sample {
    tosses: u32,
    points: Vec<Point>,
}

impl Sample {
    pub(crate) fn take(&mut self, point: Point) {
        if wins(point.row) < self.tosses {
            return;
        }
        self.points.push(point);
        while self.points.len() > MAX_POINTS {
            self.tosses += 1;
            let tosses = self.tosses;
            self.points.retain(|point| wins(point.row) >= tosses);
        }
    }

    pub(crate) fn points(&self) -> Vec<Point> {
        self.points.clone()
    }
}

/// How many coin tosses in a row this row wins (`SplitMix64` as the coin).
fn wins(row: u64) -> u32 {
    let mut z = row.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).trailing_zeros()
}

/// The slowest call of each kind; of equals the first.
#[derive(Clone, Default)]
pub(crate) struct Slowest([Option<Point>; Kind::ALL.len()]);

impl Slowest {
    pub(crate) fn take(&mut self, point: Point) {
        let held = &mut self.0[point.kind as usize];
        if held.is_none_or(|slowest| point.latency_ns > slowest.latency_ns) {
            *held = Some(point);
        }
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        self.0.iter().flatten().copied()
    }
}
