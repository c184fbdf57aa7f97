//! Experiments as text for people.

use std::time::{Duration, SystemTime};

use super::{applied, moment, reasons, vetoes};
use crate::model::{
    ArmDifference, ArmResult, ArmTotals, Experiment, ExperimentArm, ExperimentResult, Phase, Rollout,
};
use crate::output::{Sheet, count, duration, latency, percent};

/// Where an experiment stands: it has no steps, and its end undoes no version.
pub(super) fn phase(phase: Phase) -> String {
    match phase {
        Phase::Progressing => "running".to_owned(),
        Phase::RolledBack => "ended".to_owned(),
        Phase::WarmingUp
        | Phase::Paused
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Promoted
        | Phase::Failed
        | Phase::Unknown => phase.label(),
    }
}

/// Those of the arms.
pub(super) fn versions(experiment: &Experiment) -> String {
    experiment.arms.iter().map(|arm| arm.version.as_str()).collect::<Vec<_>>().join(", ")
}

/// One line per change.
pub(super) fn change(rollout: &Rollout, experiment: &Experiment) -> String {
    let mut line =
        format!("{}  {}  weight {}", rollout.id, phase(rollout.phase), percent(rollout.weight_ppm));
    let whole = experiment.results.iter().find(|result| result.component.is_none());
    for arm in whole.iter().flat_map(|result| &result.arms) {
        line.push_str(&format!("  {}: {}", arm.arm, arm.text));
    }
    if !rollout.summary.is_empty() {
        line.push_str(&format!("  {}", rollout.summary));
    }
    line
}

pub(super) fn status(rollout: &Rollout, experiment: &Experiment, now: SystemTime) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("Experiment", &rollout.id);
    sheet.field("Service", &rollout.service);
    sheet.field("Versions", &super::versions(rollout));
    sheet.field("Phase", &phase(rollout.phase));
    if let Some(seconds) = experiment.duration_s {
        sheet.field("Duration", &duration(Duration::from_secs(seconds)));
    }
    sheet.field("Applied", &applied(rollout));
    sheet.field("Created", &moment(rollout.created_at.as_ref(), now));
    sheet.field("Changed", &moment(rollout.changed_at.as_ref(), now));
    sheet.field("Summary", &rollout.summary);
    super::rollback(&mut sheet, rollout.rollback.as_ref(), now);
    arms(&mut sheet, rollout, experiment);
    results(&mut sheet, experiment);
    sheet
}

fn arms(sheet: &mut Sheet, rollout: &Rollout, experiment: &Experiment) {
    sheet.blank();
    let control = [
        experiment.control.clone(),
        rollout.baseline_version.clone(),
        percent(experiment.control_weight_ppm),
        "control".to_owned(),
    ];
    let row = |arm: &ExperimentArm| {
        let state = match (&arm.stopped_because, arm.weight_ppm) {
            (Some(_), _) => "stopped",
            (None, 0) => "not running",
            (None, _) => "running",
        };
        [arm.name.clone(), arm.version.clone(), percent(arm.weight_ppm), state.to_owned()]
    };
    let rows = std::iter::once(control).chain(experiment.arms.iter().map(row));
    sheet.table(["ARM", "VERSION", "WEIGHT", "STATE"], rows);
    for arm in &experiment.arms {
        if let Some(because) = &arm.stopped_because {
            sheet.line(&format!("{} was stopped: {because}", arm.name));
        }
        vetoes(sheet, &format!("{}: not stopped", arm.name), &arm.vetoes);
        if arm.stopped_because.is_none() {
            reasons(sheet, &format!("Guard of {}", arm.name), &arm.reasons);
        }
    }
}

fn results(sheet: &mut Sheet, experiment: &Experiment) {
    if experiment.results.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line(&format!(
        "Since it began, without warm-up and pauses; each interval holds at all times with {}",
        percent(experiment.confidence_ppm)
    ));
    let header = [
        "COMPONENT",
        "ARM",
        "REQUESTS",
        "ERRORS",
        "DIFFERENCE",
        "P50",
        "P50 RATIO",
        "P99",
        "P99 RATIO",
        "CONCLUSION",
    ];
    sheet.table(header, experiment.results.iter().flat_map(|result| rows(experiment, result)));
}

/// The control, then each arm; each row complete, so that `grep` finds it.
fn rows(experiment: &Experiment, result: &ExperimentResult) -> Vec<[String; 10]> {
    let component = result.component.clone().unwrap_or_else(|| "(all)".to_owned());
    let row = |arm: &str, totals: &ArmTotals, [errors, p50, p99]: [String; 3], says: &str| {
        [
            component.clone(),
            arm.to_owned(),
            count(totals.requests),
            rate(totals),
            errors,
            shown(totals.latency_p50_us),
            p50,
            shown(totals.latency_p99_us),
            p99,
            says.to_owned(),
        ]
    };
    let control = row(&experiment.control, &result.control, Default::default(), "control");
    let of = |arm: &ArmResult| {
        let errors = interval(arm.error_rate, |share| format!("{:+.3}pp", share * 100.0));
        let ratio = |difference| interval(difference, ratio);
        row(&arm.arm, &arm.totals, [errors, ratio(arm.latency_p50), ratio(arm.latency_p99)], &arm.text)
    };
    std::iter::once(control).chain(result.arms.iter().map(of)).collect()
}

fn rate(totals: &ArmTotals) -> String {
    if totals.requests == 0 {
        return String::new();
    }
    format!("{:.3}%", totals.failed as f64 / totals.requests as f64 * 100.0)
}

fn shown(microseconds: Option<u64>) -> String {
    microseconds.map_or_else(String::new, latency)
}

/// Beyond a hundred times either way nothing bounds it yet.
fn ratio(ratio: f64) -> String {
    if ratio > 100.0 {
        ">100".to_owned()
    } else if ratio < 0.01 {
        "<0.01".to_owned()
    } else {
        format!("{ratio:.3}")
    }
}

/// `estimate [low, high]`.
fn interval(difference: Option<ArmDifference>, show: impl Fn(f64) -> String) -> String {
    let Some(ArmDifference { estimate, low, high, .. }) = difference else { return String::new() };
    format!("{} [{}, {}]", show(estimate), show(low), show(high))
}
