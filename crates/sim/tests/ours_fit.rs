//! Parameters that are each in their range and are no world together: the scenario says so before it is run.

use std::path::Path;

use evenkeel_sim::{Load, ScenarioFile, scenarios};

/// What the scenario says to these, set one after the other.
fn check(name: &str, params: &str) -> Result<(), String> {
    let mut scenario = scenarios::by_name(name).expect("it is built in");
    for pair in params.split_whitespace() {
        let (param, text) = pair.split_once('=').expect("k=v");
        scenario.set(param, text).expect("it is in its range");
    }
    scenario.check().map_err(|error| error.to_string())
}

#[test]
fn what_is_built_in_fits() {
    for scenario in scenarios::all() {
        assert_eq!(scenario.check(), Ok(()), "{}", scenario.name());
    }
}

/// A run that ends in the outage would measure a recovery of no time.
#[test]
fn a_run_outlasts_its_outage() {
    for (name, params, seconds) in [
        ("metastable", "outage=1h", 20 + 3_600 + 15),
        (
            "half-open-stampede",
            "outage=100s outage_spread=0",
            10 + 100 + 15,
        ),
        // The longest of them counts.
        ("half-open-stampede", "outage=100s", 10 + 150 + 15),
    ] {
        let told =
            format!("seconds is 120: it must be {seconds} or more, 15 s after the outage's end");
        assert_eq!(check(name, params), Err(told));
        let of = |seconds: u64| check(name, &format!("{params} seconds={seconds}"));
        assert_eq!(of(seconds), Ok(()));
        assert!(of(seconds - 1).is_err(), "{name}");
    }
}

/// The work of a request is that of one worker, so a server has at least one whole.
#[test]
fn a_server_has_a_whole_worker() {
    assert_eq!(check("half-open-stampede", "clients=20"), Ok(()));
    let told = "rate makes 76 calls a second of all clients: 80 is the least";
    assert_eq!(check("half-open-stampede", "clients=19"), Err(told.into()));
    let mut metastable = scenarios::by_name("metastable").expect("it is built in");
    assert!(metastable.set("capacity", "49").is_err());
}

#[test]
fn a_run_comes_to_its_end() {
    for (name, params, blamed) in [
        ("retry-strategies", "clients=1000000 rate=1e6", "rate"),
        ("half-open-stampede", "clients=1000000 rate=1e6", "rate"),
        ("metastable", "rate=1e6 seconds=100000", "rate"),
        ("flapping-peer", "peers=1000000 rate=1e6", "rate"),
        ("service", "load.rate=1e6 seconds=100000", "load.rate"),
        (
            "service",
            "load.kind=spike load.peak=1e6 seconds=100000",
            "load.peak",
        ),
        (
            "service",
            "load.kind=closed load.think=1ms clients.count=1000000",
            "load.think",
        ),
    ] {
        let error = check(name, params).expect_err(name);
        assert!(
            error.starts_with(&format!("{blamed} makes ")),
            "{name}: {error}"
        );
    }
    let error = check("service", "load.rate=1e6 seconds=10001").unwrap_err();
    assert_eq!(
        error,
        "load.rate makes 10001000000 calls in 10001 s: a run has at most 10000000000"
    );
    assert_eq!(check("service", "load.rate=1e6 seconds=10000"), Ok(()));
    // A message takes time, so a client that never waits does not stay at one instant.
    let mut service = scenarios::by_name("service").expect("it is built in");
    assert!(service.set("clients.network", "0s").is_err());
}

#[test]
fn a_trace_has_calls() {
    let told = "load.trace is missing: it must be the path of a CSV with a column t_ns";
    assert_eq!(check("service", "load.kind=trace"), Err(told.into()));

    let empty = std::env::temp_dir().join(format!("evenkeel-fit-{}.csv", std::process::id()));
    std::fs::write(&empty, "t_ns\n").expect("it can be written");
    let path = empty.display();
    let error = check("service", &format!("load.kind=trace load.trace={path}")).unwrap_err();
    std::fs::remove_file(&empty).expect("it is there");
    assert_eq!(
        error,
        format!(
            "load.trace is {path:?}, which has no rows: it must have one for each call",
            path = path.to_string()
        )
    );

    // What has no rows at all is not read for ever.
    let error = Load::read_trace(std::io::repeat(b'0')).unwrap_err();
    assert!(
        error.to_string().contains("a row of more than 65536 bytes"),
        "{error}"
    );
}

#[test]
fn a_file_is_told_where() {
    let told = |text: &str| {
        let error = ScenarioFile::parse(text, Path::new("")).expect_err("they do not fit");
        error.to_string()
    };
    let text = "scenario = \"metastable\"\n[params]\nseconds = 100\noutage  = \"70s\"\n";
    assert!(
        told(text).starts_with("3:11: seconds is 100: it must be 105 or more"),
        "{}",
        told(text)
    );
    // What is to be changed may not stand there.
    let text = "scenario = \"metastable\"\n[params]\noutage = \"1h\"\n";
    assert!(
        told(text).starts_with("1:1: seconds is 120"),
        "{}",
        told(text)
    );
}
