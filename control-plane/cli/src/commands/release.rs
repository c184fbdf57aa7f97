//! `serin release …`.

mod file;

use std::path::Path;

use serde::Serialize;
use serin_registry::Kind as Subjects;

use super::block::{carries, live_table, more, registered};
use crate::arguments::Release as Command;
use crate::client::{Client, VersionQuery};
use crate::failure::Failure;
use crate::model::{Registered, Version, VersionDetail};
use crate::output::{Output, Sheet, Unit, count};

/// The JSON form of `list`.
#[derive(Serialize)]
struct Releases {
    releases: Vec<Version>,
    /// Number for `--before`; 0: these were all.
    next_before: u64,
}

pub(super) async fn run(client: &Client, command: Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::Register { file } => register(client, &file, output).await,
        Command::List { application, limit } => {
            let within = application.clone().unwrap_or_default();
            let query = VersionQuery {
                kind: Subjects::Application,
                within,
                newest_only: false,
                limit: limit.limit,
                before: limit.before,
            };
            let (releases, next_before) = client.versions(query).await?;
            let answer = Releases { releases, next_before };
            output.show(&answer, || list(&answer.releases, application.as_deref()))?;
            more(output, next_before);
            Ok(())
        }
        Command::Show { application, version } => {
            let detail = client.version(application, version.unwrap_or_default()).await?;
            output.show(&detail, || shown(&detail))
        }
    }
}

async fn register(client: &Client, path: &Path, output: Output) -> Result<(), Failure> {
    let mut loaded = file::load(path)?;
    let contents = std::mem::take(&mut loaded.contents);
    let bytes = contents.iter().map(|sent| sent.content.len() as u64).sum();
    let progress = output.progress("sending", Some(bytes), Unit::Bytes);
    let sent = progress.clone();
    let registered = client.register(&loaded.release, contents, move |bytes| sent.add(bytes)).await;
    drop(progress);
    let registered = registered.map_err(|(failure, subject)| match subject {
        Some(subject) => loaded.point_at(&subject, failure),
        None => failure,
    })?;
    output.show(&registered, || done(&registered))
}

fn done(registered: &Registered) -> Sheet {
    let Registered { versions, registered: new, contents_written, contents_repaired } = registered;
    let Some(application) = versions.first() else { return Sheet::of("Nothing was registered.") };
    let name = format!("{} {}", application.subject, application.version);
    let (new, all) = (u64::from(*new), versions.len() as u64);
    let mut sheet = Sheet::of(&match new {
        0 => format!("{name} was registered already, with everything in it."),
        _ => format!("{name} is registered: {} of {} versions are new.", count(new), count(all)),
    });
    let written = u64::from(*contents_written);
    sheet.line(&format!("{} stored.", artifacts(written, "new artifact", "new artifacts")));
    if *contents_repaired > 0 {
        let repaired = artifacts(u64::from(*contents_repaired), "damaged artifact", "damaged artifacts");
        sheet.line(&format!("{repaired} repaired."));
    }
    sheet.line(&format!("Look at it with `serin release show {name}`."));
    sheet
}

fn artifacts(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

fn list(releases: &[Version], application: Option<&str>) -> Sheet {
    if releases.is_empty() {
        let of = application.map_or_else(String::new, |application| format!(" of {application}"));
        return Sheet::of(&format!(
            "No releases{of} are registered. Register one with `serin release register -f release.yaml`."
        ));
    }
    let mut sheet = Sheet::default();
    let header = ["APPLICATION", "VERSION", "ARTIFACT", "REGISTERED", "BY"];
    let row = |one: &Version| {
        [one.subject.clone(), one.version.clone(), carries(one), registered(one), one.registered_by.clone()]
    };
    sheet.table(header, releases.iter().map(row));
    sheet
}

fn shown(detail: &VersionDetail) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("Release", &format!("{} {}", detail.version.subject, detail.version.version));
    sheet.field("Artifact", &carries(&detail.version));
    sheet
        .field("Registered", &format!("{} by {}", registered(&detail.version), detail.version.registered_by));
    sheet.blank();
    if detail.parts.is_empty() {
        sheet.line("It names no components.");
    } else {
        let row = |one: &Version| [one.subject.clone(), one.version.clone(), carries(one)];
        sheet.table(["PART", "VERSION", "ARTIFACT"], detail.parts.iter().map(row));
    }
    sheet.blank();
    live_table(&mut sheet, &detail.live);
    sheet
}
