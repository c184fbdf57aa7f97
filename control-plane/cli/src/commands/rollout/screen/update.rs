//! What the screen makes of what happens. Pure: the clock is an argument, and what is to be done outside is returned.

use std::time::SystemTime;

use super::dialog::Kind;
use super::model::{Effect, Key, LINGER, Message, Model, SAID_FOR, Said, Shown};

/// Rows that a page holds, whatever the size of the terminal.
const PAGE: usize = 10;

/// The row of requests that belong to no component: it cannot be returned alone.
const UNMATCHED: &str = "unmatched";

/// Takes one message over. Total: no order of messages fails.
pub(super) fn update(model: &mut Model, message: Message, now: SystemTime) -> Option<Effect> {
    match message {
        Message::Snapshot(rollout) => model.take(rollout, now),
        Message::Components(known) => model.known = Some(known),
        Message::Acted(result) => acted(model, result, now),
        Message::Key(key) => {
            model.stays = true;
            return pressed(model, key, now);
        }
        Message::Tick => return tick(model, now),
    }
    None
}

fn tick(model: &mut Model, now: SystemTime) -> Option<Effect> {
    let passed = |since: SystemTime| now.duration_since(since).unwrap_or_default();
    if model.said.as_ref().is_some_and(|said| passed(said.at) >= SAID_FOR) {
        model.said = None;
    }
    let lingered = model.ended.is_some_and(|ended| passed(ended) >= LINGER);
    (lingered && !model.stays).then_some(Effect::Leave)
}

fn acted(model: &mut Model, result: Result<Box<crate::model::Rollout>, String>, now: SystemTime) {
    let word = model.acting.take().unwrap_or("the order");
    let (text, is_error) = match result {
        Ok(rollout) => {
            let text = format!("{word}: done. {}", rollout.summary);
            model.take(rollout, now);
            (text, false)
        }
        Err(text) => (format!("{word}: {text}"), true),
    };
    model.said = Some(Said { text, is_error, at: now });
}

fn pressed(model: &mut Model, key: Key, now: SystemTime) -> Option<Effect> {
    if key == Key::Interrupt {
        return Some(Effect::Leave);
    }
    if model.dialog.is_some() { in_dialog(model, key) } else { in_table(model, key, now) }
}

fn in_dialog(model: &mut Model, key: Key) -> Option<Effect> {
    let dialog = model.dialog.as_mut()?;
    match key {
        Key::Character(character) => dialog.write(character),
        Key::Backspace => dialog.erase(),
        Key::Tab | Key::Up | Key::Down => dialog.switch(),
        Key::Escape => model.dialog = None,
        Key::Enter => {
            let act = dialog.confirm(model.rollout.as_deref()?)?;
            model.dialog = None;
            model.acting = Some(act.order.word());
            model.said = None;
            return Some(Effect::Act(act));
        }
        Key::PageUp | Key::PageDown | Key::Home | Key::End | Key::Interrupt => {}
    }
    None
}

fn in_table(model: &mut Model, key: Key, now: SystemTime) -> Option<Effect> {
    let at = model.chosen().unwrap_or(0);
    match key {
        Key::Character('q') => return Some(Effect::Leave),
        Key::Up | Key::Character('k') => choose(model, at.saturating_sub(1)),
        Key::Down | Key::Character('j') => choose(model, at.saturating_add(1)),
        Key::Home | Key::Character('g') => choose(model, 0),
        Key::End | Key::Character('G') => choose(model, usize::MAX),
        Key::PageUp if model.is_open => model.scroll = model.scroll.saturating_sub(PAGE / 2),
        Key::PageDown if model.is_open => model.scroll = model.scroll.saturating_add(PAGE / 2),
        Key::PageUp => choose(model, at.saturating_sub(PAGE)),
        Key::PageDown => choose(model, at.saturating_add(PAGE)),
        Key::Enter | Key::Character(' ') => {
            model.is_open = !model.is_open;
            model.scroll = 0;
        }
        Key::Escape => model.is_open = false,
        Key::Character('s') => {
            model.shown = match model.shown {
                Shown::Errors => Shown::Latency,
                Shown::Latency => Shown::Errors,
            };
        }
        Key::Character('p') => return open(model, Kind::Pause, now),
        Key::Character('r') => return open(model, Kind::Resume, now),
        Key::Character('P') => return open(model, Kind::Promote, now),
        Key::Character('w') => return open(model, Kind::SetWeight, now),
        Key::Character('b') => {
            let row = model.chosen_name().filter(|row| row != UNMATCHED);
            let is_whole = row.is_none();
            return open(model, Kind::RollBack { row, is_whole }, now);
        }
        Key::Tab | Key::Backspace | Key::Interrupt | Key::Character(_) => {}
    }
    None
}

fn choose(model: &mut Model, row: usize) {
    model.selected = row;
    model.selected = model.chosen().unwrap_or(0);
    model.scroll = 0;
}

/// Opens a dialog, or says why not. What a rollback takes along is asked anew.
fn open(model: &mut Model, kind: Kind, now: SystemTime) -> Option<Effect> {
    let asks = matches!(kind, Kind::RollBack { .. });
    match model.dialog_for(kind) {
        Ok(dialog) => {
            model.dialog = Some(dialog);
            model.said = None;
            asks.then_some(Effect::AskComponents)
        }
        Err(text) => {
            model.said = Some(Said { text, is_error: true, at: now });
            None
        }
    }
}
