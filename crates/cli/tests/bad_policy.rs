//! Every bad policy file: exit code 2 and one message that points at the very value, in TOML and in JSON.

mod common;

use common::{Folder, evenkeel};

const TOML: &str = r#"[breaker]
window    = { count = 100 }
triggers  = [
  { kind = "consecutive", failures = 5 },
  { kind = "failure-rate", at_least = "50%", min_calls = 20 },
  { kind = "latency", quantile = "p99", above = "200ms", min_calls = 20 },
]
open      = { base = "1s", cap = "30s" }
half_open = { probe_timeout = "2s" }
"#;

const JSON: &str = r#"{
  "breaker": {
    "window": { "count": 100 },
    "triggers": [
      { "kind": "consecutive", "failures": 5 },
      { "kind": "failure-rate", "at_least": "50%", "min_calls": 20 },
      { "kind": "latency", "quantile": "p99", "above": "200ms", "min_calls": 20 }
    ],
    "open": { "base": "1s", "cap": "30s" },
    "half_open": { "probe_timeout": "2s" }
  }
}
"#;

/// The whole of stderr of `replay` and of `explain` (which must agree) after the file's name.
#[track_caller]
fn complaint(test: &str, ending: &str, content: &str) -> String {
    let folder = Folder::new(&format!("bad_policy_{test}_{ending}"));
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let policy = folder.file(&format!("p.{ending}"), content);
    let run = evenkeel(["replay", &trace, "--policy", &policy]);
    assert_eq!(run.stdout, "");
    run.complaint();
    assert_eq!(run.stderr, evenkeel(["explain", &policy]).stderr);
    let place = format!("error: {policy}");
    run.stderr
        .strip_prefix(&place)
        .expect("it starts with the file")
        .to_owned()
}

/// `original` with one part replaced must give `place`, `text` and carets under `marked`.
#[track_caller]
fn points_at(
    test: &str,
    original: &str,
    from: &str,
    to: &str,
    place: &str,
    text: &str,
    marked: &str,
) {
    assert_eq!(original.matches(from).count(), 1, "{from} stands once");
    let ending = if original == TOML { "toml" } else { "json" };
    let said = complaint(test, ending, &original.replace(from, to));
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some(format!(":{place}: {text}").as_str()));
    let (line, carets) = (lines.nth(1).unwrap_or(""), lines.next().unwrap_or(""));
    let under: String = line
        .chars()
        .zip(carets.chars())
        .filter(|(_, c)| *c == '^')
        .map(|(l, _)| l)
        .collect();
    assert_eq!(under, marked, "{said}");
    assert_eq!(lines.next(), None);
}

#[test]
fn a_mistyped_key_is_found_and_the_right_one_offered() {
    const EXPECTED: &str = "expected one of `kind`, `failures`, `slower_than`, `quantile`, `above`, `at_least`, \
                            `min_calls`: did you mean `min_calls`?";
    let text = format!("breaker.triggers[1]: found the unknown key `min_cals`, {EXPECTED}");
    let (from, to) = ("\"50%\", min_calls", "\"50%\", min_cals");
    points_at("typo", TOML, from, to, "5:46", &text, "min_cals");
    let (from, to) = ("\"50%\", \"min_calls\"", "\"50%\", \"min_cals\"");
    points_at("typo", JSON, from, to, "6:52", &text, "\"min_cals\"");
}

#[test]
fn a_mistyped_table_is_found_and_the_right_one_offered() {
    const EXPECTED: &str = "expected one of `breaker`, `backoff`, `retry`, `retry_ratio`, `retry_tokens`, \
                            `adaptive_throttle`, `reconnect`, `restart`, `health_probe`, `backoff_table`, \
                            `breaker_table`, `recovery_budget`";
    let text = &format!("found the unknown key `braeker`, {EXPECTED}: did you mean `breaker`?");
    points_at("table", TOML, "breaker", "braeker", "1:2", text, "braeker");
    points_at(
        "table",
        JSON,
        "breaker",
        "braeker",
        "2:3",
        text,
        "\"braeker\"",
    );
    // One that resembles nothing is refused without an offer.
    let said = complaint("metrics", "toml", &format!("{TOML}[metrics]\nlevel = 1\n"));
    assert!(
        said.starts_with(&format!(
            ":10:2: found the unknown key `metrics`, {EXPECTED}\n"
        )),
        "{said}"
    );
}

#[test]
fn min_calls_above_the_window() {
    let text = "breaker.triggers[1].min_calls is 200: it must be at most 100";
    points_at(
        "min_calls",
        TOML,
        "\"50%\", min_calls = 20 ",
        "\"50%\", min_calls = 200 ",
        "5:58",
        text,
        "200",
    );
    let (from, to) = (
        "\"50%\", \"min_calls\": 20 ",
        "\"50%\", \"min_calls\": 200 ",
    );
    points_at("min_calls", JSON, from, to, "6:65", text, "200");
}

#[test]
fn a_rate_of_200_percent() {
    let text = "breaker.triggers[1].at_least is 2: it must be at most 1";
    points_at("rate", TOML, "50%", "200%", "5:39", text, "\"200%\"");
    points_at("rate", JSON, "50%", "200%", "6:45", text, "\"200%\"");
}

#[test]
fn a_quantile_above_p100() {
    let text = "breaker.triggers[2].quantile: found \"p100.1\": quantile is 1001/1000: it must be at most 1";
    points_at(
        "quantile",
        TOML,
        "p99",
        "p100.1",
        "6:34",
        text,
        "\"p100.1\"",
    );
    points_at(
        "quantile",
        JSON,
        "p99",
        "p100.1",
        "7:40",
        text,
        "\"p100.1\"",
    );
}

#[test]
fn a_float_where_a_ratio_needs_quotes() {
    let text = "breaker.triggers[1].at_least: found floating point `0.5`, expected a ratio in quotes, such as \
                \"50%\", \"1/2\" or \"0.5\"";
    points_at("float", TOML, "\"50%\"", "0.5", "5:39", text, "0.5");
    points_at("float", JSON, "\"50%\"", "0.5", "6:45", text, "0.5");
}

#[test]
fn a_key_of_another_kind_comes_before_what_is_missing() {
    let text = "breaker.triggers[1].failures cannot be set here: the kind failure-rate has only the keys at_least and \
                min_calls; leave this key out or change the kind";
    let (from, to) = ("at_least = \"50%\", min_calls = 20", "failures = 5");
    points_at("foreign", TOML, from, to, "5:39", text, "5");
    let (from, to) = (
        "\"at_least\": \"50%\", \"min_calls\": 20",
        "\"failures\": 5",
    );
    points_at("foreign", JSON, from, to, "6:45", text, "5");
}

#[test]
fn a_missing_probe_timeout() {
    let text = "breaker.half_open.probe_timeout is missing: add it, it has no default";
    points_at(
        "probe",
        TOML,
        "probe_timeout = \"2s\"",
        "",
        "9:13",
        text,
        "{  }",
    );
    points_at(
        "probe",
        JSON,
        "\"probe_timeout\": \"2s\"",
        "",
        "10:18",
        text,
        "{  }",
    );
}

#[test]
fn values_of_another_kind_or_name() {
    let span = "breaker.open.base: found \"1 fortnight\": span cannot be read: expected a span such as \"250ms\", \
                \"1m30s\" or \"1.5s\"";
    points_at(
        "span",
        TOML,
        "\"1s\"",
        "\"1 fortnight\"",
        "8:22",
        span,
        "\"1 fortnight\"",
    );
    points_at(
        "span",
        JSON,
        "\"1s\"",
        "\"1 fortnight\"",
        "9:23",
        span,
        "\"1 fortnight\"",
    );
    let count =
        "breaker.window.count: found string \"100\", expected a whole number from 0 to 4294967295";
    points_at("count", TOML, "100", "\"100\"", "2:23", count, "\"100\"");
    points_at("count", JSON, "100", "\"100\"", "3:26", count, "\"100\"");
    let kind = "breaker.triggers[1].kind: found the unknown value `failure-rat`, expected one of `consecutive`, \
                `failures`, `failure-rate`, `slow-rate`, `latency`: did you mean `failure-rate`?";
    points_at(
        "kind",
        TOML,
        "failure-rate",
        "failure-rat",
        "5:12",
        kind,
        "\"failure-rat\"",
    );
    points_at(
        "kind",
        JSON,
        "failure-rate",
        "failure-rat",
        "6:17",
        kind,
        "\"failure-rat\"",
    );
}

#[test]
fn what_is_missing_points_at_the_table_that_lacks_it() {
    let text = "breaker.half_open is missing: add it, it has no default";
    let half_open = "half_open = { probe_timeout = \"2s\" }\n";
    points_at("half_open", TOML, half_open, "", "1:1", text, "[breaker]");
    let said = complaint(
        "half_open",
        "json",
        &JSON.replace(",\n    \"half_open\": { \"probe_timeout\": \"2s\" }", ""),
    );
    assert!(said.starts_with(&format!(":2:14: {text}\n")), "{said}");
}

#[test]
fn a_table_that_the_command_does_not_use_is_checked() {
    let said = complaint(
        "backoff",
        "toml",
        &format!("{TOML}[backoff]\nbase = \"1s\"\nfactor = \"1/2\"\n"),
    );
    assert!(
        said.starts_with(":12:10: backoff.factor is 1/2: it must be at least 1\n"),
        "{said}"
    );
    let json = JSON.replace(
        "{\n  \"breaker\"",
        "{\"backoff\": {\"base\": \"1s\", \"factor\": \"1/2\"},\n  \"breaker\"",
    );
    let said = complaint("backoff", "json", &json);
    assert!(
        said.starts_with(":1:38: backoff.factor is 1/2: it must be at least 1\n"),
        "{said}"
    );
}

#[test]
fn a_list_is_no_table() {
    let in_order = JSON.replace(
        "{ \"base\": \"1s\", \"cap\": \"30s\" }",
        "[\"1s\", null, null, \"30s\"]",
    );
    assert_ne!(in_order, JSON);
    let said = complaint("list_for_open", "json", &in_order);
    assert!(
        said.contains(": open: found a list, expected a table\n"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_far_too_large_is_not_read_as_a_policy() {
    let said = complaint("large", "toml", &"#".repeat((1 << 20) + 1));
    assert!(
        said.contains("expected a policy of at most 1048576"),
        "{said}"
    );
}

#[test]
fn a_message_cannot_command_the_terminal() {
    let said = complaint(
        "escape",
        "json",
        "{\"backoff\": {\"ba\\u001b[31mse\": \"1s\"}}",
    );
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn broken_syntax_comes_first() {
    let said = complaint("syntax", "toml", &TOML.replace("\"1s\"", "1s"));
    assert!(said.starts_with(":8:22: found broken TOML: "), "{said}");
    // Also where a mistake in the meaning stands before it.
    let said = complaint(
        "syntax",
        "json",
        &JSON.replace("50%", "200%").replace("\"1s\"", "1s"),
    );
    assert!(
        said.starts_with(":9:24: found broken JSON: expected `,` or `}`\n"),
        "{said}"
    );
    assert!(complaint("empty", "json", "").starts_with(":1:1: found broken JSON: "));
    let said = complaint("list", "json", "[1]");
    assert!(said.contains("found a list, expected a table"), "{said}");
    let said = complaint(
        "double",
        "json",
        &JSON.replace("\"cap\": \"30s\"", "\"cap\": \"3s\", \"cap\": \"3s\""),
    );
    assert!(
        said.starts_with(":9:42: breaker.open: found the key `cap` twice, expected it once"),
        "{said}"
    );
}

#[test]
fn replay_needs_a_breaker_and_explain_needs_anything() {
    let folder = Folder::new("no_breaker");
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let policy = folder.file("p.toml", "[backoff]\nbase = \"100ms\"\n");
    let run = evenkeel(["replay", &trace, "--policy", &policy]);
    let text =
        format!("{policy}:1:1: found no table [breaker], expected one: replay runs a breaker");
    assert!(run.complaint().starts_with(&text), "{}", run.stderr);
    evenkeel(["explain", &policy]).good();
    let empty = folder.file("empty.toml", "# nothing yet\n");
    let run = evenkeel(["explain", &empty]);
    let start =
        format!("{empty}:1:1: found no table, expected one of [breaker], [backoff], [retry]");
    let said = run.complaint();
    assert!(said.starts_with(&start), "{said}");
    assert!(
        said.ends_with("[recovery_budget]: there is nothing to explain"),
        "{said}"
    );
}

#[test]
fn files_that_are_no_policy_files_are_refused() {
    let folder = Folder::new("no_policy");
    let missing = folder.path("no-such.toml");
    assert!(
        evenkeel(["explain", &missing])
            .complaint()
            .starts_with(&format!("{missing}: cannot be opened: "))
    );
    let yaml = folder.file("p.yaml", "breaker: {}");
    let text = format!(
        "{yaml}: found a file of unknown format, expected a policy file whose name ends in .toml or .json"
    );
    assert_eq!(evenkeel(["explain", &yaml]).complaint(), text);
    let latin = folder.file("p.toml", b"# caf\xe9\n[breaker]\n");
    let text = format!(
        "{latin}:1:6: found bytes that are not UTF-8, expected UTF-8 text: convert the file"
    );
    assert_eq!(evenkeel(["explain", &latin]).complaint(), text);
}

#[test]
fn both_formats_say_the_same() {
    let folder = Folder::new("both_formats");
    let trace = folder.trace(
        "t.csv",
        "0,a,1,error 2,a,1,error 4,a,1,error 6,a,1,error 8,a,1,error 10,a,1,ok",
    );
    let of = |policy: &str| evenkeel(["replay", &trace, "--policy", policy, "--json"]).good();
    let toml = of(&folder.file("p.toml", TOML));
    assert_eq!(toml, of(&folder.file("p.json", JSON)));
    assert!(toml.contains("\"refused\":1"), "{toml}");
}
