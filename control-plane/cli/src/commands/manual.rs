//! `serin man`: the pages of the manual, made of the same words as `--help`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_mangen::Man;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::{Failure, Kind};
use crate::output::{Output, Sheet};

/// The pages that were written.
#[derive(Serialize)]
struct Written {
    folder: PathBuf,
    pages: Vec<String>,
}

/// Prints the page of the program, or writes it and one for every command into a folder.
pub(super) fn run(folder: Option<&Path>, output: Output) -> Result<(), Failure> {
    let pages = pages().map_err(|error| Failure::new(Kind::Output, format!("the manual: {error}")))?;
    let Some(folder) = folder else {
        let page = pages.into_iter().next().map(|page| page.text).unwrap_or_default();
        return output.verbatim(&page);
    };
    let unwritable = |path: &Path, error: &io::Error| {
        Failure::new(Kind::Output, format!("{}: cannot be written: {error}", path.display()))
            .advise("give --out a folder that you may write to")
    };
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut written = Written { folder: folder.to_owned(), pages: Vec::new() };
    for Page { name, text } in pages {
        let path = folder.join(&name);
        fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
        written.pages.push(name);
    }
    output.show(&written, || {
        let mut sheet = Sheet::of(&format!("{} pages in {}.", written.pages.len(), folder.display()));
        sheet.line("`man -l FILE` shows one; in `share/man/man1` of a prefix of MANPATH, `man serin` does.");
        sheet
    })
}

/// A page and the name of its file.
struct Page {
    name: String,
    text: String,
}

/// The page of the program first, then those of its commands, each before its own.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    let mut open = vec![program];
    while let Some(command) = open.pop() {
        let mut commands: Vec<_> =
            command.get_subcommands().filter(|one| !one.is_hide_set()).cloned().collect();
        commands.reverse();
        open.extend(commands);
        let manual = Man::new(command);
        let mut text = Vec::new();
        manual.render(&mut text)?;
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        pages.push(Page { name: manual.get_filename(), text });
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        found.push((format!("{path}.1"), about));
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            names(inner, &format!("{path}-{}", inner.get_name()), found);
        }
    }

    #[test]
    fn every_command_has_a_page_with_the_words_of_its_help() {
        let mut expected = Vec::new();
        names(&Arguments::command(), "serin", &mut expected);
        let pages = pages().unwrap();
        assert_eq!(pages.first().map(|page| page.name.as_str()), Some("serin.1"));
        assert_eq!(pages.len(), expected.len());
        for (name, about) in expected {
            let page = pages.iter().find(|page| page.name == name).unwrap_or_else(|| panic!("no {name}"));
            let plain = page.text.replace("\\-", "-").replace("\\*(Aq", "'");
            assert!(!about.is_empty() && plain.contains(&about), "{name}: {about:?} is missing");
        }
    }
}
