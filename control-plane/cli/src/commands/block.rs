//! `serin block …`.

use serde::Serialize;
use serin_registry::Kind as Subjects;

use crate::arguments::{Block as Command, BlockPath};
use crate::client::{Client, VersionQuery};
use crate::failure::Failure;
use crate::model::{Artifact, Difference, HistoryEntry, Live, Moment, Version, VersionDetail};
use crate::output::{Output, Sheet, count, percent};

/// Digits of a digest that a table shows.
const DIGEST_DIGITS: usize = 12;

/// The JSON form of `list`.
#[derive(Serialize)]
struct Blocks {
    blocks: Vec<Version>,
    /// Number for `--before`; 0: these were all.
    next_before: u64,
}

/// The JSON form of `history`.
#[derive(Serialize)]
struct History {
    entries: Vec<HistoryEntry>,
    /// Number for `--before`; 0: these were all.
    next_before: u64,
}

pub(super) async fn run(client: &Client, command: Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::List { within, all, limit } => {
            let query = VersionQuery {
                kind: Subjects::Block,
                within: within.unwrap_or_default(),
                newest_only: !all,
                limit: limit.limit,
                before: limit.before,
            };
            let (blocks, next_before) = client.versions(query).await?;
            let answer = Blocks { blocks, next_before };
            output.show(&answer, || list(&answer.blocks))?;
            more(output, next_before);
            Ok(())
        }
        Command::Show { block: BlockPath { block }, version } => {
            let detail = client.version(block, version.unwrap_or_default()).await?;
            output.show(&detail, || shown(&detail))
        }
        Command::Diff { block: BlockPath { block }, from, to } => {
            let difference = client.difference(block, from, to).await?;
            output.show(&difference, || compared(&difference))
        }
        Command::History { block: BlockPath { block }, limit } => {
            let (entries, next_before) = client.history(block.clone(), limit.limit, limit.before).await?;
            let answer = History { entries, next_before };
            output.show(&answer, || history(&answer.entries, &block))?;
            more(output, next_before);
            Ok(())
        }
    }
}

fn list(blocks: &[Version]) -> Sheet {
    if blocks.is_empty() {
        return Sheet::of(
            "No blocks are registered. A release names them below its components: see docs/registry.md.",
        );
    }
    let mut sheet = Sheet::default();
    let header = ["BLOCK", "VERSION", "ARTIFACT", "BYTES", "REGISTERED", "BY"];
    let row = |one: &Version| {
        let bytes = one.artifact.as_ref().map_or_else(String::new, |artifact| count(artifact.bytes));
        let (subject, label) = (one.subject.clone(), one.version.clone());
        [subject, label, carries(one), bytes, registered(one), one.registered_by.clone()]
    };
    sheet.table(header, blocks.iter().map(row));
    sheet
}

fn shown(detail: &VersionDetail) -> Sheet {
    let VersionDetail { version, releases, live, .. } = detail;
    let mut sheet = Sheet::default();
    sheet.field("Block", &version.subject);
    sheet.field("Version", &version.version);
    match &version.artifact {
        None => sheet.field("Artifact", "none"),
        Some(Artifact { kind, image, sha256, bytes, path }) => {
            sheet.field("Artifact", kind);
            let image = ("Image", image.clone());
            let content = [("SHA-256", sha256.clone()), ("Bytes", count(*bytes)), ("Path", path.clone())];
            let fields = if *kind == "image" { vec![image] } else { content.to_vec() };
            fields.iter().for_each(|(name, value)| sheet.field(name, value));
        }
    }
    sheet.field("Registered", &format!("{} by {}", registered(version), version.registered_by));
    let part_of =
        if releases.is_empty() { "no release that is kept".to_owned() } else { releases.join(", ") };
    sheet.field("Part of", &part_of);
    sheet.blank();
    live_table(&mut sheet, live);
    sheet
}

fn compared(difference: &Difference) -> Sheet {
    let Difference { from, to, same, lines_added, lines_removed, unified, not_compared } = difference;
    let name = |side: &Option<Version>| side.as_ref().map_or_else(String::new, |side| side.version.clone());
    let (from_name, to_name) = (name(from), name(to));
    if *same {
        return Sheet::of(&format!("{from_name} and {to_name} carry the same."));
    }
    if let Some(reason) = not_compared {
        let carries = |side: &Option<Version>| side.as_ref().map_or_else(String::new, carries);
        let mut sheet =
            Sheet::of(&format!("{from_name} and {to_name} differ and are not compared by line: {reason}."));
        sheet.field(&from_name, &carries(from));
        sheet.field(&to_name, &carries(to));
        return sheet;
    }
    let mut sheet = Sheet::default();
    unified.lines().for_each(|line| sheet.source(line));
    sheet.line(&format!("{} lines added, {} removed.", count(*lines_added), count(*lines_removed)));
    sheet
}

fn history(entries: &[HistoryEntry], block: &str) -> Sheet {
    if entries.is_empty() {
        return Sheet::of(&format!("Nothing is known of {block}."));
    }
    let mut sheet = Sheet::default();
    let row = |entry: &HistoryEntry| {
        let at = entry.at.as_ref().map_or_else(String::new, Moment::to_seconds);
        let (version, kind) = (entry.version.clone(), entry.kind.to_owned());
        [entry.sequence.to_string(), at, version, kind, entry.actor.clone(), entry.text.clone()]
    };
    sheet.table(["NUMBER", "TIME", "VERSION", "KIND", "ACTOR", "WHAT HAPPENED"], entries.iter().map(row));
    sheet
}

/// What a version carries, on one line.
pub(super) fn carries(version: &Version) -> String {
    match &version.artifact {
        None => "none".to_owned(),
        Some(Artifact { kind, image, .. }) if !image.is_empty() => format!("{kind} {image}"),
        Some(Artifact { kind, sha256, .. }) => {
            format!("{kind} {}", sha256.get(..DIGEST_DIGITS).unwrap_or(sha256))
        }
    }
}

/// When a version was registered.
pub(super) fn registered(version: &Version) -> String {
    version.registered_at.as_ref().map_or_else(|| "unknown".to_owned(), Moment::to_seconds)
}

/// Where versions carry requests.
pub(super) fn live_table(sheet: &mut Sheet, live: &[Live]) {
    if live.is_empty() {
        return sheet.line("It carries no requests by any rollout.");
    }
    let row = |one: &Live| {
        let note = match (&one.returned_because, one.registered) {
            (Some(because), _) => format!("returned: {because}"),
            (None, true) => String::new(),
            (None, false) => "not registered".to_owned(),
        };
        let (subject, version) = (one.subject.clone(), one.version.clone());
        [subject, version, one.arm.clone(), percent(one.share_ppm), one.rollout_id.clone(), note]
    };
    sheet.table(["LIVE", "VERSION", "ARM", "USERS", "ROLLOUT", "NOTE"], live.iter().map(row));
}

/// Says that a list goes on.
pub(super) fn more(output: Output, next_before: u64) {
    if next_before != 0 {
        output.note(&format!("There may be more: continue with --before {next_before}."));
    }
}
