//! One seed, one result: whoever watches, whoever else is there, in debug and in release.

use evenkeel_sim::{Model, Report, Scenario, Sim, Stream, Streams, Watch, World, scenarios};

const SEED: u64 = 7;

fn json(name: &str, params: &str) -> String {
    let mut scenario = scenarios::by_name(name).expect("it is built in");
    for pair in params.split_whitespace() {
        let (param, text) = pair.split_once('=').expect("k=v");
        scenario.set(param, text).expect("it is a parameter");
    }
    json_of(&mut *scenario)
}

fn json_of(scenario: &mut dyn Scenario) -> String {
    let run = |run| scenario.run(Streams::of_run(SEED, run), &mut Watch::off());
    let runs: Vec<_> = (0..3).map(run).collect();
    serde_json::to_string(&Report::of(scenario, SEED, &runs)).expect("it is data")
}

/// FNV-1a, 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A change of one of these changes results that somebody has published with a seed: CHANGELOG says why.
#[test]
fn the_bytes_of_small_runs_stay_the_same() {
    let pinned = [
        (
            "contending-writers",
            "clients=20 algorithm=none",
            0xff4a_acc2_f456_8a40,
        ),
        (
            "contending-writers",
            "clients=20 algorithm=exponential",
            0xb89a_4eff_9f96_da76,
        ),
        (
            "contending-writers",
            "clients=20 algorithm=equal",
            0x632a_2c74_ac74_d4c6,
        ),
        (
            "contending-writers",
            "clients=20 algorithm=full",
            0xed65_967c_0c77_ca69,
        ),
        (
            "contending-writers",
            "clients=20 algorithm=decorrelated",
            0x33a9_0c22_bd39_149d,
        ),
        (
            "retry-strategies",
            "strategy=none seconds=5 clients=10",
            0x9ff9_e78b_80ae_903a,
        ),
        (
            "retry-strategies",
            "strategy=three-retries seconds=5 clients=10",
            0x0870_f36e_4f3c_8739,
        ),
        (
            "retry-strategies",
            "strategy=token-bucket seconds=5 clients=10",
            0x2cb5_b5d0_d4fc_9017,
        ),
        (
            "retry-strategies",
            "strategy=breaker seconds=5 clients=10",
            0xdd29_39bd_a853_3e08,
        ),
        (
            "congestive-collapse",
            "load=spike client=no-backoff",
            0x36b3_e5b5_9aca_7899,
        ),
        (
            "congestive-collapse",
            "load=ramp client=backoff-and-jitter",
            0x94db_17c2_36b0_23bd,
        ),
    ];
    let found = pinned.map(|(name, params, _)| (name, params, digest(&json(name, params))));
    assert_eq!(found, pinned);
}

#[test]
fn the_json_has_the_shape_that_other_programs_read() {
    assert_eq!(
        json("contending-writers", "clients=1"),
        concat!(
            r#"{"scenario":"contending-writers","params":{"clients":1,"algorithm":"full"},"runs":3,"seed":7,"metrics":{"#,
            r#""time_ms":{"mean":39.27407766666666,"sd":8.403810970637448,"min":29.636444,"max":45.073227},"#,
            r#""calls":{"mean":1.0,"sd":0.0,"min":1.0,"max":1.0},"failed":{"mean":0.0,"sd":0.0,"min":0.0,"max":0.0}}}"#,
        )
    );
}

#[test]
fn watching_changes_nothing() {
    for mut scenario in scenarios::all() {
        let _ = scenario.set("seconds", "5");
        let mut watch = Watch::every(std::time::Duration::from_millis(100));
        let watched = scenario.run(Streams::of_run(SEED, 0), &mut watch);
        let alone = scenario.run(Streams::of_run(SEED, 0), &mut Watch::off());
        assert_eq!(watched, alone, "{}", scenario.name());

        let columns: Vec<_> = watch.series().iter().map(|series| series.column).collect();
        assert_eq!(columns, scenario.columns(), "{}", scenario.name());
        let cells = (watched.end_ns / 100_000_000 + 1) as usize;
        for series in watch.series() {
            assert_eq!(
                series.values.len(),
                cells,
                "{}: {}",
                scenario.name(),
                series.column.name
            );
        }
    }
}

#[test]
fn the_curves_add_up_to_what_was_measured() {
    let mut scenario = scenarios::by_name("contending-writers").expect("it is built in");
    scenario.set("clients", "20").expect("it is a parameter");
    let mut watch = Watch::every(std::time::Duration::from_millis(100));
    let run = scenario.run(Streams::of_run(SEED, 0), &mut watch);
    let sum = |curve| {
        let found = watch
            .series()
            .iter()
            .find(|series| series.column.name == curve);
        found.expect("it is drawn").values.iter().sum::<f64>() / 10.0
    };
    assert!((sum("load") - run.values[1]).abs() < 1e-9);
    assert!((sum("goodput") - 20.0).abs() < 1e-9);
}

/// Walkers that each take steps at random, and note when.
struct Walkers {
    walkers: Vec<(Stream, Vec<u64>)>,
}

impl Model for Walkers {
    type Event = usize;

    fn on_event(&mut self, walker: usize, world: &mut World<usize>) {
        let (rng, steps) = &mut self.walkers[walker];
        steps.push(world.now_ns());
        if steps.len() < 50 {
            world.after(rng.below(1_000), walker);
        }
    }
}

fn steps(walkers: u64) -> Vec<Vec<u64>> {
    let streams = Streams::seeded(SEED);
    let walker = |id| (streams.of("walker", id), Vec::new());
    let mut sim = Sim::new(Walkers {
        walkers: (0..walkers).map(walker).collect(),
    });
    for walker in 0..sim.model.walkers.len() {
        sim.world.at(0, walker);
    }
    sim.run();
    sim.model
        .walkers
        .into_iter()
        .map(|(_, steps)| steps)
        .collect()
}

#[test]
fn one_more_entity_shifts_no_other() {
    assert_eq!(steps(3)[..], steps(4)[..3]);
    assert_ne!(steps(2)[0], steps(2)[1]);
}

#[test]
fn the_words_of_a_stream_stay_the_same() {
    let words = |kind, id| {
        let mut stream = Streams::of_run(SEED, 3).of(kind, id);
        [(); 2].map(|()| stream.below(1 << 32))
    };
    assert_eq!(
        [words("client", 0), words("client", 1), words("server", 0)],
        [
            [3_561_506_858, 2_963_705_444],
            [3_490_745_067, 319_439_898],
            [1_371_780_550, 2_523_605_373]
        ]
    );
}
