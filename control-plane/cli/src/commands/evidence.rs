//! `serin evidence`.

mod file;

use serde::Serialize;
use serde_json::{Value, json};
use serin_evidence::bundle::Manifest;
use serin_evidence::chain::Head;

use crate::arguments::{Evidence, Verify};
use crate::client::{Bundle, BundleQuery, Checked, Client};
use crate::failure::{Failure, Kind};
use crate::output::{Output, Sheet, Unit, count, utc};

pub(super) use file::{archive, is_database};

/// What a check found, as JSON.
#[derive(Serialize)]
pub(super) struct Verdict {
    pub(super) sound: bool,
    pub(super) entries: u64,
    pub(super) head: Head,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bundles: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) documents: Option<u64>,
    pub(super) incomplete: Vec<String>,
    pub(super) faults: Vec<String>,
    pub(super) more_faults: u64,
}

pub(super) async fn run(
    connect: impl FnOnce() -> Result<Client, Failure>,
    command: Evidence,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Evidence::List { id, limit, before } => list(&connect()?, id, (limit, before), output).await,
        Evidence::Show { id, document } => show(&connect()?, id, document.as_deref(), output).await,
        Evidence::Export { of, output: file } => {
            let client = connect()?;
            let bytes = export(&client, of, output).await?;
            crate::file::write(&file, &bytes)?;
            let says =
                json!({"file": file, "bytes": bytes.len(), "sha256": serin_evidence::Hash::of(&bytes)});
            output.show(&says, || {
                Sheet::of(&format!("{} bytes in {}.", count(bytes.len() as u64), file.display()))
            })
        }
        Evidence::Verify(Verify { file: Some(file), anchor }) => {
            let progress = output.progress("checking", None, Unit::Nothing);
            let verified = archive(&file)?.verify(anchor);
            drop(progress);
            let verdict = Verdict {
                sound: verified.chain.is_sound(),
                entries: verified.chain.entries,
                head: verified.chain.head,
                bundles: Some(verified.bundles),
                documents: Some(verified.documents),
                incomplete: verified.incomplete,
                faults: verified.chain.faults.iter().map(ToString::to_string).collect(),
                more_faults: verified.chain.more_faults,
            };
            conclude(&verdict, "evidence", output)
        }
        Evidence::Verify(Verify { file: None, anchor }) => {
            let progress = output.progress("the server checks its evidence", None, Unit::Nothing);
            let found = connect()?.verify_evidence(anchor).await?;
            drop(progress);
            let verdict = Verdict {
                bundles: Some(found.bundles),
                documents: Some(found.documents),
                incomplete: found.incomplete,
                ..Verdict::of(found.checked)
            };
            conclude(&verdict, "evidence", output)
        }
    }
}

impl Verdict {
    pub(super) fn of(checked: Checked) -> Self {
        let Checked { entries, head, faults, more_faults } = checked;
        Self {
            sound: faults.is_empty(),
            entries,
            head,
            bundles: None,
            documents: None,
            incomplete: Vec::new(),
            faults,
            more_faults,
        }
    }
}

/// The archive of a rollout, of the newest one of a service, or of one bundle.
pub(super) async fn export(client: &Client, of: String, output: Output) -> Result<Vec<u8>, Failure> {
    let progress = output.progress("getting evidence", None, Unit::Bytes);
    match client.export(of.clone(), |bytes| progress.add(bytes)).await {
        // A service name stands for its newest rollout.
        Err(failure) if failure.kind() == Kind::NotFound => {
            let Ok(rollout) = client.rollout_of(&of).await else { return Err(failure) };
            if rollout.id == of {
                Err(failure)
            } else {
                client.export(rollout.id, |bytes| progress.add(bytes)).await
            }
        }
        other => other,
    }
}

/// Says what a check found, and fails when something is wrong.
pub(super) fn conclude(verdict: &Verdict, what: &str, output: Output) -> Result<(), Failure> {
    output.show(verdict, || {
        let mut sheet = Sheet::default();
        let Head { number, hash } = verdict.head;
        sheet.line(&format!(
            "{} entries checked, the newest is {number} with SHA-256 {hash}.",
            count(verdict.entries)
        ));
        if let (Some(bundles), Some(documents)) = (verdict.bundles, verdict.documents) {
            sheet.line(&format!("{} bundles with {} documents.", count(bundles), count(documents)));
        }
        for id in &verdict.incomplete {
            sheet.line(&format!("Not complete: {id}; `serin evidence show {id}` says what is missing."));
        }
        verdict.faults.iter().for_each(|fault| sheet.line(&format!("WRONG: {fault}.")));
        if verdict.more_faults > 0 {
            sheet.line(&format!("WRONG: {} more.", count(verdict.more_faults)));
        }
        if verdict.sound {
            sheet.line("Sound: nothing was altered, removed or put elsewhere.");
        }
        sheet
    })?;
    if verdict.sound {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, format!("the {what} is not what was written"))
        .advise("compare it with a backup or an earlier export; `--anchor` with a hash that was kept elsewhere tells since when"))
}

async fn list(
    client: &Client,
    id: Option<String>,
    (limit, before): (u32, u64),
    output: Output,
) -> Result<(), Failure> {
    let rollout_id = match id {
        Some(id) => client.rollout_of(&id).await.map_or(id, |rollout| rollout.id),
        None => String::new(),
    };
    let (bundles, next) = client.bundles(BundleQuery { rollout_id, before, limit }).await?;
    let listed: Vec<Value> =
        bundles.iter().map(|Bundle { head, manifest }| json!({"head": head, "manifest": manifest})).collect();
    output.show(&json!({"bundles": listed, "next_before": next}), || table(&bundles))?;
    if next > 0 {
        output.note(&format!("There is more: continue with --before {next}."));
    }
    Ok(())
}

fn table(bundles: &[Bundle]) -> Sheet {
    if bundles.is_empty() {
        return Sheet::of("No evidence: nothing was undone or promoted yet.");
    }
    let mut sheet = Sheet::default();
    let row = |Bundle { head, manifest }: &Bundle| {
        let whole = if manifest.complete { "yes" } else { "NO" };
        [
            head.number.to_string(),
            utc(manifest.at.second()),
            manifest.id.clone(),
            manifest.actor.clone(),
            whole.to_owned(),
            said(manifest),
        ]
    };
    sheet.table(["NUMBER", "TIME", "ID", "ACTOR", "COMPLETE", "WHAT"], bundles.iter().map(row));
    sheet
}

fn said(manifest: &Manifest) -> String {
    match &manifest.about {
        Some(about) => format!("added to {about}"),
        None => manifest.text.join(" "),
    }
}

async fn show(client: &Client, id: String, document: Option<&str>, output: Output) -> Result<(), Failure> {
    let (bundles, documents) = client.bundle(id).await?;
    if let Some(wanted) = document {
        let found = documents.iter().find(|(name, _)| name == wanted).map(|(_, content)| content);
        let names: Vec<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
        let content = found.ok_or_else(|| {
            Failure::usage(format!("--document: there is no {wanted}; there are {}", names.join(", ")))
        })?;
        return output.verbatim(&format!("{content}\n"));
    }
    let values = documents.iter().map(|(name, content)| {
        (name.clone(), serde_json::from_str(content).unwrap_or_else(|_| Value::String(content.clone())))
    });
    let listed: Vec<Value> =
        bundles.iter().map(|Bundle { head, manifest }| json!({"head": head, "manifest": manifest})).collect();
    let all = json!({"bundles": listed, "documents": values.collect::<serde_json::Map<_, _>>()});
    output.show(&all, || page(&bundles))
}

fn page(bundles: &[Bundle]) -> Sheet {
    let mut sheet = Sheet::default();
    for (at, Bundle { head, manifest }) in bundles.iter().enumerate() {
        if at > 0 {
            sheet.blank();
        }
        sheet.field("Evidence", &manifest.id);
        sheet.field("Rollout", &manifest.rollout);
        sheet.field("Time", &utc(manifest.at.second()));
        sheet.field("Actor", &manifest.actor);
        manifest.text.iter().for_each(|text| sheet.field("Decided", text));
        sheet.field("Complete", if manifest.complete { "yes" } else { "no" });
        for missing in &manifest.missing {
            sheet.field("Missing", &format!("{}: {}", missing.name, missing.why));
        }
        sheet.field("Chain", &format!("entry {}, SHA-256 {}", head.number, head.hash));
        let rows = manifest
            .documents
            .iter()
            .map(|document| [document.name.clone(), count(document.bytes), document.sha256.to_string()]);
        sheet.table(["DOCUMENT", "BYTES", "SHA256"], rows);
    }
    sheet
}
