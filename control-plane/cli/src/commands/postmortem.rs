//! `serin postmortem`: the report of a rollout, from its evidence alone.

use std::path::Path;

use serde_json::json;
use serin_evidence::archive::Archive;
use serin_evidence::report;

use super::evidence;
use crate::arguments::Postmortem;
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::file;
use crate::output::{Output, Sheet};

pub(super) async fn run(
    connect: impl FnOnce() -> Result<Client, Failure>,
    request: Postmortem,
    output: Output,
) -> Result<(), Failure> {
    let Postmortem { id, from, output: out } = request;
    let inputs: Vec<&Path> = from.as_deref().into_iter().collect();
    file::apart(&inputs, out.as_deref().as_slice())?;
    let archive = match from {
        Some(from) => evidence::archive(&from)?,
        None => {
            let bytes = evidence::export(&connect()?, id.unwrap_or_default(), output).await?;
            Archive::read(&bytes).map_err(|error| Failure::new(Kind::Refused, error.to_string()))?
        }
    };
    let stem = out.as_ref().and_then(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let written = report::write(&archive, stem.as_deref().unwrap_or("postmortem"));
    let written = written.map_err(|error| {
        Failure::new(Kind::Refused, error.to_string())
            .advise("`serin evidence list ROLLOUT` shows what was decided")
    })?;
    let Some(out) = out else { return output.verbatim(&written.markdown) };
    let mut files = vec![out.clone()];
    files.extend(written.charts.iter().map(|(name, _)| out.with_file_name(name)));
    let texts = std::iter::once(&written.markdown).chain(written.charts.iter().map(|(_, svg)| svg));
    let whole: Vec<(&Path, &[u8])> =
        files.iter().zip(texts).map(|(path, text)| (path.as_path(), text.as_bytes())).collect();
    file::write_all(&whole)?;
    output.show(&json!({"files": files}), || {
        let mut sheet = Sheet::default();
        files.iter().for_each(|file| sheet.line(&format!("Wrote {}.", file.display())));
        sheet
    })
}
