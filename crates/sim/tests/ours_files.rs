//! Scenario files: those of docs/scenarios run and say what is built in, and a mistake is found where it stands.

use std::path::{Path, PathBuf};

use evenkeel_sim::{ScenarioFile, Streams, Value, Watch, scenarios};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect("there is a file of each")
}

fn parse(text: &str) -> ScenarioFile {
    ScenarioFile::parse(text, &folder()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn complaint(text: &str) -> String {
    let error = ScenarioFile::parse(text, &folder()).expect_err("it is wrong");
    error.to_string()
}

#[test]
fn each_built_in_has_a_file_that_says_its_defaults() {
    for mut built_in in scenarios::all() {
        let mut file = parse(&text(built_in.name()));
        assert_eq!(file.scenario.values(), built_in.values());
        assert_eq!(format!("{:?}", file.scenario), format!("{built_in:?}"));
        assert_eq!(file.unused, [""; 0]);
        // Every parameter stands in it, so that it can be changed.
        for (name, _) in built_in.values() {
            let key = name.rsplit('.').next().unwrap_or(name);
            let stands = text(built_in.name()).lines().any(|line| {
                let line = line.split('=').next().unwrap_or("");
                line.trim_start_matches("# ").trim() == key
            });
            assert!(stands, "{}: {name}", built_in.name());
        }
    }
}

#[test]
fn every_file_runs() {
    let mut files = 0;
    for entry in std::fs::read_dir(folder()).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let file = ScenarioFile::read(&path).unwrap_or_else(|error| panic!("{path:?}:{error}"));
        let run = file.scenario.run(Streams::of_run(7, 0), &mut Watch::off());
        assert_eq!(run.values.len(), file.scenario.metrics().len());
        assert!(file.runs.is_some());
        files += 1;
    }
    assert!(files > scenarios::all().len(), "and one with a trace");
}

#[test]
fn what_is_commented_out_can_be_put_in() {
    let instead: &[(&str, &[&str])] = &[
        ("half-open-stampede", &["jitter", "probation", "ramp"]),
        ("reconnect-herd", &["jitter", "base", "cap", "stable_after"]),
        ("contending-writers", &["algorithm"]),
        ("congestive-collapse", &["client"]),
        ("metastable", &[]),
        ("flapping-peer", &[]),
        ("service", &[]),
    ];
    for (name, taken_out) in instead {
        let mut kept = String::new();
        for line in text(name).lines() {
            let key = line.split('=').next().unwrap_or("").trim();
            if !taken_out.contains(&key) {
                kept.push_str(line.strip_prefix("#:").unwrap_or(line));
                kept.push('\n');
            }
        }
        let mut file = parse(&kept);
        let values = file.scenario.values();
        let own = values.iter().filter(|(name, value)| {
            let table = name.ends_with("_policy") || *name == "fault";
            table && matches!(value, Value::Text(text) if !text.is_empty())
        });
        assert!(own.count() > 0, "{name}");
        let calm = scenarios::by_name(name).expect("it is built in");
        let run = |scenario: &dyn evenkeel_sim::Scenario| {
            scenario
                .run(Streams::of_run(7, 0), &mut Watch::off())
                .values
        };
        assert_ne!(
            run(&*file.scenario),
            run(&*calm),
            "{name}: it makes a difference"
        );
    }
}

#[test]
fn a_policy_of_ones_own_is_used_and_told_and_can_be_turned_off() {
    let text = "scenario = \"metastable\"\n[breaker]\ntriggers = [{ kind = \"consecutive\", failures = 5 }]\n\
                open = { base = \"2s\" }\nhalf_open = { probe_timeout = \"1s\" }\n";
    let mut file = parse(text);
    let values = file.scenario.values();
    let of = |name| {
        values
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(of("breaker"), Some(Value::Flag(true)));
    let Some(Value::Text(told)) = of("breaker_policy") else {
        panic!("it is told")
    };
    assert!(told.contains("\"base\""), "{told}");
    file.scenario.set("breaker", "false").expect("it is a flag");
    assert!(file.scenario.set("breaker_policy", "none").is_err());
    assert_eq!(file.scenario.values()[6], ("seconds", Value::Count(120)));
}

#[test]
fn tables_that_a_scenario_has_no_machine_for_are_checked_and_listed() {
    let budget = "[retry_tokens]\ncapacity_milli = 1000\n[retry_ratio]\nratio = \"10%\"\n";
    assert_eq!(
        parse(&format!("scenario = \"reconnect-herd\"\n{budget}"))
            .unused
            .len(),
        2
    );
    // A client has one budget.
    assert_eq!(
        parse(&format!("scenario = \"metastable\"\n{budget}"))
            .unused
            .len(),
        1
    );
    let wrong = "scenario = \"metastable\"\n\n[restart]\nrestart_on = \"sometimes\"\nbackoff = { base = \"1s\" }\n";
    assert!(
        complaint(wrong).starts_with("4:14: "),
        "{}",
        complaint(wrong)
    );
}

#[test]
fn numbers_are_read_as_toml_writes_them() {
    let text = "scenario = \"metastable\"\n[params]\nclients = 1_000\nrate = 1e2\ncapacity = 1_000.5\nroom = 0x10\n\
                outage = 2_000_000_000\nslow_down = 3\nbudget = true\n";
    let mut file = parse(text);
    let values: Vec<_> = file
        .scenario
        .values()
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    let outage = Value::Text("2s".into());
    let numbers = [
        Value::Count(1_000),
        Value::Real(100.0),
        Value::Real(1_000.5),
        Value::Count(16),
        outage,
    ];
    assert_eq!(values[..5], numbers);
    assert_eq!(
        values[5..9],
        [
            Value::Real(3.0),
            Value::Count(120),
            Value::Flag(true),
            Value::Flag(true)
        ]
    );
}

#[test]
fn mistakes_are_found_where_they_stand() {
    let head = "scenario = \"metastable\"\n";
    let breaker = "[breaker]\ntriggers = [{ kind = \"consecutive\", failures = 5 }]\nopen = { base = \"1s\" }\n";
    let cases = [
        (String::new(), "1:1: scenario is missing"),
        ("scenario = 7".into(), "1:12: scenario is 7: it must be one of contending-writers, "),
        ("scenario = \"metastabel\"".into(), "1:12: scenario is \"metastabel\""),
        ("scenario = \"metastable".into(), "1:23: "),
        (format!("{head}runs = -1"), "2:8: runs must be a whole number"),
        (format!("{head}seed = \"7\""), "2:8: seed must be a whole number"),
        (format!("{head}run = 7"), "2:1: metastable has no key \"run\"; it has scenario, runs, seed, params, retry"),
        (format!("{head}[server]\nkind = \"queue\""), "2:2: metastable has no key \"server\""),
        (format!("{head}params = 7"), "2:10: it must be a table"),
        (format!("{head}[params]\nclient = 7"), "3:1: metastable has no parameter \"client\"; it has clients, "),
        (format!("{head}[params]\nclients = [7]"), "3:11: clients must be a number, a text, true or false"),
        (format!("{head}[params]\noutage = \"long\""), "3:10: outage is \"long\": it must be a span from 0s to 1h"),
        (format!("{head}{breaker}half_open = {{ probe_timeout = \"1s\", trials = 0 }}"),
            "5:46: breaker.half_open.trials is 0"),
        (format!("{head}{breaker}half_open = {{ probe_timeout = \"1s\", trial = 5 }}"), "5:37: unknown field `trial`"),
        (format!("{head}[[fault]]\nkind = \"outage\""), "2:3: metastable has no key \"fault\""),
        ("scenario = \"service\"\n[server]\nbase = \"1s\"".into(), "3:1: service has no parameter \"server.base\""),
        ("scenario = \"service\"\n[load]\ntrace = \"no.csv\"\nkind = \"trace\"".into(), "3:9: \"no.csv\": "),
        ("scenario = \"service\"\n[[fault]]\nkind = \"flood\"\nfrom = \"1s\"\nuntil = \"2s\"".into(),
            "2:1: fault.kind is \"flood\": it must be outage, slow-down, partition or error-rate"),
        ("scenario = \"service\"\n[[fault]]\nkind = \"outage\"\nfrom = \"2s\"\nuntil = \"2s\"".into(),
            "2:1: fault.until is not after fault.from"),
        ("scenario = \"service\"\n[[fault]]\nkind = \"outage\"\nrate = 1\nfrom = \"1s\"\nuntil = \"2s\"".into(),
            "2:1: fault.rate has no meaning for \"outage\""),
        ("scenario = \"service\"\n[[fault]]\nkind = \"partition\"\nshare = 2\nfrom = \"1s\"\nuntil = \"2s\"".into(),
            "2:1: fault.share must be there, a number from 0 to 1"),
    ];
    let mut wrong = Vec::new();
    for (text, start) in cases {
        let found = complaint(&text);
        if !found.starts_with(start) {
            wrong.push(format!("{text:?}\n  found    {found}\n  expected {start}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kinds_come_first_wherever_they_stand() {
    let text = "scenario = \"service\"\n[load]\nthink = \"1s\"\nkind = \"closed\"\n[server]\neach = \"1ms\"\nkind = \"concurrent\"\n";
    let mut file = parse(text);
    let names: Vec<_> = file
        .scenario
        .values()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names.contains(&"load.think") && names.contains(&"server.each"));
    assert!(!names.contains(&"load.rate"));
}
