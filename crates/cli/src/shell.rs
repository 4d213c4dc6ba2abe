//! What shells and `man` read of the command line: completions and man pages, made from the same commands as the help.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::{Ended, near, output};

/// Prints the script for a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Ended> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Prints one page, or writes all.
pub(crate) fn man(args: &ManArgs) -> Result<Ended> {
    let mut whole = Cli::command().disable_help_subcommand(true);
    // Gives each command its whole name, such as evenkeel-journal-show.
    whole.build();
    match &args.out {
        Some(folder) => write_all(&whole, folder),
        None => print(&page(called(&whole, &args.command)?)?),
    }
}

/// The command of these words.
fn called<'c>(whole: &'c Command, words: &[String]) -> Result<&'c Command> {
    words.iter().try_fold(whole, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let hint = near::hint(word, names.iter().copied());
            let expected = match names.is_empty() {
                true => "nothing after it".to_owned(),
                false => format!("one of {}", names.join(", ")),
            };
            let of = command.get_bin_name().unwrap_or("evenkeel");
            anyhow!("{of} has no command {word}, expected {expected}{hint}")
        })
    })
}

fn write_all(command: &Command, folder: &Path) -> Result<Ended> {
    for inner in command.get_subcommands() {
        write_all(inner, folder)?;
    }
    let name = Man::new(command.clone()).get_filename();
    let path = folder.join(name);
    output::check(&[&path], &[])?;
    output::write(&path, &String::from_utf8_lossy(&page(command)?))?;
    Ok(Ended::Well)
}

/// The page of a command. Its examples stand line by line, as in the help.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let source = format!("evenkeel {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("evenkeel");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let examples = command.get_after_help().map(ToString::to_string);
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.unwrap_or_default().lines() {
        if line != "Examples:" {
            roff.text([roman(line)]);
        }
    }
    roff.control("fi", []);
    roff.to_writer(&mut page)?;
    Ok(page)
}

fn print(text: &[u8]) -> Result<Ended> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(Ended::Well)
}
