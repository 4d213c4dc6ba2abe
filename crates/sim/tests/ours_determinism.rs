//! Our scenarios, one seed, one result: whoever watches, in debug and in release, and today's bytes tomorrow.

mod ours;

use std::time::Duration;

use evenkeel_sim::{Streams, Watch, scenarios};

const SMALL: &[(&str, &str, u64)] = &[
    (
        "half-open-stampede",
        "clients=20 seconds=80",
        0xcb01_16f4_739d_42c7,
    ),
    (
        "half-open-stampede",
        "clients=20 seconds=80 errors=60% jitter=full probation=true ramp=10s",
        0x1541_addc_2c3d_2f57,
    ),
    (
        "reconnect-herd",
        "clients=200 accepts=50",
        0x50ec_0eb7_b43a_8eda,
    ),
    (
        "reconnect-herd",
        "clients=200 accepts=50 jitter=decorrelated",
        0xbc02_5823_5533_4748,
    ),
    (
        "metastable",
        "clients=10 rate=40 capacity=50 room=50 seconds=60",
        0xe1c3_ba1e_3ed2_243e,
    ),
    (
        "metastable",
        "clients=10 rate=40 capacity=50 room=50 seconds=60 budget=true breaker=true throttle=true",
        0xc6d1_83fc_c518_e134,
    ),
    (
        "flapping-peer",
        "peers=20 flapping=50%",
        0xed57_f396_5ce5_dd39,
    ),
    (
        "flapping-peer",
        "peers=20 flapping=50% advisories=true",
        0x6460_67d7_58ba_cc0a,
    ),
    (
        "service",
        "load.kind=closed clients.count=10 seconds=20",
        0xae60_0811_46a1_a509,
    ),
    (
        "service",
        "load.kind=spike server.kind=concurrent breaker=true seconds=40",
        0x1128_ac48_9a37_03a7,
    ),
];

fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A change of one of these changes results that somebody has published with a seed: CHANGELOG says why.
#[test]
fn the_bytes_of_small_runs_stay_the_same() {
    let found: Vec<_> = SMALL
        .iter()
        .map(|(name, params, _)| {
            let mut scenario = scenarios::by_name(name).expect("it is built in");
            for pair in params.split_whitespace() {
                let (param, text) = pair.split_once('=').expect("k=v");
                scenario.set(param, text).expect("it is a parameter");
            }
            let json =
                serde_json::to_string(&ours::report_of(&mut *scenario, 2)).expect("it is data");
            (*name, *params, digest(&json))
        })
        .collect();
    assert!(found == SMALL, "{found:#x?}");
}

#[test]
fn watching_changes_nothing_and_the_curves_agree_with_the_metrics() {
    for (name, params, _) in SMALL {
        let mut scenario = scenarios::by_name(name).expect("it is built in");
        for pair in params.split_whitespace() {
            let (param, text) = pair.split_once('=').expect("k=v");
            scenario.set(param, text).expect("it is a parameter");
        }
        let mut watch = Watch::every(Duration::from_secs(1));
        let watched = scenario.run(Streams::of_run(3, 1), &mut watch);
        assert_eq!(
            watched,
            scenario.run(Streams::of_run(3, 1), &mut Watch::off()),
            "{name}"
        );
        assert_eq!(watch.series().len(), scenario.columns().len(), "{name}");
        assert_eq!(watched.values.len(), scenario.metrics().len(), "{name}");
        let cells: Vec<_> = watch
            .series()
            .iter()
            .map(|series| series.values.len())
            .collect();
        assert!(
            cells.iter().all(|&len| len == cells[0]),
            "{name}: {cells:?}"
        );
        assert!(
            watched.values.iter().all(|value| value.is_finite()),
            "{name}"
        );
    }
}

#[test]
fn breakers_are_always_in_one_phase() {
    let mut scenario = scenarios::by_name("half-open-stampede").expect("it is built in");
    scenario.set("clients", "20").expect("it is a parameter");
    let mut watch = Watch::every(Duration::from_millis(500));
    let _ = scenario.run(Streams::of_run(3, 1), &mut watch);
    let curve = |name| {
        let found = watch
            .series()
            .iter()
            .find(|series| series.column.name == name);
        found.expect("it is a column").values.clone()
    };
    let [closed, open, half_open] = ["closed", "open", "half-open"].map(curve);
    let some_open = open.iter().any(|&count| count > 10.0);
    assert!(some_open);
    // The cell of the very end is filled with the last value.
    for at in 0..closed.len() {
        assert_eq!(closed[at] + open[at] + half_open[at], 20.0, "cell {at}");
    }
}
