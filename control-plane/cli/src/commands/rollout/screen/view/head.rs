//! What is above the table: which rollout, what is happening, how far it is, how sure the verdict is, and everything that
//! holds it.

use std::time::{Duration, SystemTime};

use ratatui::text::Line;

use super::super::model::Model;
use super::{Looks, Tone, of_phase, of_verdict, one_line, text};
use crate::commands::rollout::view;
use crate::model::{
    Action, Finding, HookRun, Moment, OutsideReading, Phase, Prediction, Reason, Rollback, Rollout, Verdict,
    Veto,
};
use crate::output::{age, duration, percent};

/// Cells of the names of values, and the most that a bar takes.
const NAME: usize = 9;
const BAR: usize = 40;
/// Lines of each list; of more it says how many.
const LISTED: usize = 4;

pub(super) fn lines(model: &Model, looks: Looks, cells: usize, now: SystemTime) -> Vec<Line<'static>> {
    let Some(rollout) = &model.rollout else { return connecting(model, looks, cells, now) };
    let head = Head { looks, cells, now };
    let mut lines = Vec::new();
    if let Some(silent) = model.stale(now) {
        let silent = duration(Duration::from_secs(silent.as_secs()));
        let text = format!("no data for {silent}: reconnecting, last state shown");
        lines.extend(text::wrap(&text, cells, 2).into_iter().map(|line| looks.line(Tone::Bad, line)));
    }
    lines.push(head.title(rollout));
    lines.extend(text::wrap(&one_line(&rollout.summary), cells, 3).into_iter().map(Line::from));
    if rollout.experiment.is_none() {
        lines.push(head.weight(rollout));
        lines.push(head.verdict(rollout));
        lines.extend(head.evidence(&rollout.reasons));
        lines.extend(head.forecast(rollout));
    } else {
        lines.push(head.field(
            "weight",
            Tone::Plain,
            &format!("{} on the arms together", percent(rollout.weight_ppm)),
        ));
    }
    lines.extend(head.rollback(rollout.rollback.as_ref(), rollout.phase));
    lines.extend(head.vetoes(&rollout.vetoes));
    lines.extend(head.hooks(&rollout.hooks));
    lines.extend(head.findings(&rollout.findings));
    lines.extend(head.outside(&rollout.outside));
    lines.push(Line::default());
    lines
}

/// Before the first snapshot.
fn connecting(model: &Model, looks: Looks, cells: usize, now: SystemTime) -> Vec<Line<'static>> {
    let waited = now.duration_since(model.since).unwrap_or_default().as_secs();
    let text = format!("connecting to {} for {} … {waited} s", model.server, model.asked);
    text::wrap(&text, cells, 3).into_iter().map(|line| looks.line(Tone::Strong, line)).collect()
}

struct Head {
    looks: Looks,
    cells: usize,
    now: SystemTime,
}

impl Head {
    /// Service, versions, phase and identifier, as much as there is room for.
    fn title(&self, rollout: &Rollout) -> Line<'static> {
        let phase = view::phase(rollout);
        let room = self.cells.saturating_sub(text::width(&phase) + 2);
        let name = text::fit(&rollout.service, room.max(1));
        let rest = room.saturating_sub(text::width(&name));
        let versions = text::fit(&format!("  {}", view::versions(rollout)), rest);
        let rest = rest.saturating_sub(text::width(&versions));
        let id = if rest > rollout.id.len() + 2 {
            text::fit(&format!("  {}", rollout.id), rest)
        } else {
            String::new()
        };
        Line::from(vec![
            self.looks.span(Tone::Strong, name),
            self.looks.span(Tone::Plain, versions),
            self.looks.span(Tone::Plain, "  "),
            self.looks.span(of_phase(rollout.phase), phase),
            self.looks.span(Tone::Quiet, id),
        ])
    }

    fn field(&self, name: &str, tone: Tone, value: &str) -> Line<'static> {
        let name = text::left(name, NAME.min(self.cells));
        let room = self.cells.saturating_sub(NAME);
        Line::from(vec![self.looks.span(Tone::Quiet, name), self.looks.span(tone, text::fit(value, room))])
    }

    /// A field over as many lines as it needs, at most three.
    fn words(&self, name: &str, tone: Tone, value: &str) -> Vec<Line<'static>> {
        let lines = text::wrap(value, self.cells.saturating_sub(NAME), 3);
        let named =
            |(index, line): (usize, String)| self.field(if index == 0 { name } else { "" }, tone, &line);
        lines.into_iter().enumerate().map(named).collect()
    }

    /// A bar, and what it says.
    fn measured(&self, name: &str, tone: Tone, share: f64, value: &str) -> Line<'static> {
        let bar = self.cells.saturating_sub(NAME + text::width(value) + 1).min(BAR);
        let bar = if bar < 4 { String::new() } else { text::bar(share, bar) + " " };
        self.field(name, tone, &format!("{bar}{value}"))
    }

    fn weight(&self, rollout: &Rollout) -> Line<'static> {
        let mut says = percent(rollout.weight_ppm);
        if rollout.steps > 0 && rollout.phase == Phase::Progressing {
            let step = rollout.step.saturating_add(1).min(rollout.steps);
            says.push_str(&format!(", step {step} of {}", rollout.steps));
        }
        if let Some(since) = &rollout.changed_at {
            let lasts = Duration::from_secs(since.age(self.now).as_secs());
            says.push_str(&format!(" for {}", duration(lasts)));
        }
        self.measured("weight", Tone::Plain, f64::from(rollout.weight_ppm) / 1_000_000.0, &says)
    }

    fn verdict(&self, rollout: &Rollout) -> Line<'static> {
        let mut says = format!("{}, risk {:.0} of 100", rollout.verdict.label(), rollout.risk);
        if matches!(rollout.action, Action::Hold | Action::HoldAndPage | Action::Rollback) {
            says.push_str(&format!(", asks for: {}", rollout.action.label()));
        }
        self.field("verdict", of_verdict(rollout.verdict), &says)
    }

    /// How near the nearest signal is to the threshold of harm.
    fn evidence(&self, reasons: &[Reason]) -> Option<Line<'static>> {
        let (signal, share) = nearest(reasons)?;
        let tone = if share >= 1.0 { Tone::Bad } else { Tone::Plain };
        let says = format!("{:.0} % of what proves harm ({signal})", (share * 100.0).clamp(0.0, 999.0));
        Some(self.measured("evidence", tone, share, &says))
    }

    fn forecast(&self, rollout: &Rollout) -> Vec<Line<'static>> {
        let Some(trend) = &rollout.trend else { return Vec::new() };
        let tone = match trend.prediction {
            Prediction::Quiet => Tone::Plain,
            Prediction::Ahead | Prediction::Unknown => Tone::Unsure,
            Prediction::Imminent => Tone::Bad,
        };
        let says = format!("{}. {}", trend.prediction.label(), one_line(&trend.text));
        self.words("forecast", tone, &says)
    }

    fn rollback(&self, rollback: Option<&Rollback>, phase: Phase) -> Vec<Line<'static>> {
        let Some(rollback) = rollback else { return Vec::new() };
        let (what, stands) = (rollback.subject(), rollback.standing());
        let since = moment(rollback.decided_at.as_ref(), self.now);
        let tone = if rollback.verified { Tone::Plain } else { Tone::Bad };
        let mut lines = self.words("rollback", tone, &format!("{what}, decided {since}: {stands}"));
        if rollback.stage.is_empty() && phase != Phase::RollingBack && rollback.verified {
            return lines;
        }
        for stage in rollback.stages.iter().take(LISTED) {
            let says = format!("{}: {}. {}", stage.stage, stage.outcome, one_line(&stage.text));
            lines.push(self.field("", Tone::Plain, &says));
        }
        lines
    }

    fn vetoes(&self, vetoes: &[Veto]) -> Vec<Line<'static>> {
        if vetoes.is_empty() {
            return Vec::new();
        }
        let says = vetoes.iter().map(|veto| veto.label()).collect::<Vec<_>>().join(", ");
        self.words("held by", Tone::Unsure, &format!("not undone: {says}"))
    }

    /// Those that are waited for, and those that failed.
    fn hooks(&self, hooks: &[HookRun]) -> Vec<Line<'static>> {
        let waits = |run: &&HookRun| run.state == "running" || run.state == "failed";
        let says = |run: &HookRun| {
            let said = one_line(run.said.lines().last().unwrap_or_default());
            format!(
                "{} {}: {}, {} attempts  {said}",
                run.point.replace('_', " "),
                run.name,
                run.state,
                run.attempts
            )
        };
        let tone = |run: &HookRun| if run.state == "failed" { Tone::Bad } else { Tone::Unsure };
        let runs: Vec<_> = hooks.iter().filter(waits).map(|run| (tone(run), says(run))).collect();
        self.listed("hook", &runs)
    }

    /// Harms that logs or users tell of, from half of what proves them on.
    fn findings(&self, findings: &[Finding]) -> Vec<Line<'static>> {
        let is_near = |one: &&Finding| {
            let share = one.log_evidence / one.log_threshold.max(f64::MIN_POSITIVE);
            one.harmful && (one.verdict == Verdict::Regressed || share >= 0.5)
        };
        let tone = |one: &Finding| match one.verdict {
            Verdict::Regressed => Tone::Bad,
            Verdict::Healthy | Verdict::Inconclusive | Verdict::Unknown => Tone::Unsure,
        };
        let says = |one: &Finding| format!("{}: {}", one.source, one_line(&one.text));
        let near: Vec<_> = findings.iter().filter(is_near).map(|one| (tone(one), says(one))).collect();
        self.listed("told by", &near)
    }

    fn outside(&self, readings: &[OutsideReading]) -> Vec<Line<'static>> {
        let says = |one: &OutsideReading| {
            format!("{} {}: {}. {}", one.kind.replace('_', " "), one.name, one.state, one_line(&one.text))
        };
        let tone = |one: &OutsideReading| match one.state.as_str() {
            "fired" | "unhealthy" => Tone::Bad,
            _ => Tone::Unsure,
        };
        let loud = readings.iter().filter(|one| !is_quiet(one));
        let loud: Vec<_> = loud.map(|one| (tone(one), says(one))).collect();
        self.listed("outside", &loud)
    }

    fn listed(&self, name: &str, items: &[(Tone, String)]) -> Vec<Line<'static>> {
        let mut lines: Vec<_> = items
            .iter()
            .take(LISTED)
            .enumerate()
            .map(|(index, (tone, says))| self.field(if index == 0 { name } else { "" }, *tone, says))
            .collect();
        if let Some(more) = items.len().checked_sub(LISTED).filter(|more| *more > 0) {
            lines.push(self.field("", Tone::Quiet, &format!("and {more} more")));
        }
        lines
    }
}

/// Nothing that a person has to know of.
fn is_quiet(reading: &OutsideReading) -> bool {
    !reading.silent && matches!(reading.state.as_str(), "idle" | "quiet" | "value" | "healthy")
}

/// The signal whose evidence of harm is the nearest to its threshold, and how near.
pub(super) fn nearest(reasons: &[Reason]) -> Option<(String, f64)> {
    let shares = reasons.iter().filter(|reason| reason.log_threshold > 0.0);
    let shares =
        shares.map(|reason| (reason.signal.clone(), (reason.log_evidence / reason.log_threshold).max(0.0)));
    shares.filter(|(_, share)| share.is_finite()).max_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn moment(at: Option<&Moment>, now: SystemTime) -> String {
    at.map_or_else(|| "at an unknown time".to_owned(), |at| age(at.age(now)))
}
