//! The screen as cells. A function of what is known and of the time: it asks nobody, and draws at every size, what matters
//! most first. State is always said in words; colours only repeat it.

mod detail;
mod dialog;
mod head;
mod table;
mod text;

use std::time::SystemTime;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::model::Model;
use crate::model::{Phase, Verdict};
use crate::output::{clean, duration};

/// What a piece of text is, from which its look follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tone {
    Plain,
    /// Names of values, and what helps.
    Quiet,
    Strong,
    Good,
    Unsure,
    Bad,
    /// The chosen row.
    Chosen,
}

/// Looks, with colours or without.
#[derive(Clone, Copy, Debug)]
struct Looks {
    colour: bool,
}

impl Looks {
    fn style(self, tone: Tone) -> Style {
        let style = Style::new();
        match tone {
            Tone::Plain => style,
            Tone::Quiet if self.colour => style.fg(Color::DarkGray),
            Tone::Quiet => style,
            Tone::Strong => style.add_modifier(Modifier::BOLD),
            Tone::Good if self.colour => style.fg(Color::Green),
            Tone::Good => style,
            Tone::Unsure if self.colour => style.fg(Color::Yellow),
            Tone::Unsure => style,
            Tone::Bad if self.colour => style.fg(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Bad => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Tone::Chosen => style.add_modifier(Modifier::REVERSED),
        }
    }

    fn span(self, tone: Tone, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.style(tone))
    }

    fn line(self, tone: Tone, text: impl Into<String>) -> Line<'static> {
        Line::from(self.span(tone, text))
    }
}

const fn of_verdict(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Healthy => Tone::Good,
        Verdict::Regressed => Tone::Bad,
        Verdict::Inconclusive | Verdict::Unknown => Tone::Unsure,
    }
}

const fn of_phase(phase: Phase) -> Tone {
    match phase {
        Phase::Promoted => Tone::Good,
        Phase::RollingBack | Phase::RolledBack | Phase::Failed => Tone::Bad,
        Phase::Paused | Phase::Unknown => Tone::Unsure,
        Phase::WarmingUp | Phase::Progressing | Phase::Completing => Tone::Strong,
    }
}

/// Draws everything.
pub(super) fn view(model: &Model, frame: &mut Frame<'_>, now: SystemTime) {
    let area = frame.area();
    let looks = Looks { colour: model.colour };
    let cells = usize::from(area.width);
    if let Some(dialog) = &model.dialog
        && let Some(rollout) = &model.rollout
    {
        // A dialog has the screen for itself where that is small, else the rows below the head.
        let lines = dialog::lines(model, dialog, rollout, looks, cells, now);
        let head = head::lines(model, looks, cells, now);
        let height = usize::from(area.height);
        let above = head.len().min(height.saturating_sub(lines.len()));
        draw(frame, area, 0, head.into_iter().take(above));
        // What is typed is at the end, so that is what stays where the screen is too small for all.
        let hidden = lines.len().saturating_sub(height);
        draw(frame, area, above, lines.into_iter().skip(hidden));
        return;
    }
    body(model, frame, looks, now);
}

fn body(model: &Model, frame: &mut Frame<'_>, looks: Looks, now: SystemTime) {
    let area = frame.area();
    let (cells, height) = (usize::from(area.width), usize::from(area.height));
    let head = head::lines(model, looks, cells, now);
    let (header, rows) = table::lines(model, looks, cells);
    let detail = if model.is_open { detail::lines(model, looks, cells, now) } else { Vec::new() };
    let foot = foot(model, looks, cells, now);

    let foot_height = foot.len().min(height.saturating_sub(1) / 3);
    let room = height - foot_height;
    // The table keeps its header and a third of the room, the head comes before everything else.
    let wanted = header.len() + rows.len();
    let kept = wanted.min((room / 3).max(2)).min(room.saturating_sub(1));
    let head_height = head.len().min(room - kept);
    let room = room - head_height;
    let detail_height = detail.len().min(room.saturating_sub(kept.min(4)));
    let table_height = room - detail_height;

    draw(frame, area, 0, head.into_iter().take(head_height));
    let visible = table_height.saturating_sub(header.len());
    let first = first_visible(model.chosen().unwrap_or(0), rows.len(), visible);
    let shown = rows.into_iter().skip(first).take(visible);
    draw(frame, area, head_height, header.into_iter().take(table_height).chain(shown));
    let last = detail.len().saturating_sub(detail_height);
    let detail = detail.into_iter().skip(model.scroll.min(last)).take(detail_height);
    draw(frame, area, head_height + table_height.min(wanted), detail);
    draw(frame, area, height - foot_height, foot.into_iter().take(foot_height));
}

/// The first row that is shown, so that the chosen one is.
fn first_visible(chosen: usize, rows: usize, visible: usize) -> usize {
    let last = rows.saturating_sub(visible);
    chosen.saturating_sub(visible / 2).min(last)
}

fn draw(frame: &mut Frame<'_>, area: Rect, from: usize, lines: impl Iterator<Item = Line<'static>>) {
    for (index, line) in lines.enumerate() {
        let Ok(row) = u16::try_from(from + index) else { return };
        if row >= area.height {
            return;
        }
        frame.buffer_mut().set_line(area.x, area.y + row, &line, area.width);
    }
}

/// What was answered, and which keys there are.
fn foot(model: &Model, looks: Looks, cells: usize, now: SystemTime) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(word) = model.acting {
        lines.push(looks.line(Tone::Strong, text::fit(&format!("{word}: the server is asked …"), cells)));
    } else if let Some(said) = &model.said {
        let tone = if said.is_error { Tone::Bad } else { Tone::Good };
        lines.extend(text::wrap(&said.text, cells, 3).into_iter().map(|line| looks.line(tone, line)));
    }
    if let Some(ended) = model.ended {
        lines.push(looks.line(Tone::Strong, text::fit(&over(model, ended, now), cells)));
    }
    let keys = if model.rollout.is_none() {
        "q quit"
    } else if cells >= 100 {
        "↑↓ choose  Enter reasons  s errors/p99  p pause  r resume  w weight  P promote  b roll back  q quit"
    } else if cells >= 60 {
        "↑↓ Enter why  p pause  r resume  w weight  P promote  b back  q quit"
    } else {
        "↑↓ Enter p r w P b s q"
    };
    lines.push(looks.line(Tone::Quiet, text::fit(keys, cells)));
    lines
}

fn over(model: &Model, ended: SystemTime, now: SystemTime) -> String {
    let phase = model.rollout.as_ref().map_or(Phase::Unknown, |rollout| rollout.phase);
    let is_experiment = model.rollout.as_ref().is_some_and(|rollout| rollout.experiment.is_some());
    let how =
        if is_experiment && phase == Phase::RolledBack { "the experiment".into() } else { phase.label() };
    if model.stays {
        return format!("ended: {how}. q closes the screen.");
    }
    let left = super::model::LINGER.saturating_sub(now.duration_since(ended).unwrap_or_default());
    let left = duration(std::time::Duration::from_secs(left.as_secs()));
    format!("ended: {how}. The screen closes in {left}; any key keeps it.")
}

/// A text from outside as one line of another.
fn one_line(text: &str) -> String {
    clean(&text.lines().collect::<Vec<_>>().join(" ")).into_owned()
}
