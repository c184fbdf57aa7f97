//! A release's file with the files that it names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serin_registry::{
    Artifact, Content, Digest, FileArtifact, Release, ReleaseErrors, ReleaseFile, Subject, bounds,
};

use crate::client::Sent;
use crate::commands::snippet::snippet;
use crate::failure::{Failure, Kind, Problem};
use crate::input;

/// Bytes that all contents of a release may have together, since they are held while they are sent.
const CONTENTS_BYTES: usize = 1024 * 1024 * 1024;

/// What is registered.
pub(super) struct Loaded {
    pub(super) release: Release,
    /// Each content once.
    pub(super) contents: Vec<Sent>,
    name: String,
    text: String,
    file: ReleaseFile,
}

impl Loaded {
    /// Shows the version that a refusal is about in the file.
    pub(super) fn point_at(&self, subject: &Subject, failure: Failure) -> Failure {
        let Some(field) = self.file.version_field(subject) else { return failure };
        let place = self.file.place(&field);
        let message = format!("this version of {subject} is registered already, and is another one");
        failure.because(vec![problem(&self.name, &self.text, place, field, message)])
    }
}

/// Reads a release and the files that it names, by the server's own rules.
pub(super) fn load(path: &Path) -> Result<Loaded, Failure> {
    let text = input::text(path, bounds::YAML_BYTES)?;
    let name = input::name(path);
    let file = ReleaseFile::parse(&text).map_err(|errors| invalid(&name, problems(&name, &text, &errors)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut contents, mut total, mut unreadable) = (BTreeMap::new(), 0, Vec::new());
    let release = file.release().clone().try_map(|artifact| {
        let (kind, path, field) = match artifact {
            FileArtifact::Image(image) => return Ok(Some(Artifact::Image(image))),
            FileArtifact::File { kind, path, field } => (kind, path, field),
        };
        match content(&folder.join(&path)) {
            Ok(content) => {
                let (digest, bytes) = (Digest::of(&content), content.len() as u64);
                total += content.len();
                if total > CONTENTS_BYTES {
                    let words = format!("{name}: its artifacts exceed {CONTENTS_BYTES} bytes together");
                    return Err(Failure::usage(words)
                        .advise("register large artifacts elsewhere, and name their image"));
                }
                contents.insert(digest, content);
                Ok(Some(Artifact::Content(Content { kind, digest, bytes, path })))
            }
            Err(words) => {
                let (line, column) = file.place(&field);
                let message = format!("{path}: {words}");
                unreadable.push(problem(&name, &text, (line, column), field, message));
                Ok(None)
            }
        }
    })?;
    if !unreadable.is_empty() {
        return Err(invalid(&name, unreadable));
    }
    let release = release.try_map(|artifact| {
        artifact
            .ok_or_else(|| Failure::new(Kind::ReleaseInvalid, format!("{name}: an artifact was not read")))
    })?;
    let contents = contents.into_iter().map(|(digest, content)| Sent { sha256: digest.to_string(), content });
    Ok(Loaded { release, contents: contents.collect(), name, text, file })
}

/// The content of a file, or why there is none.
fn content(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err("is a folder, and must be a file".to_owned());
    }
    let mut content = Vec::new();
    file.take(bounds::ARTIFACT_BYTES as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > bounds::ARTIFACT_BYTES {
        return Err(format!("exceeds {} bytes", bounds::ARTIFACT_BYTES));
    }
    Ok(content)
}

fn problems(name: &str, text: &str, errors: &ReleaseErrors) -> Vec<Problem> {
    let errors = errors.errors().iter();
    errors
        .map(|error| {
            problem(name, text, (error.line, error.column), error.field.clone(), error.rule.to_string())
        })
        .collect()
}

fn problem(name: &str, text: &str, (line, column): (u32, u32), field: String, message: String) -> Problem {
    let known = line != 0;
    Problem {
        file: name.to_owned(),
        line: known.then_some(line),
        column: known.then_some(column),
        field,
        message,
        snippet: if known { snippet(text, line, column) } else { String::new() },
    }
}

fn invalid(name: &str, problems: Vec<Problem>) -> Failure {
    let number =
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    Failure::new(Kind::ReleaseInvalid, format!("{name} is not a valid release: {number}"))
        .because(problems)
        .advise("correct the release and register it again")
}
