//! `serin audit`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde_json::json;
use serin_evidence::Hash;
use serin_evidence::audit::{Asked, Record, What};
use serin_evidence::chain::{Check, Checked, Entry, Head};

use super::evidence::{self, Verdict};
use crate::arguments::{Audit, Verify};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, Sheet, Unit, utc};

/// Entries that are shown at once, of those after a number.
const SHOWN_MAX: usize = 100_000;

pub(super) async fn run(
    connect: impl FnOnce() -> Result<Client, Failure>,
    command: Audit,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Audit::List { after, raw } => {
            let entries = entries(&connect()?, after).await?;
            if raw {
                return entries.iter().try_for_each(|entry| output.verbatim(&(line(entry)? + "\n")));
            }
            show(&entries, output)
        }
        Audit::Verify(Verify { file: Some(file), anchor }) => {
            let progress = output.progress("checking", None, Unit::Nothing);
            let checked = if evidence::is_database(&file)? {
                database(&file, anchor)
                    .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?
            } else {
                lines(&file, anchor)?
            };
            drop(progress);
            evidence::conclude(&verdict(checked), "audit log", output)
        }
        Audit::Verify(Verify { file: None, anchor }) => {
            let progress = output.progress("the server checks its audit log", None, Unit::Nothing);
            let checked = connect()?.verify_audit(anchor).await?;
            drop(progress);
            evidence::conclude(&Verdict::of(checked), "audit log", output)
        }
    }
}

/// The newest entries, or all after a number.
async fn entries(client: &Client, after: Option<u64>) -> Result<Vec<Entry>, Failure> {
    let (mut all, mut head) = client.audit(after).await?;
    while all.last().is_some_and(|last| last.number < head.number) && all.len() < SHOWN_MAX {
        let (more, newest) = client.audit(all.last().map(|last| last.number)).await?;
        if more.is_empty() {
            break;
        }
        all.extend(more);
        head = newest;
    }
    Ok(all)
}

fn line(entry: &Entry) -> Result<String, Failure> {
    serde_json::to_string(entry).map_err(|error| Failure::usage(error.to_string()))
}

fn show(entries: &[Entry], output: Output) -> Result<(), Failure> {
    let records: Vec<(u64, Record)> = entries
        .iter()
        .filter_map(|entry| Some((entry.number, serde_json::from_str(&entry.body).ok()?)))
        .collect();
    if output.is_json() {
        let mut each = records.iter();
        return each.try_for_each(|(number, record)| {
            output.show(&json!({"number": number, "record": record}), Sheet::default)
        });
    }
    output.show(&(), || table(&records))
}

/// One row for each call, with what became of it.
fn table(records: &[(u64, Record)]) -> Sheet {
    if records.is_empty() {
        return Sheet::of("The audit log has no entries here.");
    }
    let mut outcomes = BTreeMap::new();
    for (_, record) in records {
        if let What::Answered { asked, outcome, message } = &record.what {
            outcomes.insert(
                *asked,
                if message.is_empty() { outcome.clone() } else { format!("{outcome}: {message}") },
            );
        }
    }
    let rows = records.iter().filter_map(|(number, record)| {
        let (asked, outcome) = match &record.what {
            What::Asked(asked) => {
                let outcome = outcomes.get(number).cloned();
                (asked.clone(), outcome.unwrap_or_else(|| "not known".to_owned()))
            }
            What::Denied { asked, and_more } => {
                let more =
                    if *and_more > 0 { format!(", and {and_more} more before") } else { String::new() };
                (asked.clone(), format!("turned away{more}"))
            }
            What::Checkpoint => {
                let removed = record.removed.as_ref();
                let words = removed.map(|one| format!("entries up to {} went: {}", one.through, one.why));
                let method = words.unwrap_or_default();
                (Asked { actor: "serin".to_owned(), method, ..Asked::default() }, "ok".to_owned())
            }
            What::Answered { .. } => return None,
        };
        let method = asked.method.rsplit_once('.').map_or(asked.method.as_str(), |(_, last)| last).to_owned();
        let arguments = if asked.arguments.is_null() { String::new() } else { asked.arguments.to_string() };
        let time = utc(record.at.second());
        Some([number.to_string(), time, asked.actor, asked.peer, method, outcome, arguments])
    });
    let mut sheet = Sheet::default();
    sheet.table(["NUMBER", "TIME", "WHO", "FROM", "WHAT", "OUTCOME", "ARGUMENTS"], rows);
    sheet
}

/// What `audit list --raw` wrote. Where it begins and ends is not known from it alone.
fn lines(path: &Path, anchor: Option<Hash>) -> Result<Checked, Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut check = Check::anchored(anchor);
    for (at, line) in BufReader::new(File::open(path).map_err(unreadable)?).lines().enumerate() {
        let line = line.map_err(unreadable)?;
        let entry: Entry = serde_json::from_str(&line).map_err(|error| {
            Failure::usage(format!("{}:{}: {error}", path.display(), at + 1))
                .advise("give what `serin audit list --after 0 --raw` wrote, or a copy of serin.db")
        })?;
        check.entry(&entry, None);
    }
    Ok(check.finish(None))
}

/// The audit log within a copy of the database.
fn database(path: &Path, anchor: Option<Hash>) -> Result<Checked, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let hash = |row: &Row<'_>, column: usize| {
        row.get::<_, Vec<u8>>(column).map(|bytes| Hash::from_bytes(&bytes).unwrap_or(Hash::NONE))
    };
    let number = |row: &Row<'_>| row.get::<_, i64>(0).map(i64::cast_unsigned);
    let head = connection
        .query_row("SELECT number, hash FROM chain_heads WHERE chain = 'audit'", [], |row| {
            Ok(Head { number: number(row)?, hash: hash(row, 1)? })
        })
        .optional()?;
    let mut check = Check::anchored(anchor);
    let mut entries = connection.prepare("SELECT number, previous, hash, body FROM audit ORDER BY number")?;
    let mut rows = entries.query([])?;
    while let Some(row) = rows.next()? {
        let entry = Entry { number: number(row)?, previous: hash(row, 1)?, body: row.get(3)? };
        check.entry(&entry, Some(hash(row, 2)?));
    }
    Ok(check.finish(Some(head.unwrap_or_default())))
}

fn verdict(checked: Checked) -> Verdict {
    Verdict {
        sound: checked.is_sound(),
        entries: checked.entries,
        head: checked.head,
        bundles: None,
        documents: None,
        incomplete: Vec::new(),
        faults: checked.faults.iter().map(ToString::to_string).collect(),
        more_faults: checked.more_faults,
    }
}
