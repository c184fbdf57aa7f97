//! The reasons of the chosen row: why its verdict is what it is, where it is going, and what was done to it.

use std::time::SystemTime;

use ratatui::text::Line;

use super::super::model::{Model, baseline, canary};
use super::table::{errors, quantile, requests, state};
use super::{Looks, Tone, of_verdict, one_line, text};
use crate::model::{Arm, Component, Experiment, Reason, Rollout, Trend, Veto};
use crate::output::age;

/// Lines of one reason.
const LINES: usize = 4;

pub(super) fn lines(model: &Model, looks: Looks, cells: usize, now: SystemTime) -> Vec<Line<'static>> {
    let (Some(rollout), Some(chosen)) = (&model.rollout, model.chosen()) else { return Vec::new() };
    let mut detail = Detail { looks, cells, lines: Vec::new() };
    match &rollout.experiment {
        Some(experiment) => detail.arm(experiment, chosen),
        None => detail.component(rollout, chosen, now),
    }
    detail.lines
}

struct Detail {
    looks: Looks,
    cells: usize,
    lines: Vec<Line<'static>>,
}

impl Detail {
    fn say(&mut self, tone: Tone, words: &str) {
        let lines = text::wrap(&one_line(words), self.cells, LINES);
        self.lines.extend(lines.into_iter().map(|line| self.looks.line(tone, line)));
    }

    /// A line across.
    fn title(&mut self, name: &str) {
        let name = text::fit(name, self.cells.saturating_sub(4));
        let rest = self.cells.saturating_sub(text::width(&name) + 4);
        self.lines.push(self.looks.line(Tone::Quiet, format!("── {name} {}", "─".repeat(rest))));
    }

    fn component(&mut self, rollout: &Rollout, chosen: usize, now: SystemTime) {
        let Some(component) = rollout.components.get(chosen) else { return };
        self.title(&component.name);
        self.say(
            of_verdict(component.verdict),
            &format!(
                "{}, {}, risk {:.0} of 100; granularity {}",
                component.verdict.label(),
                state(component),
                component.risk,
                component.granularity.label()
            ),
        );
        for (name, arm) in [("baseline", baseline(&component.arms)), ("canary", canary(&component.arms))] {
            self.say(Tone::Plain, &counts(name, arm));
        }
        self.undone(component);
        self.vetoes(&component.vetoes);
        self.reasons(&component.reasons);
        self.trend(component.trend.as_ref());
        for chart in component.charts.iter().filter(|chart| !chart.broken.is_empty()) {
            let since = chart.since.as_ref().map(|at| age(at.age(now))).unwrap_or_default();
            self.say(Tone::Unsure, &format!("chart: {} {since}", chart.text));
        }
    }

    fn undone(&mut self, component: &Component) {
        if component.rolled_back {
            self.say(Tone::Bad, &format!("rolled back: {}", component.rolled_back_because));
        }
        if component.switched_off {
            self.say(Tone::Bad, &format!("switched off: {}", component.switched_off_because));
        }
        for block in &component.blocks {
            if let (Some(version), Some(because)) = (&block.restored, &block.restored_because) {
                self.say(Tone::Bad, &format!("block {} returned to {version}: {because}", block.name));
            } else if let Some(evidence) = &block.evidence {
                self.say(Tone::Plain, &evidence.text);
            }
        }
    }

    fn arm(&mut self, experiment: &Experiment, chosen: usize) {
        let Some(arm) = experiment.arms.get(chosen) else { return };
        self.title(&arm.name);
        if let Some(because) = &arm.stopped_because {
            self.say(Tone::Bad, &format!("stopped: {because}"));
        }
        for result in &experiment.results {
            let scope = result.component.as_deref().unwrap_or("(all)");
            for one in result.arms.iter().filter(|one| one.arm == arm.name) {
                self.say(Tone::Plain, &format!("{scope}: {}", one.text));
            }
        }
        self.vetoes(&arm.vetoes);
        self.reasons(&arm.reasons);
    }

    fn vetoes(&mut self, vetoes: &[Veto]) {
        if !vetoes.is_empty() {
            let says = vetoes.iter().map(|veto| veto.label()).collect::<Vec<_>>().join(", ");
            self.say(Tone::Unsure, &format!("not undone: {says}"));
        }
    }

    fn reasons(&mut self, reasons: &[Reason]) {
        if reasons.is_empty() {
            self.say(Tone::Quiet, "nothing was compared yet");
        }
        for reason in reasons {
            let says = format!("{}: {}. {}", reason.signal, reason.verdict.label(), reason.text);
            let tone = if of_verdict(reason.verdict) == Tone::Bad { Tone::Bad } else { Tone::Plain };
            self.say(tone, &says);
        }
    }

    fn trend(&mut self, trend: Option<&Trend>) {
        match trend {
            Some(trend) => {
                self.say(Tone::Plain, &format!("forecast: {}. {}", trend.prediction.label(), trend.text))
            }
            None => self.say(Tone::Quiet, "forecast: not known"),
        }
    }
}

fn counts(name: &str, arm: Option<&Arm>) -> String {
    format!(
        "{name}: {} requests in the last 60 s, errors {}, p50 {}, p99 {}",
        requests(arm),
        errors(arm),
        quantile(arm, |arm| arm.latency_p50_us),
        quantile(arm, |arm| arm.latency_p99_us)
    )
}
