//! The example `own_world`: what docs/simulators.md shows of it is what it is, and what the page says is so for other
//! seeds, too.

use std::fs;
use std::path::Path;

use evenkeel_core::breaker::Mode;

#[path = "../examples/own_world/client.rs"]
mod client;
#[path = "../examples/own_world/server.rs"]
mod server;
#[path = "../examples/own_world/world.rs"]
mod world;

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/simulators.md");
    fs::read_to_string(page).expect("a page of the project")
}

#[test]
fn the_table_is_the_one_of_the_page() {
    let table = world::table(7).expect("a policy that can be");
    assert!(page().contains(&format!("```text\n{table}```")), "{table}");
}

#[test]
fn the_server_and_the_client_are_those_of_the_page() {
    let sources = [
        include_str!("../examples/own_world/server.rs"),
        include_str!("../examples/own_world/client.rs"),
    ];
    let page = page();
    for source in sources {
        let begins = source.find("\n/// ").expect("an item with a comment") + 1;
        let shown = &source[begins..];
        assert!(page.contains(&format!("\n{shown}```")), "{shown}");
    }
}

#[test]
fn both_ways_the_same_calls_are_wanted_and_a_breaker_spares_two_in_five_of_those_in_vain() {
    for seed in 100..105 {
        let [alone, breaker] = [Mode::ForcedClosed, Mode::Normal]
            .map(|mode| world::run(seed, mode).expect("a policy that can be"));
        assert_eq!(alone.wanted, breaker.wanted, "seed {seed}");
        assert_eq!(
            (alone.held_back, alone.answered),
            (0, 12_500),
            "seed {seed}"
        );
        let in_vain = |counts: world::Counts| counts.sent - counts.answered;
        assert!(in_vain(breaker) * 5 < in_vain(alone) * 3, "seed {seed}");
        assert!(breaker.answered * 100 > alone.answered * 93, "seed {seed}");
    }
}
