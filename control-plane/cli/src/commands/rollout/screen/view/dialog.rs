//! The dialog: what is asked for, what that does, and the fields.

use std::time::SystemTime;

use ratatui::text::Line;

use super::super::consequence::consequence;
use super::super::dialog::{Dialog, Kind};
use super::super::model::Model;
use super::{Looks, Tone, text};
use crate::model::Rollout;
use crate::output::duration;

/// Lines of one sentence, and of what is typed.
const LINES: usize = 4;

pub(super) fn lines(
    model: &Model,
    dialog: &Dialog,
    rollout: &Rollout,
    looks: Looks,
    cells: usize,
    now: SystemTime,
) -> Vec<Line<'static>> {
    let name = text::fit(&title(dialog, rollout), cells.saturating_sub(4));
    let rest = cells.saturating_sub(text::width(&name) + 4);
    let mut lines = vec![looks.line(Tone::Strong, format!("━━ {name} {}", "━".repeat(rest)))];
    let mut say = |tone: Tone, words: &str| {
        lines.extend(text::wrap(words, cells, LINES).into_iter().map(|line| looks.line(tone, line)));
    };
    if let Some(silent) = model.stale(now) {
        let silent = duration(std::time::Duration::from_secs(silent.as_secs()));
        say(Tone::Bad, &format!("What is shown is {silent} old: it may have changed."));
    }
    for sentence in consequence(dialog, rollout, model.known.as_ref()) {
        say(Tone::Plain, &sentence);
    }
    if dialog.kind == Kind::SetWeight {
        say(Tone::Strong, &field("weight", &dialog.weight, dialog.is_at_weight, cells));
    }
    say(Tone::Strong, &field("reason", &dialog.reason, !dialog.is_at_weight, cells));
    if let Some(problem) = &dialog.problem {
        say(Tone::Bad, problem);
    }
    say(Tone::Quiet, &keys(dialog));
    lines
}

fn title(dialog: &Dialog, rollout: &Rollout) -> String {
    match &dialog.kind {
        Kind::RollBack { row: Some(row), is_whole: false } => {
            format!("roll back {row} of {}", rollout.service)
        }
        Kind::RollBack { .. } => format!("roll back all of {}", rollout.service),
        Kind::Pause | Kind::Resume | Kind::Promote | Kind::SetWeight => {
            format!("{} {}", dialog.kind.word(), rollout.service)
        }
    }
}

/// A field with its end, where one types.
fn field(name: &str, value: &str, is_here: bool, cells: usize) -> String {
    let room = cells.saturating_mul(LINES).saturating_sub(name.len() + 8);
    let characters = value.chars().count();
    let shown: String = value.chars().skip(characters.saturating_sub(room)).collect();
    let before = if shown.len() < value.len() { "…" } else { "" };
    format!("{name}: {before}{shown}{}", if is_here { "▏" } else { "" })
}

fn keys(dialog: &Dialog) -> String {
    let enter = if dialog.is_at_weight {
        "Enter: to the reason".to_owned()
    } else {
        format!("Enter: {}", dialog.kind.word())
    };
    let tab = match &dialog.kind {
        Kind::RollBack { row: Some(row), is_whole: true } => format!(" · Tab: only {row}"),
        Kind::RollBack { row: Some(_), is_whole: false } => " · Tab: everything".to_owned(),
        Kind::SetWeight => " · Tab: other field".to_owned(),
        Kind::RollBack { row: None, .. } | Kind::Pause | Kind::Resume | Kind::Promote => String::new(),
    };
    format!("{enter}{tab} · Esc: do nothing")
}
