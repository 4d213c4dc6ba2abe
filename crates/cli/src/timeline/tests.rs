//! Bins that merge lose nothing, whatever the length of the trace; short openings show; ticks are round.

use evenkeel_core::Quantile;
use evenkeel_core::breaker::Phase;

use super::axis::Axis;
use super::fixtures::{MS, SECOND, round_trip, row, summary, timeline};
use super::{Bin, Kind, MAX_BINS, Timeline, bucket_of, most_of, phases};
use crate::trace::RowOutcome;

#[test]
fn merging_keeps_all_totals() {
    let mut timeline = Timeline::new(Some(500), true);
    let (mut t_ns, mut seen) = (0_u64, [0_u64; 4]);
    // The gaps grow, so that the bins double again and again.
    for i in 0..2000_u64 {
        let (failed, admitted) = (i % 3 == 0, i % 4 != 0);
        let outcome = if failed {
            RowOutcome::Timeout
        } else {
            RowOutcome::Ok
        };
        timeline.row(&row(t_ns, i, outcome), admitted);
        seen[Kind::of(admitted, failed) as usize] += 1;
        t_ns += 1 + t_ns / 60;
        assert!(timeline.bins().len() <= MAX_BINS);
    }
    let all = Bin::merged(timeline.bins());
    assert_eq!(Kind::ALL.map(|kind| all.of(kind)), seen);
    assert_eq!(all.total(), 2000);
    assert_eq!(all.slow, 1499);
    assert_eq!(all.latencies.quantile(Quantile::MIN), Some(0));
    assert_eq!(all.latencies.quantile(Quantile::MAX), Some(1999));
    let median = all.latencies.quantile(Quantile::P50).unwrap();
    assert!((999..=1061).contains(&median), "{median}");
    // Every fourth is refused, the first of them the fastest: 1, 2, 3, 5, 6, 7, ..
    assert_eq!(all.admitted.quantile(Quantile::MIN), Some(1));
    assert_eq!(all.admitted.quantile(Quantile::MAX), Some(1999));
}

#[test]
fn bins_double_only_when_they_must() {
    let mut timeline = Timeline::new(None, false);
    for t_ns in 0..MAX_BINS as u64 {
        timeline.row(&row(1000 + t_ns, 1, RowOutcome::Ok), true);
    }
    assert_eq!(timeline.bins().len(), MAX_BINS);
    timeline.row(&row(1000 + MAX_BINS as u64, 1, RowOutcome::Ok), true);
    assert_eq!(timeline.bins().len(), MAX_BINS / 2 + 1);
    assert_eq!(timeline.bin_start_ns(1), 1002);
    assert!(
        timeline
            .bins()
            .iter()
            .take(MAX_BINS / 2)
            .all(|bin| bin.total() == 2)
    );
}

#[test]
fn every_instant_and_latency_is_safe() {
    for times in [
        vec![7],
        vec![7; 50],
        vec![0, u64::MAX],
        vec![u64::MAX - 1, u64::MAX],
        vec![5, 3],
    ] {
        let mut timeline = Timeline::new(None, true);
        for t_ns in &times {
            timeline.row(&row(*t_ns, u64::MAX, RowOutcome::Ok), true);
        }
        assert_eq!(Bin::merged(timeline.bins()).total(), times.len() as u64);
        assert_eq!(timeline.points().len(), times.len());
        assert_eq!(timeline.rolling().count(), timeline.bins().len());
    }
    assert!(Timeline::new(None, true).points().is_empty());
}

#[test]
fn a_bucket_is_at_most_a_sixteenth_wide() {
    for exponent in 0..64 {
        for value in [
            1_u64 << exponent,
            (1 << exponent) + (1 << exponent) / 3,
            (1 << exponent) - 1,
        ] {
            let most = most_of(bucket_of(value));
            assert!(
                most >= value && most - value <= value / 16,
                "{value}: {most}"
            );
        }
    }
    assert_eq!(bucket_of(u64::MAX), super::BUCKETS - 1);
}

#[test]
fn a_short_trace_shows_each_call_and_a_long_one_its_slowest() {
    assert_eq!(timeline(4000, true).points().len(), 4000);
    assert!(timeline(4000, false).points().is_empty());
    let mut long = timeline(0, true);
    for i in 0..300_000_u64 {
        let latency = if i == 123_456 { 9 * SECOND } else { MS };
        let outcome = if i == 200_001 {
            RowOutcome::Error
        } else {
            RowOutcome::Ok
        };
        long.row(&row(i, latency, outcome), true);
    }
    let points = long.points();
    assert!(points.len() < 4096 + 4 * MAX_BINS, "{}", points.len());
    assert!(points.iter().any(|point| point.row == 123_456));
    assert!(
        points
            .iter()
            .any(|point| point.kind == Kind::AdmittedFailed)
    );
}

#[test]
fn the_worst_phase_of_a_column_wins() {
    // Open for 1 ns, half-open for 1 ns, within 1000 s.
    let summary = summary(1000 * SECOND, &[], round_trip(None, 500 * SECOND, 1));
    let axis = Axis::of(&summary);
    let histories = phases::histories(&summary, false);
    let raster = histories[0].raster(&axis, 10);
    let mut expected = [Phase::Closed; 10];
    expected[5] = Phase::Open;
    assert_eq!(raster, expected);
    assert_eq!(histories[0].troubled_ns, 2);
    assert_eq!(histories[0].openings(), 1);
}

#[test]
fn a_phase_without_an_end_lasts_to_the_end() {
    let mut transitions = round_trip(Some(1), 2 * SECOND, SECOND);
    transitions.truncate(2);
    transitions.extend(round_trip(Some(0), SECOND, MS));
    let summary = summary(10 * SECOND, &["calm", "lost", "unseen"], transitions);
    let histories = phases::histories(&summary, true);
    let names: Vec<_> = histories
        .iter()
        .map(|history| history.name(&summary))
        .collect();
    assert_eq!(names, ["lost", "calm"]);
    assert_eq!(histories[0].troubled_ns, 8 * SECOND);
    let raster = histories[0].raster(&Axis::of(&summary), 5);
    let (closed, open, half) = (Phase::Closed, Phase::Open, Phase::HalfOpen);
    assert_eq!(raster, [closed, open, half, half, half]);
}

#[test]
fn ticks_are_at_round_times() {
    let labels = |span_ns: u64| -> Vec<String> {
        let ticks = Axis::of(&summary(span_ns, &[], Vec::new())).ticks(5);
        ticks.into_iter().map(|tick| tick.label).collect()
    };
    assert_eq!(labels(7 * SECOND), ["0", "2 s", "4 s", "6 s"]);
    assert_eq!(labels(1500 * MS), ["0", "0.5 s", "1 s", "1.5 s"]);
    assert_eq!(labels(187 * SECOND), ["0", "1 min", "2 min", "3 min"]);
    assert_eq!(
        labels(91 * 86_400 * SECOND),
        ["0", "20 d", "40 d", "60 d", "80 d"]
    );
    assert_eq!(labels(0), ["0", "1 ns"]);
    assert!(labels(u64::MAX).len() <= 6);
}
