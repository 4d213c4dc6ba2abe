//! The example `simulator`: one seed is one minute, its table is the one of docs/simulators.md, and what the page says of
//! it is so for other seeds, too.

use std::fs;
use std::path::Path;

#[path = "../examples/simulator/server.rs"]
mod server;
#[path = "../examples/simulator/table.rs"]
mod table;
#[path = "../examples/simulator/world.rs"]
mod world;

#[test]
fn the_table_is_the_one_of_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulators.md");
    let page = fs::read_to_string(page).expect("a page of the project");
    let table = table::compare(7).expect("policies that can be");
    assert!(page.contains(&format!("```text\n{table}```")), "{table}");
}

#[test]
fn the_same_seed_twice_is_the_same_bytes() {
    let text = |seed| table::compare(seed).expect("policies that can be");
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
}

#[test]
fn retries_alone_never_recover_and_breakers_do_at_once() {
    for seed in 100..105 {
        let [alone, budget, breaker, both] = table::VARIANTS.map(|(_, variant)| {
            table::recovery(&world::run(seed, variant).expect("policies that can be"))
        });
        assert_eq!(alone, None, "seed {seed}");
        assert!(budget.is_some_and(|seconds| seconds <= 25), "seed {seed}");
        assert!(breaker.is_some_and(|seconds| seconds <= 8), "seed {seed}");
        assert!(both.is_some_and(|seconds| seconds <= 8), "seed {seed}");
    }
}
