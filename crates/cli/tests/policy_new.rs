//! `evenkeel policy new`: what it writes is a policy that `explain` and `replay` take, and it overwrites nothing.

mod common;

use common::{Folder, TABLES, evenkeel, of_repository, replay_json};

/// The tables of a policy, without those inside others.
fn tables(policy: &str) -> Vec<&str> {
    let headers = policy.lines().filter_map(|line| line.strip_prefix('['));
    let names = headers.filter_map(|header| header.strip_suffix(']'));
    names.filter(|name| !name.contains(['.', '['])).collect()
}

#[test]
fn the_usual_policy_is_explained_and_replayed() {
    let folder = Folder::new("policy_new");
    let path = folder.path("policy.toml");
    let said = evenkeel(["policy", "new", "--out", &path]).good();
    assert!(said.starts_with(&format!("{path}: ")), "{said}");
    let written = folder.read("policy.toml");
    assert_eq!(written, evenkeel(["policy", "new"]).good());
    assert_eq!(tables(&written), ["breaker", "retry", "retry_ratio"]);
    let explained = evenkeel(["explain", &path]).good();
    for part in ["BREAKER ═", "RETRY ═", "RETRY RATIO ═"] {
        assert!(explained.contains(part), "{part} in {explained}");
    }
    let summary = replay_json(
        &of_repository("docs/traces/outage.csv"),
        &path,
        &["--per-key"],
    );
    assert!(
        summary["refused"].as_u64() > Some(0),
        "the outage opens it: {summary}"
    );
}

#[test]
fn each_table_is_a_policy_alone_and_with_all_others() {
    let folder = Folder::new("policy_new_tables");
    for table in TABLES {
        let text = evenkeel(["policy", "new", table]).good();
        assert_eq!(tables(&text), [table]);
        evenkeel(["explain", &folder.file("p.toml", text)]).good();
    }
    let backwards = ["policy", "new"]
        .into_iter()
        .chain(TABLES.into_iter().rev());
    let text = evenkeel(backwards).good();
    assert_eq!(tables(&text), TABLES, "in the order of the reference");
    evenkeel(["explain", &folder.file("all.toml", text)]).good();
}

#[test]
fn a_file_is_replaced_only_when_told() {
    let folder = Folder::new("policy_new_there");
    let path = folder.file("p.toml", "mine");
    let run = evenkeel(["policy", "new", "--out", &path]);
    let expected =
        format!("{path}: is there already: choose another name, or say --force to replace it");
    assert_eq!(
        (run.complaint(), run.stdout.as_str()),
        (expected.as_str(), "")
    );
    assert_eq!(folder.read("p.toml"), "mine");
    evenkeel(["policy", "new", "--out", &path, "--force"]).good();
    assert_eq!(tables(&folder.read("p.toml")).len(), 3);
}

/// Who reads the page of policies finds the same there: each key of a starter is on it.
#[test]
fn the_reference_has_the_keys_of_the_starters() {
    let read = |page| std::fs::read_to_string(of_repository(page)).expect("the page is there");
    let reference = read("docs/policy.md") + &read("docs/policy-more.md");
    let mut keys = 0;
    for table in TABLES {
        for line in evenkeel(["policy", "new", table]).good().lines() {
            let key = line.trim_start_matches("#:").split_once(" = ");
            let Some((key, _)) = key.filter(|_| !line.starts_with("# ")) else {
                continue;
            };
            assert!(reference.contains(&format!("`{key}`")), "[{table}] {key}");
            keys += 1;
        }
    }
    assert!(keys > 80, "{keys}");
}
