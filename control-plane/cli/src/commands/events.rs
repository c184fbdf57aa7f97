//! `serin events`.

use serin_rollout::train::TRAIN_PREFIX;

use crate::arguments::Events;
use crate::client::{Client, EventQuery};
use crate::failure::Failure;
use crate::model::Event;
use crate::output::{Output, Sheet};

pub(super) async fn run(client: &Client, query: Events, output: Output) -> Result<(), Failure> {
    let Events { id, after, limit } = query;
    let rollout_id = match &id {
        // A service name stands for its newest rollout; the journal is asked by identifier.
        Some(id) if id.starts_with(TRAIN_PREFIX) => id.clone(),
        Some(id) => client.rollout_of(id).await?.id,
        None => String::new(),
    };
    let events = client.events(EventQuery { rollout_id, after, limit }).await?;
    if output.is_json() {
        events.iter().try_for_each(|event| output.show(event, Sheet::default))?;
    } else {
        output.show(&(), || sheet(&events, id.as_deref(), after))?;
    }
    // A full page may not be the last one.
    if let Some(last) = events.last().filter(|_| u32::try_from(events.len()).unwrap_or(u32::MAX) >= limit) {
        output.note(&format!("There may be more events: continue with --after {}.", last.sequence));
    }
    Ok(())
}

fn sheet(events: &[Event], id: Option<&str>, after: u64) -> Sheet {
    if events.is_empty() {
        return Sheet::of(&match (id, after) {
            (_, 1..) => format!("No events after number {after}."),
            (Some(id), 0) => format!("No events of {id}."),
            (None, 0) => "The journal is empty: no rollout was created yet.".to_owned(),
        });
    }
    let mut sheet = Sheet::default();
    sheet.table(["NUMBER", "TIME", "ROLLOUT", "KIND", "ACTOR", "WHAT HAPPENED"], events.iter().map(row));
    sheet
}

fn row(event: &Event) -> [String; 6] {
    [
        event.sequence.to_string(),
        event.at.as_ref().map_or_else(String::new, crate::model::Moment::to_seconds),
        event.rollout_id.clone(),
        event.kind.clone(),
        event.actor.clone(),
        event.text.clone(),
    ]
}
