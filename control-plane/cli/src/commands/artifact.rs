//! `serin artifact`: gives what a version carries, as it was registered.
//!
//! The server verifies the content before it sends the first byte, and it is hashed again here, so a file that is left is whole:
//! it gets its name only then.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serin_registry::{Digest, bounds};

use crate::arguments;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::model::Artifact;
use crate::output::{Output, Sheet, Unit, count};

/// What was written.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    artifact: Artifact,
    file: PathBuf,
}

pub(super) async fn run(
    client: &Client,
    request: &arguments::Artifact,
    output: Output,
) -> Result<(), Failure> {
    let arguments::Artifact { subject, version, output: file } = request;
    let known = client.version(subject.clone(), version.clone()).await?.version.artifact;
    let mut content = client.artifact(subject.clone(), version.clone()).await?;
    let mut bytes = Vec::new();
    let progress = output.progress("getting", known.as_ref().map(|known| known.bytes), Unit::Bytes);
    while let Some(piece) = content.next().await? {
        progress.add(piece.len());
        bytes.extend_from_slice(&piece);
        if bytes.len() > bounds::ARTIFACT_BYTES {
            break;
        }
    }
    drop(progress);
    let is_whole = |artifact: &Artifact| artifact.sha256 == Digest::of(&bytes).to_string();
    let Some(artifact) = known.filter(is_whole) else {
        let words = format!("{subject} {version}: what came is not what was registered");
        return Err(Failure::new(Kind::Refused, words).advise("ask again; the server's log says more"));
    };
    let Some(file) = file else {
        return io::stdout().lock().write_all(&bytes).map_err(|error| unwritable("<stdout>", &error));
    };
    write(file, &bytes).map_err(|error| unwritable(&file.display().to_string(), &error))?;
    let written = Written { artifact, file: file.clone() };
    output.show(&written, || {
        let bytes = count(written.artifact.bytes);
        Sheet::of(&format!(
            "{subject} {version}: {} of {bytes} bytes in {}.",
            written.artifact.kind,
            file.display()
        ))
    })
}

/// Writes beside the file first, so that none is left half-written under its name.
fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let mut written = File::create(&unfinished)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(unfinished, file)
}

fn unwritable(name: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Kind::OutputClosed, "the reader of the output went away");
    }
    Failure::new(Kind::Output, format!("{name}: cannot be written: {error}"))
}
