//! What the process uses: memory, processor time; and what counts as flat.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// What this process holds in memory of its own now, in bytes. (The pages of its file come and go as the system likes.)
pub(crate) fn resident() -> Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm").context("this needs Linux")?;
    let mut pages = statm.split_whitespace().skip(1).map(str::parse::<u64>);
    let mut next = || pages.next().context("no resident set");
    let (resident, of_files) = (next()??, next()??);
    Ok(resident.saturating_sub(of_files) * rustix::param::page_size() as u64)
}

/// The processor time that all threads of this process have used.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// The memory as it was at equal distances.
pub(crate) struct Memory {
    samples: Vec<u64>,
}

const MIB: f64 = (1 << 20) as f64;

impl Memory {
    pub(crate) fn with_capacity(samples: usize) -> Self {
        let samples = Vec::with_capacity(samples);
        Self { samples }
    }

    pub(crate) fn push(&mut self, bytes: u64) {
        self.samples.push(bytes);
    }

    /// Flat: the mean of the last quarter is at most 2 % and 1 MiB above that of the second. In the first, tables fill.
    pub(crate) fn finding(&self) -> Option<String> {
        let quarter = self.samples.len() / 4;
        let mean = |from: usize| {
            let samples = &self.samples[from..from + quarter];
            samples.iter().sum::<u64>() as f64 / quarter as f64
        };
        let (second, last) = (mean(quarter), mean(self.samples.len() - quarter));
        let most = second * 1.02 + MIB;
        println!(
            "resident, mean of the second quarter {:.2} MiB, of the last {:.2} MiB",
            second / MIB,
            last / MIB
        );
        (last > most).then(|| {
            format!(
                "the memory grows: {:.2} MiB in the second quarter, {:.2} MiB in the last",
                second / MIB,
                last / MIB
            )
        })
    }
}
