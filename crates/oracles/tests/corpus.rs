//! Replays the fuzzer's checked-in inputs, and the crashes that it has left, on stable Rust.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use evenkeel_oracles::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The files of a folder, in the order of their names; none if there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder that can be read").path())
        .collect();
    files.sort();
    files
}

/// What is wrong with these inputs of a target, and how many there were.
fn broken(name: &str, target: fn(&[u8])) -> (Vec<String>, usize) {
    let mut inputs = files(&fuzz().join("corpus").join(name));
    inputs.extend(files(&fuzz().join("artifacts").join(name)));
    let mut broken = Vec::new();
    for path in &inputs {
        let data = fs::read(path).expect("a file that can be read");
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| target(&data))) {
            let text = payload
                .downcast_ref::<String>()
                .map_or("it panicked", String::as_str);
            broken.push(format!("{}:\n{text}", path.display()));
        }
    }
    (broken, inputs.len())
}

#[test]
fn every_input_of_the_corpora_passes() {
    for (name, target) in TARGETS {
        let (broken, inputs) = broken(name, *target);
        println!("{name}: {inputs} inputs");
        assert!(inputs > 0, "no input for {name}: see `just fuzz-keep`");
        assert!(broken.is_empty(), "{}", broken.join("\n\n"));
    }
}

#[test]
fn every_target_is_fuzzed() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stem = |path: &PathBuf| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    let programs: BTreeSet<String> = files(&fuzz().join("fuzz_targets"))
        .iter()
        .filter_map(stem)
        .collect();
    assert_eq!(
        programs, names,
        "fuzz_targets and evenkeel_oracles::TARGETS"
    );
    let corpora: BTreeSet<String> = files(&fuzz().join("corpus"))
        .iter()
        .filter_map(stem)
        .collect();
    assert_eq!(
        corpora, names,
        "folders of fuzz/corpus and evenkeel_oracles::TARGETS"
    );
    for name in &names {
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs")))
            .expect("it was listed");
        assert!(
            program.contains(&format!("targets::{name}(data)")),
            "{name} runs another target"
        );
    }
}

#[test]
fn the_corpora_stay_small() {
    let inputs = TARGETS
        .iter()
        .map(|(name, _)| files(&fuzz().join("corpus").join(name)));
    let mut bytes = 0;
    for inputs in inputs {
        assert!(inputs.len() < 30, "{} inputs: {inputs:?}", inputs.len());
        bytes += inputs
            .iter()
            .map(|path| fs::metadata(path).expect("it was listed").len())
            .sum::<u64>();
    }
    assert!(
        bytes < 200_000,
        "{bytes} bytes: who clones the project has to carry them"
    );
}
