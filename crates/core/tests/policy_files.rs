//! Policy files: what DESIGN section 6 shows reads as it says, and what is wrong is refused with the field and the fix.
#![cfg(feature = "serde")]

use core::time::Duration;
use std::fs;
use std::path::Path;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use serde::de::DeserializeOwned;
use toml::Table;

/// The example of DESIGN section 6.
const EXAMPLE: &str = r#"
[breaker]
window   = { count = 100 }                      # or { span = "10s", slices = 10 }
triggers = [
  { kind = "consecutive",  failures = 5 },
  { kind = "failure-rate", at_least = "50%", min_calls = 20 },
  { kind = "slow-rate",    slower_than = "200ms", at_least = "50%", min_calls = 20 },
  { kind = "latency",      quantile = "p99", above = "200ms", min_calls = 100 },
]
open      = { base = "1s", cap = "60s", factor = "2", jitter = "equal", calm_after = "60s" }
half_open = { max_in_flight = 3, trials = 5, successes = 4, probe_timeout = "5s" }
ramp      = "10s"                               # optional

[backoff]
growth = "exponential"                          # constant | linear (with step) | exponential (with factor)
base = "100ms"
cap = "30s"
factor = "2"
jitter = "full"                                 # none | full | equal | decorrelated | { spread = "20%" }
max_retries = 5                                 # optional
max_total_wait = "2m"                           # optional
"#;

fn table<T: DeserializeOwned>(text: &str, name: &str) -> T {
    let file: Table = toml::from_str(text).expect("TOML");
    let table = file.get(name).cloned().expect("a table");
    table.try_into().expect("a policy")
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

fn backoff(text: &str) -> Result<BackoffPolicy, String> {
    read(text)
}

/// A breaker that is right but for `text`, which replaces the keys that it gives.
fn breaker(text: &str) -> Result<BreakerPolicy, String> {
    let defaults = [
        (
            "triggers",
            "triggers = [{ kind = 'consecutive', failures = 5 }]",
        ),
        ("open", "open = { base = '1s' }"),
        ("half_open", "half_open = { probe_timeout = '5s' }"),
    ];
    let given = |key: &str| text.lines().any(|line| line.starts_with(key));
    let mut whole = text.to_owned();
    for (key, line) in defaults {
        if !given(key) {
            whole = format!("{whole}\n{line}");
        }
    }
    read(&whole)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const MS_200: Duration = Duration::from_millis(200);

#[test]
fn the_breaker_of_the_design_reads_as_it_says() {
    let policy: BreakerPolicy = table(EXAMPLE, "breaker");
    let (half, min_calls) = (Ratio::percent(50), 20);
    let triggers: Vec<_> = policy.triggers().collect();
    assert_eq!(
        triggers,
        [
            Trigger::Consecutive { failures: 5 },
            Trigger::FailureRate {
                at_least: half,
                min_calls
            },
            Trigger::SlowRate {
                slower_than: MS_200,
                at_least: half,
                min_calls
            },
            Trigger::Latency {
                quantile: "p99".parse().unwrap(),
                above: MS_200,
                min_calls: 100
            },
        ]
    );
    assert_eq!(policy.window(), Some(Window::Count { calls: 100 }));
    let open = policy.open();
    assert_eq!(
        (open.base(), open.cap(), open.jitter()),
        (secs(1), Some(secs(60)), Jitter::Equal)
    );
    assert_eq!(open.growth(), Growth::Exponential { factor: Ratio::TWO });
    assert_eq!(policy.calm_after(), Some(secs(60)));
    assert_eq!(
        (policy.max_in_flight(), policy.trials(), policy.successes()),
        (3, 5, 4)
    );
    assert_eq!(
        (policy.probe_timeout(), policy.ramp()),
        (secs(5), Some(secs(10)))
    );
    assert_eq!(policy.slow_limit(), Some(MS_200));
}

#[test]
fn the_backoff_of_the_design_reads_as_it_says() {
    let policy: BackoffPolicy = table(EXAMPLE, "backoff");
    let built = BackoffPolicy::builder(Duration::from_millis(100))
        .cap(secs(30))
        .jitter(Jitter::Full)
        .max_retries(5)
        .max_total_wait(secs(120))
        .build();
    assert_eq!(Ok(policy), built);
}

#[test]
fn json_is_read_as_toml_is() {
    let json = r#"{ "window": { "span": "10s", "slices": 10 },
        "triggers": [{ "kind": "failures", "failures": 7 }],
        "open": { "base": 1000000000 }, "half_open": { "probe_timeout": "5s" } }"#;
    let policy: BreakerPolicy = serde_json::from_str(json).expect("a policy");
    let (span, slices) = (secs(10), 10);
    assert_eq!(policy.window(), Some(Window::Time { span, slices }));
    let base = policy.open().base();
    assert_eq!(base, secs(1), "whole numbers are nanoseconds");
}

#[test]
fn what_is_left_out_of_a_breaker_has_its_stated_default() {
    let policy = breaker("open = { base = '1s', cap = '9s' }").expect("a policy");
    assert_eq!(
        (policy.ramp(), policy.calm_after(), policy.window()),
        (None, None, None)
    );
    assert_eq!(policy.advisory_cap(), secs(9), "the cap");
    assert!(!policy.until_healthy());
    assert_eq!(
        policy.open().growth(),
        Growth::Exponential { factor: Ratio::TWO }
    );
    assert_eq!(policy.open().jitter(), Jitter::Equal);
    assert_eq!(
        (policy.max_in_flight(), policy.trials(), policy.successes()),
        (1, 1, 1)
    );
    assert_eq!(breaker("").expect("a policy").open().cap(), None);
    let trials = breaker("half_open = { probe_timeout = '5s', trials = 7 }").expect("a policy");
    assert_eq!(trials.successes(), 7, "all trials");
}

#[test]
fn the_least_breaker_is_the_same_in_a_file_and_in_rust() {
    let open = BackoffPolicy::builder(secs(1));
    let in_rust = BreakerPolicy::builder(open, secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build();
    assert_eq!(in_rust.map_err(|error| error.to_string()), breaker(""));
}

#[test]
fn only_the_base_of_a_backoff_is_required() {
    let policy = backoff("base = '1s'").expect("a policy");
    assert_eq!(Ok(policy), BackoffPolicy::builder(secs(1)).build());
    assert_eq!((policy.cap(), policy.jitter()), (None, Jitter::Full));
    assert_eq!(policy.growth(), Growth::Exponential { factor: Ratio::TWO });
    assert_eq!(
        (policy.max_retries(), policy.max_total_wait()),
        (None, None)
    );
    assert_eq!(backoff("").unwrap_err(), "missing field `base`");
}

#[test]
fn every_growth_and_jitter_has_its_name() {
    let growth = |text: &str| {
        backoff(&format!("base = '1s'\n{text}"))
            .expect(text)
            .growth()
    };
    assert_eq!(growth("growth = 'constant'"), Growth::Constant);
    let linear = growth("growth = 'linear'\nstep = '5ms'");
    let step = Duration::from_millis(5);
    assert_eq!(linear, Growth::Linear { step });
    let factor = Ratio::new(3, 2).unwrap();
    assert_eq!(
        growth("growth = 'exponential'\nfactor = '1.5'"),
        Growth::Exponential { factor }
    );
    assert_eq!(growth("factor = '150%'"), Growth::Exponential { factor });
    let jitter = |text: &str| {
        backoff(&format!("base = '1s'\njitter = {text}"))
            .expect(text)
            .jitter()
    };
    let spread = Jitter::Spread(Ratio::percent(20));
    for (name, expected) in [
        ("'none'", Jitter::None),
        ("'full'", Jitter::Full),
        ("'equal'", Jitter::Equal),
        ("'decorrelated'", Jitter::Decorrelated),
        ("{ spread = '20%' }", spread),
    ] {
        assert_eq!(jitter(name), expected, "{name}");
    }
}

#[test]
fn ratios_and_quantiles_are_read_in_every_form() {
    let trigger = |text: &str| {
        let policy = breaker(&format!(
            "window = {{ count = 100 }}\ntriggers = [{{ {text}, min_calls = 1 }}]"
        ));
        policy.expect(text).triggers().next().expect("a trigger")
    };
    let half = Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls: 1,
    };
    for form in ["50%", "1/2", "0.5"] {
        let rate = trigger(&format!("kind = 'failure-rate', at_least = '{form}'"));
        assert_eq!(rate, half);
    }
    for form in ["p99.9", "0.999", "999/1000"] {
        let Trigger::Latency {
            quantile, above, ..
        } = trigger(&format!(
            "kind = 'latency', quantile = '{form}', above = 200000000"
        ))
        else {
            panic!("another trigger");
        };
        assert_eq!((quantile.rank(1000), above), (Some(999), MS_200));
    }
}

#[test]
fn an_unknown_key_is_refused_wherever_it_stands() {
    let expected = "unknown field `bas`, expected one of `growth`, `base`, `step`, `factor`, `cap`, `jitter`, `max_retries`, `max_total_wait`";
    assert_eq!(backoff("base = '1s'\nbas = 1").unwrap_err(), expected);
    for text in [
        "rampp = '1s'",
        "window = { count = 5, size = 5 }",
        "triggers = [{ kind = 'consecutive', failures = 5, fail = 1 }]",
        "open = { base = '1s', max_retries = 3 }",
        "half_open = { probe_timeout = '5s', timeout = '5s' }",
    ] {
        let error = breaker(text).expect_err(text);
        assert!(error.starts_with("unknown field `"), "{text}: {error}");
    }
}

#[test]
fn what_a_backoff_file_says_wrong_is_named_with_its_fix() {
    for (text, expected) in [
        (
            "base = '1'",
            r#"found "1": span cannot be read: expected a span such as "250ms", "1m30s" or "1.5s""#,
        ),
        (
            "base = -1",
            r#"invalid value: integer `-1`, expected a span such as "250ms", or a whole number of nanoseconds"#,
        ),
        (
            "base = 1.5",
            r#"invalid type: floating point `1.5`, expected a span such as "250ms", or a whole number of nanoseconds"#,
        ),
        (
            "base = '1s'\nfactor = '1/0'",
            r#"found "1/0": ratio cannot be read: expected a ratio such as "50%", "1/2" or "0.5", of at most 9 decimals"#,
        ),
        (
            "base = '1s'\nfactor = 1.5",
            r#"invalid type: floating point `1.5`, expected a ratio in quotes, such as "50%", "1/2" or "0.5""#,
        ),
        (
            "base = '1s'\njitter = 'ful'",
            "unknown variant `ful`, expected one of `none`, `full`, `equal`, `decorrelated`, `spread`",
        ),
        (
            "base = '1s'\njitter = { spread = '120%' }",
            "backoff.jitter.spread is 6/5: it must be at most 1",
        ),
        (
            "base = '1s'\ngrowth = 'cubic'",
            "unknown variant `cubic`, expected one of `constant`, `linear`, `exponential`",
        ),
        (
            "base = '1s'\ngrowth = 'linear'",
            r#"backoff.step is missing: linear growth needs a step, such as "100ms""#,
        ),
        (
            "base = '1s'\nstep = '1s'",
            "backoff.step cannot be set here: only linear growth has a step; leave it out",
        ),
        (
            "base = '1s'\ngrowth = 'constant'\nfactor = '2'",
            "backoff.factor cannot be set here: only exponential growth has a factor; leave it out",
        ),
        (
            "base = '1s'\nfactor = '1/2'",
            "backoff.factor is 1/2: it must be at least 1",
        ),
        (
            "base = '1s'\ncap = '200000d'",
            "backoff.cap is 200000d: it must be at most 4611686018427387904ns",
        ),
    ] {
        assert_eq!(backoff(text).expect_err(text), expected, "{text}");
    }
}

/// Wrong triggers, windows and ramps.
const WRONG_WHOLE: &[(&str, &str)] = &[
    (
        "triggers = []",
        "breaker.triggers is missing: give at least one, or the breaker never opens",
    ),
    (
        "triggers = [{ kind = 'often' }]",
        "unknown variant `often`, expected one of `consecutive`, `failures`, `failure-rate`, `slow-rate`, `latency`",
    ),
    (
        "triggers = [{ kind = 'consecutive' }]",
        "breaker.triggers[0].failures is missing: a trigger of this kind needs it",
    ),
    (
        "triggers = [{ kind = 'consecutive', failures = 5, min_calls = 3 }]",
        "breaker.triggers[0].min_calls cannot be set here: the kind consecutive has only the key failures; leave this key out or change the kind",
    ),
    (
        "triggers = [{ kind = 'consecutive', failures = 0 }]",
        "breaker.triggers[0].failures is 0: it must be at least 1",
    ),
    (
        "triggers = [{ kind = 'failures', failures = 6 }]",
        "breaker.window is missing: a trigger looks at it; give a count of calls, or a span and slices",
    ),
    (
        "window = { count = 0 }",
        "breaker.window.count is 0: it must be at least 1",
    ),
    (
        "window = { count = 65537 }",
        "breaker.window.count is 65537: it must be at most 65536",
    ),
    (
        "window = { count = 5, span = '1s' }",
        "breaker.window.count cannot be set here: a window is either a count of calls, or a span and slices; leave one out",
    ),
    (
        "window = { span = '10s' }",
        "breaker.window.slices is missing: say into how many slices the span is cut, such as slices = 10",
    ),
    (
        "window = { slices = 10 }",
        "breaker.window.span is missing: say how long the slices last together, such as span = \"10s\"",
    ),
    (
        "open = { base = '1s', cap = '0s' }",
        "breaker.open.cap is 0: it must be above 0",
    ),
    (
        "window = { span = '10s', slices = 7 }",
        "breaker.window.span conflicts with slices: make the span a whole multiple of the number of slices",
    ),
    (
        "window = { span = '10s', slices = 1025 }",
        "breaker.window.slices is 1025: it must be at most 1024",
    ),
];

/// Wrong open waits and probations.
const WRONG_PARTS: &[(&str, &str)] = &[
    (
        "open = { base = '0s' }",
        "breaker.open.base is 0: it must be above 0",
    ),
    (
        "open = { base = '1s', factor = '1/2' }",
        "breaker.open.factor is 1/2: it must be at least 1",
    ),
    (
        "open = { base = '1s', growth = 'linear' }",
        r#"breaker.open.step is missing: linear growth needs a step, such as "100ms""#,
    ),
    (
        "open = { base = '1s', calm_after = '0s' }",
        "breaker.open.calm_after is 0: it must be above 0",
    ),
    ("half_open = {}", "missing field `probe_timeout`"),
    (
        "half_open = { probe_timeout = '0s' }",
        "breaker.half_open.probe_timeout is 0: it must be above 0",
    ),
    (
        "half_open = { probe_timeout = '5s', trials = 2, successes = 3 }",
        "breaker.half_open.successes is 3: it must be at most 2",
    ),
    (
        "half_open = { probe_timeout = '5s', max_in_flight = 1025 }",
        "breaker.half_open.max_in_flight is 1025: it must be at most 1024",
    ),
    ("ramp = '0s'", "breaker.ramp is 0: it must be above 0"),
];

#[test]
fn what_a_breaker_file_says_wrong_is_named_with_its_fix() {
    for (text, expected) in WRONG_WHOLE.iter().chain(WRONG_PARTS) {
        assert_eq!(&breaker(text).expect_err(text), expected, "{text}");
    }
}

#[test]
fn what_a_trigger_says_wrong_is_named_with_its_place_in_the_list() {
    let second = |text: &str| {
        let triggers =
            format!("triggers = [{{ kind = 'consecutive', failures = 5 }}, {{ {text} }}]");
        breaker(&format!("window = {{ count = 5 }}\n{triggers}")).expect_err(text)
    };
    for (text, expected) in [
        (
            "kind = 'failure-rate', at_least = '200%', min_calls = 1",
            "breaker.triggers[1].at_least is 2: it must be at most 1",
        ),
        (
            "kind = 'failure-rate', at_least = '0%', min_calls = 1",
            "breaker.triggers[1].at_least is 0: it must be above 0",
        ),
        (
            "kind = 'failure-rate', at_least = '50%', min_calls = 6",
            "breaker.triggers[1].min_calls is 6: it must be at most 5",
        ),
        (
            "kind = 'failures', failures = 6",
            "breaker.triggers[1].failures is 6: it must be at most 5",
        ),
        (
            "kind = 'latency', quantile = 'p99', min_calls = 1",
            "breaker.triggers[1].above is missing: a trigger of this kind needs it",
        ),
        (
            "kind = 'failure-rate', failures = 5",
            "breaker.triggers[1].failures cannot be set here: the kind failure-rate has only the keys at_least and min_calls; leave this key out or change the kind",
        ),
        (
            "kind = 'latency', quantile = 'p100.1', above = '1s', min_calls = 1",
            r#"found "p100.1": quantile is 1001/1000: it must be at most 1"#,
        ),
        (
            "kind = 'slow-rate', slower_than = '200000d', at_least = '1/2', min_calls = 1",
            "breaker.triggers[1].slower_than is 200000d: it must be at most 4611686018427387904ns",
        ),
    ] {
        assert_eq!(second(text), expected, "{text}");
    }
    let five = "{ kind = 'consecutive', failures = 5 }, ".repeat(5);
    let error = breaker(&format!("triggers = [{five}]")).unwrap_err();
    assert_eq!(
        error,
        "invalid length 5, expected a list of one to four triggers"
    );
}

#[test]
fn the_policies_that_come_with_the_project_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies");
    for file in fs::read_dir(folder).expect("docs/policies") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        let file: Table = toml::from_str(&text).expect("TOML");
        for (name, table) in file {
            let read = match name.as_str() {
                "breaker" => table.try_into::<BreakerPolicy>().map(drop),
                "backoff" => table.try_into::<BackoffPolicy>().map(drop),
                _ => Ok(()),
            };
            read.expect(&name);
        }
    }
}
