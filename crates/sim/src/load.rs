//! When requests come: at random by a rate, or at the instants of a trace.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use crate::delay::rounded;
use crate::random::Stream;

/// How many requests come, and when.
///
/// Rates are in requests a second. The rate is read at each arrival and holds until the next, so a rate of nearly 0 can
/// last: at 0 and below, or where it is no finite number, the arrivals end for good. Instants are whole nanoseconds: much
/// above 10^8 a second many of them fall together.
///
/// ```
/// use evenkeel_sim::{Load, Streams};
///
/// let mut rng = Streams::seeded(7).of("arrivals", 0);
/// let mut arrivals = Load::Poisson { rate: 1_000.0 }.arrivals();
/// let (mut now_ns, mut count) = (0, 0);
/// while let Some(at_ns) = arrivals.next_ns(now_ns, &mut rng).filter(|&at_ns| at_ns < 10_000_000_000) {
///     (now_ns, count) = (at_ns, count + 1);
/// }
/// assert!((9_700..10_300).contains(&count));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Independent of each other, at a steady rate.
    Poisson {
        /// Requests a second.
        rate: f64,
    },
    /// The same, but for a while at another rate.
    Spike {
        /// Requests a second before and after.
        rate: f64,
        /// Requests a second from `from` to `until`, both of which belong to the spike.
        spike: f64,
        /// The spike's first instant.
        from: Duration,
        /// The spike's last instant.
        until: Duration,
    },
    /// Rises to a peak and falls again, by as much each second: `peak - slope * |t - at|`.
    Ramp {
        /// Requests a second at the peak.
        peak: f64,
        /// By how much the rate rises each second, and falls again.
        slope: f64,
        /// When the peak is.
        at: Duration,
    },
    /// At these instants, in nanoseconds; they must be sorted.
    Trace(Arc<[u64]>),
}

impl Load {
    /// The arrivals of a trace file: the column `t_ns` of its CSV, moved so that the first is at 0.
    ///
    /// # Errors
    /// When it cannot be read, has no column `t_ns`, a row whose `t_ns` is no whole number or before that of the row
    /// above, or one of more than 64 KiB.
    ///
    /// ```
    /// use evenkeel_sim::Load;
    ///
    /// let csv = "t_ns,key,latency_ns,outcome\n500,search,2000,ok\n900,cart,100,error\n";
    /// assert_eq!(Load::read_trace(csv.as_bytes())?, Load::Trace([0, 400].into()));
    /// assert!(Load::read_trace("t_ns\n7\n3\n".as_bytes()).is_err());
    /// # Ok::<(), evenkeel_sim::TraceError>(())
    /// ```
    pub fn read_trace(source: impl Read) -> Result<Self, TraceError> {
        let mut csv = csv::Reader::from_reader(Rows { source, length: 0 });
        let headers = csv.byte_headers().map_err(TraceError::Unreadable)?;
        let column = headers.iter().position(|name| name == b"t_ns");
        let column = column.ok_or(TraceError::NoColumn)?;
        let mut instants: Vec<u64> = Vec::new();
        let mut row = csv::ByteRecord::new();
        while csv
            .read_byte_record(&mut row)
            .map_err(TraceError::Unreadable)?
        {
            let line = row.position().map_or(0, csv::Position::line);
            let text = row
                .get(column)
                .and_then(|field| std::str::from_utf8(field).ok());
            let at_ns = text.and_then(|text| text.trim().parse().ok());
            let at_ns: u64 = at_ns.ok_or(TraceError::NoInstant { line })?;
            if instants.last().is_some_and(|&last_ns| at_ns < last_ns) {
                return Err(TraceError::Unsorted { line });
            }
            instants.push(at_ns);
        }
        let first_ns = instants.first().copied().unwrap_or(0);
        Ok(Self::Trace(
            instants.into_iter().map(|at_ns| at_ns - first_ns).collect(),
        ))
    }

    /// The rate at an instant, in requests a second; `None` for a trace.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_sim::Load;
    ///
    /// let [from, until] = [20, 25].map(Duration::from_secs);
    /// let load = Load::Spike { rate: 40.0, spike: 80.0, from, until };
    /// assert_eq!([0, 22].map(|s| load.rate(s * 1_000_000_000)), [Some(40.0), Some(80.0)]);
    /// ```
    #[must_use]
    pub fn rate(&self, now_ns: u64) -> Option<f64> {
        let now = Duration::from_nanos(now_ns);
        match *self {
            Self::Poisson { rate } => Some(rate),
            Self::Spike {
                rate,
                spike,
                from,
                until,
            } => Some(if from <= now && now <= until {
                spike
            } else {
                rate
            }),
            Self::Ramp { peak, slope, at } => Some(peak - slope * now.abs_diff(at).as_secs_f64()),
            Self::Trace(_) => None,
        }
    }

    /// The arrivals, from the first.
    ///
    /// ```
    /// # use evenkeel_sim::{Load, Streams};
    /// # let mut rng = Streams::seeded(7).of("arrivals", 0);
    /// let mut arrivals = Load::Trace([3, 3, 9].into()).arrivals();
    /// assert_eq!([0; 4].map(|now_ns| arrivals.next_ns(now_ns, &mut rng)), [Some(3), Some(3), Some(9), None]);
    /// ```
    #[must_use]
    pub const fn arrivals(self) -> Arrivals {
        Arrivals {
            load: self,
            given: 0,
        }
    }
}

/// The arrivals of a [`Load`], one after the other.
///
/// ```
/// # use evenkeel_sim::{Load, Streams};
/// # let mut rng = Streams::seeded(7).of("arrivals", 0);
/// let mut arrivals = Load::Poisson { rate: 0.0 }.arrivals();
/// assert_eq!(arrivals.next_ns(0, &mut rng), None); // none will ever come
/// ```
#[derive(Clone, Debug)]
pub struct Arrivals {
    load: Load,
    /// How many of a trace's were given.
    given: usize,
}

impl Arrivals {
    /// When the next request comes, given that the last came now; `None` when no more come. One word, none for a trace.
    ///
    /// ```
    /// # use evenkeel_sim::{Load, Streams};
    /// # let mut rng = Streams::seeded(7).of("arrivals", 0);
    /// let mut arrivals = Load::Poisson { rate: 10.0 }.arrivals();
    /// assert!(arrivals.next_ns(1_000, &mut rng) >= Some(1_000));
    /// ```
    pub fn next_ns(&mut self, now_ns: u64, rng: &mut Stream) -> Option<u64> {
        if let Load::Trace(instants) = &self.load {
            let at_ns = instants.get(self.given).copied();
            self.given += 1;
            return at_ns;
        }
        let rate = self.load.rate(now_ns);
        let rate = rate.filter(|rate| rate.is_finite() && *rate > 0.0)?;
        now_ns.checked_add(rounded(rng.exponential(1e9 / rate)))
    }
}

/// A source whose rows are short: what has no rows at all, a device such as /dev/zero, is not read for ever.
struct Rows<R> {
    source: R,
    /// Of the row that is being read, so far.
    length: usize,
}

const LONGEST_ROW: usize = 1 << 16;

impl<R: Read> Read for Rows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        for byte in &buffer[..read] {
            self.length = if *byte == b'\n' { 0 } else { self.length + 1 };
            if self.length > LONGEST_ROW {
                let what = format!("it has a row of more than {LONGEST_ROW} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
        Ok(read)
    }
}

/// Why a trace cannot be read.
///
/// ```
/// use evenkeel_sim::Load;
///
/// let error = Load::read_trace("t_ns\n7\n3\n".as_bytes()).unwrap_err();
/// assert_eq!(error.to_string(), "line 3: its t_ns is before that of the row above; sort the trace by t_ns");
/// ```
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The source failed, or is no CSV.
    #[error("the trace cannot be read: {0}")]
    Unreadable(#[source] csv::Error),
    /// Its header does not name the column.
    #[error("the trace has no column t_ns; its first line must be t_ns,key,latency_ns,outcome")]
    NoColumn,
    /// A row's `t_ns` is not a number.
    #[error("line {line}: its t_ns is no whole number of nanoseconds")]
    NoInstant {
        /// The line of the file, from 1.
        line: u64,
    },
    /// A row comes after one that is later.
    #[error("line {line}: its t_ns is before that of the row above; sort the trace by t_ns")]
    Unsorted {
        /// The line of the file, from 1.
        line: u64,
    },
}
