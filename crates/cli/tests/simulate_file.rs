//! `evenkeel simulate FILE.toml`: what a scenario file says holds unless the command line says otherwise; its mistakes.

mod common;

use common::{Folder, Run, evenkeel, of_repository};
use serde_json::Value;

const FILE: &str = "\
scenario = \"contending-writers\"
runs     = 4
seed     = 9

[params]
clients   = 6
algorithm = \"equal\"
";

fn simulate(file: &str, args: &[&str]) -> Run {
    evenkeel(["simulate", file].iter().chain(args))
}

fn json(file: &str, args: &[&str]) -> Value {
    let text = evenkeel(["simulate", file, "--json"].iter().chain(args)).good();
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn the_command_line_beats_the_file() {
    let folder = Folder::new("simulate_file");
    let file = folder.file("s.toml", FILE);
    let said = json(&file, &[]);
    assert_eq!((&said["runs"], &said["seed"]), (&4.into(), &9.into()));
    assert_eq!(
        said["params"],
        serde_json::json!({"clients": 6, "algorithm": "equal"})
    );
    let args = [
        "--runs",
        "3",
        "--seed",
        "1",
        "--set",
        "clients=7",
        "--set",
        "algorithm=equal",
    ];
    let text = evenkeel(["simulate", &file, "--json"].iter().chain(&args)).good();
    let built_in = evenkeel(
        ["simulate", "contending-writers", "--json"]
            .iter()
            .chain(&args),
    )
    .good();
    assert_eq!(text, built_in, "the file leaves no trace");
}

#[test]
fn each_side_of_a_comparison_has_its_own_runs_and_seed() {
    let folder = Folder::new("simulate_file_sides");
    let [a, b] = [FILE, &FILE.replace("seed     = 9", "seed = 8")]
        .map(|text| folder.file(if text == FILE { "a.toml" } else { "b.toml" }, text));
    let text = evenkeel(["simulate", "--compare", &a, &b, "--json"]).good();
    let alone = [&a, &b].map(|file| simulate(file, &["--json"]).good());
    assert_eq!(text, alone.concat());
    let text = evenkeel(["simulate", "--compare", &a, &b]).good();
    assert!(
        text.contains("4 runs with seed 9, 4 runs with seed 8 each"),
        "{text}"
    );
}

/// Policies of one's own: which table is used, and which only checked, is said.
#[test]
fn a_file_may_hold_policies() {
    let folder = Folder::new("simulate_file_policies");
    let text = "scenario = \"metastable\"\nruns = 1\n[params]\nclients = 20\nrate = 80\ncapacity = 100\nroom = 100\n\
                seconds = 45\n[retry]\nmax_attempts = 2\nbackoff = { base = \"10ms\" }\n\
                attempt_timeout = \"500ms\"\n";
    let file = folder.file("m.toml", text);
    let amplification = &json(&file, &[])["metrics"]["amplification"]["max"];
    let amplification = amplification.as_f64().expect("a number");
    assert!(
        amplification > 1.0 && amplification <= 2.0,
        "{amplification}"
    );
    // It is said, though there is no default to tell it from.
    let text_of_it = simulate(&file, &[]).good();
    let row = text_of_it
        .lines()
        .find(|line| line.starts_with("  retry_policy "))
        .expect("the policy");
    assert!(row.contains("{\"max_attempts\":2,"), "{text_of_it}");
    let unused = folder.file(
        "u.toml",
        format!("{text}[reconnect]\nconnect_timeout = \"1s\"\nbackoff = {{ base = \"1s\" }}\n"),
    );
    let run = simulate(&unused, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        format!(
            "note: {unused}: metastable has no machine for [reconnect]: checked, but not used\n"
        )
    );
}

#[test]
fn mistakes_point_at_their_place() {
    let folder = Folder::new("simulate_file_mistakes");
    let complaint = |text: &str| {
        let file = folder.file("s.toml", text);
        let run = simulate(&file, &[]);
        let said = run.complaint();
        let excerpt = run.stderr.lines().count();
        assert!(excerpt >= 3, "with the line: {}", run.stderr);
        said.strip_prefix(&format!("{file}:"))
            .expect(said)
            .to_owned()
    };
    let changed = |from: &str, to: &str| {
        assert!(FILE.contains(from), "{from}");
        complaint(&FILE.replace(from, to))
    };
    assert!(changed("contending-writers", "contending").starts_with("1:12: "));
    assert!(changed("seed ", "sead ").starts_with("3:1: "));
    assert!(changed("clients  ", "client   ").starts_with("6:1: "));
    assert!(changed("= 6", "= 0").starts_with("6:13: "));
    assert!(changed("= 6", "= ").starts_with("6:"));
    assert!(changed("runs     = 4", "runs = 0").starts_with("2:8: "));
    assert!(changed("runs     = 4", "runs = 1000001").starts_with("2:8: "));
    let broken = folder.file("bytes.toml", b"scenario = \"\xff\"");
    assert!(
        simulate(&broken, &[])
            .complaint()
            .starts_with(&format!("{broken}:1:13: found bytes that are not UTF-8"))
    );
    let nowhere = folder.path("nowhere.toml");
    assert!(
        simulate(&nowhere, &[])
            .complaint()
            .starts_with(&format!("{nowhere}: cannot be opened: "))
    );
}

/// Each published file runs, with its traces found beside it wherever the program is started.
#[test]
fn the_files_of_the_docs_run() {
    let folder = std::fs::read_dir(of_repository("docs/scenarios")).expect("the folder is there");
    let mut files = 0;
    for entry in folder {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let said = json(path.to_str().expect("UTF-8"), &["--runs", "1"]);
            assert_eq!(said["runs"], 1, "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 8, "{files}");
}
