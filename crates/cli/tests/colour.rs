//! Colours: on a terminal, in a pipe only where one asks for them, and never where NO_COLOR is set.

mod common;

use common::{Folder, of_repository};

/// Whether stdout and stderr of a run are coloured. A pipe is no terminal.
fn coloured(args: &[&str], environment: &[(&str, &str)]) -> [bool; 2] {
    let mut command = common::command();
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    let output = command.args(args).output().expect("the binary starts");
    [output.stdout, output.stderr].map(|bytes| bytes.contains(&0x1b))
}

#[test]
fn what_is_printed_is_coloured_as_asked() {
    let policy = of_repository("docs/policies/http-client.toml");
    let trace = of_repository("docs/traces/outage.csv");
    let journal = of_repository("docs/journals/checkout.jsonl");
    let commands: [&[&str]; 3] = [
        &["explain", &policy],
        &["replay", &trace, "--policy", &policy],
        &["journal", "show", &journal, "--changes"],
    ];
    for command in commands {
        let run = |more: &[&str], environment: &[(&str, &str)]| {
            coloured(&[command, more].concat(), environment)
        };
        assert_eq!(run(&[], &[]), [false; 2], "{command:?}");
        assert_eq!(
            run(&["--color", "always"], &[]),
            [true, false],
            "{command:?}"
        );
        assert_eq!(
            run(&[], &[("CLICOLOR_FORCE", "1")]),
            [true, false],
            "{command:?}"
        );
        let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
        assert_eq!(run(&[], &both), [false; 2], "{command:?}");
        // What is said now goes before what was set for all programs.
        assert_eq!(
            run(&["--color", "always"], &[("NO_COLOR", "1")]),
            [true, false]
        );
        assert_eq!(
            run(&["--color=never"], &[("CLICOLOR_FORCE", "1")]),
            [false; 2]
        );
    }
}

#[test]
fn an_error_is_coloured_as_asked() {
    let folder = Folder::new("colour_error");
    let policy = folder.file("p.toml", "[breaker]\nwindwo = 5\n");
    let run = |more: &[&str]| coloured(&[&["explain", &policy], more].concat(), &[]);
    assert_eq!(run(&[]), [false; 2]);
    assert_eq!(run(&["--color", "always"]), [false, true]);
    assert_eq!(run(&["--colour", "always"]), [false, true]);
}
