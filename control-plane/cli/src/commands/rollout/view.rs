//! Rollouts as text for people.

mod experiment;
mod finding;
mod outside;

use std::time::SystemTime;

use crate::model::{
    Action, Arm, BaselineUsed, Component, HookRun, Moment, Phase, Prediction, Reason, Rollback,
    RollbackStage, Rollout, Veto,
};
use crate::output::{Sheet, age, count, latency, percent};

/// Answers an act on one line, and says how to look further.
pub(super) fn done(rollout: &Rollout, what: &str) -> Sheet {
    let mut sheet = Sheet::of(&format!("{} ({}): {what}.", rollout.id, rollout.service));
    if !rollout.summary.is_empty() {
        sheet.line(&rollout.summary);
    }
    if !rollout.phase.is_terminal() {
        sheet.line(&format!("Follow it with `serin rollout watch {}`.", rollout.id));
    }
    sheet
}

/// The same of a new rollout, with what it took where its plan is silent.
pub(super) fn created(rollout: &Rollout, what: &str) -> Sheet {
    let mut sheet = done(rollout, what);
    taken(rollout).iter().for_each(|line| sheet.line(line));
    sheet
}

/// What a rollout took and did not take, a line each.
pub(super) fn taken(rollout: &Rollout) -> Vec<String> {
    let taken = rollout.taken.iter().map(|one| format!("Taken where the plan is silent: {}.", one.text));
    let not_taken = rollout.not_taken.iter().map(|one| format!("{}: {}.", one.component, one.text));
    taken.chain(not_taken).collect()
}

pub(super) fn list(rollouts: &[Rollout], service: Option<&str>, now: SystemTime) -> Sheet {
    if rollouts.is_empty() {
        let scope = service.map_or_else(String::new, |service| format!(" of {service}"));
        return Sheet::of(&format!(
            "No rollouts{scope} yet. Start one with `serin rollout create -f plan.yaml`."
        ));
    }
    let mut sheet = Sheet::default();
    let header = ["ID", "SERVICE", "VERSIONS", "PHASE", "STEP", "WEIGHT", "VERDICT", "CHANGED"];
    sheet.table(header, rollouts.iter().map(|rollout| row(rollout, now)));
    sheet
}

fn row(rollout: &Rollout, now: SystemTime) -> [String; 8] {
    [
        rollout.id.clone(),
        rollout.service.clone(),
        versions(rollout),
        phase(rollout),
        step(rollout),
        percent(rollout.weight_ppm),
        if rollout.experiment.is_some() { String::new() } else { rollout.verdict.label() },
        rollout.changed_at.as_ref().map_or_else(|| "unknown".to_owned(), |at| age(at.age(now))),
    ]
}

/// One line per change, for logs and pipes.
pub(super) fn change(rollout: &Rollout) -> String {
    let rolled_back: Vec<&str> = rollout
        .components
        .iter()
        .filter(|component| component.rolled_back)
        .map(|component| component.name.as_str())
        .collect();
    if let Some(experiment) = &rollout.experiment {
        return experiment::change(rollout, experiment);
    }
    let mut line = format!(
        "{}  {}  step {}  weight {}  {}",
        rollout.id,
        rollout.phase.label(),
        step(rollout),
        percent(rollout.weight_ppm),
        rollout.verdict.label(),
    );
    if !rolled_back.is_empty() {
        line.push_str(&format!("  rolled back: {}", rolled_back.join(", ")));
    }
    if !rollout.summary.is_empty() {
        line.push_str(&format!("  {}", rollout.summary));
    }
    line
}

pub(super) fn status(rollout: &Rollout, now: SystemTime) -> Sheet {
    if let Some(experiment) = &rollout.experiment {
        return experiment::status(rollout, experiment, now);
    }
    let mut sheet = Sheet::default();
    sheet.field("Rollout", &rollout.id);
    sheet.field("Service", &rollout.service);
    sheet.field("Versions", &versions(rollout));
    sheet.field("Phase", &rollout.phase.label());
    if rollout.phase == Phase::Progressing {
        sheet.field("Step", &step(rollout));
    }
    sheet.field("Weight", &percent(rollout.weight_ppm));
    let asks = match rollout.action {
        Action::Continue | Action::Unknown => String::new(),
        Action::Hold | Action::HoldAndPage | Action::Rollback => {
            format!(", asks for: {}", rollout.action.label())
        }
    };
    sheet.field("Verdict", &format!("{}{asks}", rollout.verdict.label()));
    sheet.field("Applied", &applied(rollout));
    sheet.field("Created", &moment(rollout.created_at.as_ref(), now));
    sheet.field("Changed", &moment(rollout.changed_at.as_ref(), now));
    sheet.field("Summary", &rollout.summary);
    rollback(&mut sheet, rollout.rollback.as_ref(), now);
    vetoes(&mut sheet, "Not undone", &rollout.vetoes);
    reasons(&mut sheet, "Why", &rollout.reasons);
    if let Some(trend) = &rollout.trend {
        sheet.line(&format!("  trend: {}. {}", trend.prediction.label(), trend.text));
    }
    components(&mut sheet, &rollout.components);
    hooks(&mut sheet, &rollout.hooks);
    finding::findings(&mut sheet, &rollout.sources, &rollout.findings);
    outside::readings(&mut sheet, &rollout.outside);
    sheet
}

/// Runs of hooks, oldest first.
fn hooks(sheet: &mut Sheet, hooks: &[HookRun]) {
    if hooks.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line("Hooks");
    let rows = hooks.iter().map(|run| {
        let is_step = run.point == "before_step";
        let point = if is_step { format!("{} {}", run.point, run.occurrence + 1) } else { run.point.clone() };
        let again = if run.round > 1 { format!("{} (again)", run.name) } else { run.name.clone() };
        let said = run.said.lines().last().unwrap_or_default().chars().take(80).collect();
        [point, again, run.state.clone(), run.attempts.to_string(), said]
    });
    sheet.table(["POINT", "NAME", "STATE", "ATTEMPTS", "SAID"], rows);
}

/// How far the newest rollback got, a line for each stage.
pub(super) fn rollback(sheet: &mut Sheet, rollback: Option<&Rollback>, now: SystemTime) {
    let Some(rollback) = rollback else { return };
    let (what, stands) = (rollback.subject(), rollback.standing());
    let since = moment(rollback.decided_at.as_ref(), now);
    sheet.field("Rollback", &format!("{what}, decided {since}: {stands}"));
    for RollbackStage { stage, outcome, text, .. } in &rollback.stages {
        sheet.line(&format!("  {stage}: {outcome}. {text}"));
    }
}

/// Why a regression that shows is not undone; the summary has the sentence.
fn vetoes(sheet: &mut Sheet, title: &str, vetoes: &[Veto]) {
    if !vetoes.is_empty() {
        sheet.field(title, &vetoes.iter().map(|veto| veto.label()).collect::<Vec<_>>().join(", "));
    }
}

fn reasons(sheet: &mut Sheet, title: &str, reasons: &[Reason]) {
    if reasons.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(title);
    for Reason { signal, verdict, baseline_used, text, .. } in reasons {
        let beside = match baseline_used {
            BaselineUsed::Concurrent => String::new(),
            BaselineUsed::Profile
            | BaselineUsed::PreviousDeployment
            | BaselineUsed::Thresholds
            | BaselineUsed::Nothing
            | BaselineUsed::Unknown => format!(", compared with: {}", baseline_used.label()),
        };
        sheet.line(&format!("  {signal}: {}{beside}. {text}", verdict.label()));
    }
}

fn components(sheet: &mut Sheet, components: &[Component]) {
    sheet.blank();
    if components.is_empty() {
        sheet.line("No components.");
        return;
    }
    sheet.line("Components (the last 60 seconds)");
    let header = ["NAME", "ROLLBACK", "STATE", "VERDICT", "ARM", "REQUESTS", "ERRORS", "P50", "P99"];
    sheet.table(header, components.iter().flat_map(component_rows));
    for component in components {
        if component.rolled_back {
            sheet.line(&format!("{} was rolled back: {}", component.name, component.rolled_back_because));
        }
        if component.switched_off {
            sheet.line(&format!("{} was switched off: {}", component.name, component.switched_off_because));
        }
        for block in &component.blocks {
            if let (Some(version), Some(because)) = (&block.restored, &block.restored_because) {
                sheet.line(&format!("block {} was returned to {version}: {because}", block.name));
            } else if let Some(evidence) = &block.evidence {
                sheet.line(&format!("  {}", evidence.text));
            }
        }
        reasons(sheet, &format!("Why {}", component.name), &component.reasons);
        if let Some(trend) = component.trend.as_ref().filter(|trend| trend.prediction != Prediction::Quiet) {
            sheet.line(&format!("  trend: {}. {}", trend.prediction.label(), trend.text));
        }
        for chart in component.charts.iter().filter(|chart| !chart.broken.is_empty()) {
            sheet.line(&format!("  chart: {}", chart.text));
        }
    }
}

/// One row per arm, each complete, so that `grep` finds both.
fn component_rows(component: &Component) -> Vec<[String; 9]> {
    let is_restored = component.blocks.iter().any(|block| block.restored.is_some());
    let state = match component {
        Component { rolled_back: true, .. } => "rolled back",
        Component { switched_off: true, .. } => "switched off",
        Component { recovering: true, .. } => "recovering",
        _ if is_restored => "block restored",
        _ => "open",
    };
    let first =
        [component.name.clone(), component.granularity.label(), state.to_owned(), component.verdict.label()];
    let row = |arm: [String; 5]| {
        let [name, granularity, state, verdict] = first.clone();
        let [arm, requests, errors, p50, p99] = arm;
        [name, granularity, state, verdict, arm, requests, errors, p50, p99]
    };
    if component.arms.is_empty() {
        return vec![row(Default::default())];
    }
    component.arms.iter().map(|arm| row(arm_cells(arm))).collect()
}

fn arm_cells(arm: &Arm) -> [String; 5] {
    let shown = |microseconds: Option<u64>| microseconds.map_or_else(|| "-".to_owned(), latency);
    let errors = match arm.errors.saturating_mul(1_000_000).checked_div(arm.requests) {
        Some(ppm) if arm.errors != 0 => {
            format!("{} ({})", count(arm.errors), percent(u32::try_from(ppm.min(1_000_000)).unwrap_or(0)))
        }
        Some(_) | None => count(arm.errors),
    };
    [arm.arm.clone(), count(arm.requests), errors, shown(arm.latency_p50_us), shown(arm.latency_p99_us)]
}

fn applied(rollout: &Rollout) -> String {
    let Rollout { generation, vms_applied, vms_known, .. } = rollout;
    format!("generation {generation} on {vms_applied} of {vms_known} reporting VMs")
}

pub(super) fn phase(rollout: &Rollout) -> String {
    rollout.experiment.as_ref().map_or_else(|| rollout.phase.label(), |_| experiment::phase(rollout.phase))
}

pub(super) fn versions(rollout: &Rollout) -> String {
    let tried =
        rollout.experiment.as_ref().map_or_else(|| rollout.canary_version.clone(), experiment::versions);
    format!("{} → {tried}", rollout.baseline_version)
}

/// Counted from 1 for people. An experiment has none.
fn step(rollout: &Rollout) -> String {
    if rollout.experiment.is_some() {
        return String::new();
    }
    format!("{}/{}", rollout.step.saturating_add(1).min(rollout.steps), rollout.steps)
}

fn moment(at: Option<&Moment>, now: SystemTime) -> String {
    at.map_or_else(|| "unknown".to_owned(), |at| format!("{} ({})", at.to_seconds(), age(at.age(now))))
}

#[cfg(test)]
mod tests;
