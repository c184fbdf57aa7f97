//! `serin artifact`: gives what a version carries, as it was registered.
//!
//! The server verifies the content before it sends the first byte, and it is hashed again here, so a file that is left is whole:
//! it gets its name only then.

use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;
use serin_registry::{Digest, bounds};

use crate::arguments;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::file;
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
    let arguments::Artifact { subject, version, output: out } = request;
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
    let Some(out) = out else {
        return io::stdout().lock().write_all(&bytes).map_err(|error| unwritable(&error));
    };
    file::write(out, &bytes)?;
    let written = Written { artifact, file: out.clone() };
    output.show(&written, || {
        let bytes = count(written.artifact.bytes);
        Sheet::of(&format!(
            "{subject} {version}: {} of {bytes} bytes in {}.",
            written.artifact.kind,
            out.display()
        ))
    })
}

fn unwritable(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Kind::OutputClosed, "the reader of the output went away");
    }
    Failure::new(Kind::Output, format!("<stdout>: cannot be written: {error}"))
}
