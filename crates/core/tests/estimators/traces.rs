//! Real latencies of others, against answers that another tool computed: `../shared/data`, see its README.

use std::fs;
use std::path::PathBuf;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    QuantileWindow, QuantileWindowPolicy, SampleWindow, SampleWindowPolicy, ThresholdWindow,
    ThresholdWindowPolicy,
};

const LIMIT: u64 = 200_000_000;

/// The three windows side by side.
struct Windows {
    exact: SampleWindow,
    cursors: QuantileWindow,
    above: ThresholdWindow,
}

impl Windows {
    fn new(values: u32) -> Self {
        let kept = [Quantile::P50, Quantile::P95, Quantile::P99];
        let limit = ThresholdWindowPolicy::new(values, Quantile::P99, LIMIT).unwrap();
        Self {
            exact: SampleWindow::new(SampleWindowPolicy::new(values).unwrap()),
            cursors: QuantileWindow::new(QuantileWindowPolicy::new(values, &kept).unwrap()),
            above: ThresholdWindow::new(limit),
        }
    }

    fn record(&mut self, now_ns: u64, latency_ns: u64) {
        self.exact.record(now_ns, latency_ns);
        self.cursors.record(now_ns, latency_ns);
        self.above.record(now_ns, latency_ns);
    }

    /// As the columns of the expected file are: `n,p50_ns,p95_ns,p99_ns,max_ns`.
    fn line(&self, now_ns: u64) -> String {
        let at = |q| self.exact.quantile(now_ns, q).unwrap();
        let (p50, p95, p99) = (at(Quantile::P50), at(Quantile::P95), at(Quantile::P99));
        for (q, exact) in [
            (Quantile::P50, p50),
            (Quantile::P95, p95),
            (Quantile::P99, p99),
        ] {
            let high = self.cursors.quantile(now_ns, q).unwrap();
            assert!(
                exact <= high && high - exact <= exact / 128,
                "{q}: {high} for {exact}"
            );
        }
        assert_eq!(self.above.is_above(now_ns), Some(p99 > LIMIT));
        format!(
            "{},{p50},{p95},{p99},{}",
            self.exact.count(now_ns),
            at(Quantile::MAX)
        )
    }
}

fn agrees_with_numpy(name: &str) {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        println!(
            "skipped: the recorded traces are not here ({})",
            data.display()
        );
        return;
    }
    let read = |file: String| fs::read_to_string(data.join(file)).unwrap();
    let (trace, expected) = (
        read(format!("{name}.csv")),
        read(format!("{name}.expected.csv")),
    );
    let rows: Vec<(u64, u64)> = trace
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].parse().unwrap(), fields[2].parse().unwrap())
        })
        .collect();

    let mut checkpoints = 0;
    for values in [100, 1000] {
        let mut windows = Windows::new(values);
        let mut seen = 0;
        for line in expected.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            if fields[0] != values.to_string() {
                continue;
            }
            let rows_seen: usize = fields[1].parse().unwrap();
            for &(t_ns, latency_ns) in &rows[seen..rows_seen] {
                windows.record(t_ns, latency_ns);
            }
            seen = rows_seen;
            assert_eq!(
                windows.line(rows[seen - 1].0),
                fields[2..7].join(","),
                "{name}: {line}"
            );
            checkpoints += 1;
        }
        assert_eq!(seen, rows.len(), "{name}: the last row is a checkpoint");
    }
    println!("{name}: {checkpoints} checkpoints agree");
}

#[test]
fn nab_ec2_request_latency_agrees_at_every_checkpoint() {
    agrees_with_numpy("nab_ec2_request_latency");
}

#[test]
fn jmeter_http_a_agrees_at_every_checkpoint() {
    agrees_with_numpy("jmeter_http_a");
}

#[test]
fn jmeter_http_b_agrees_at_every_checkpoint() {
    agrees_with_numpy("jmeter_http_b");
}

#[test]
fn taurus_http500_agrees_at_every_checkpoint() {
    agrees_with_numpy("taurus_http500");
}

#[test]
fn upptime_curc_agrees_at_every_checkpoint() {
    agrees_with_numpy("upptime_curc");
}

#[test]
fn nezha_boutique_currency_delay_agrees_at_every_checkpoint() {
    agrees_with_numpy("nezha_boutique_currency_delay");
}
