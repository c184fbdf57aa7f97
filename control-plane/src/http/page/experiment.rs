//! Experiments on the status page: one row for each component and arm.

use std::fmt::{self, Write};

use serin_analysis::Difference;
use serin_rollout::{Phase, Seen};

use super::{Percent, Text};
use crate::snapshot::{Experiment, Snapshot};
use crate::words;

/// The phase in the words of an experiment.
pub(super) fn phase(rollout: &Snapshot) -> String {
    let word = match rollout.phase {
        Phase::Progressing => "running",
        Phase::RolledBack => "ended",
        Phase::WarmingUp
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Promoted
        | Phase::Failed => words::phase(rollout.phase),
    };
    word.replace('_', " ")
}

pub(super) fn versions(experiment: &Experiment) -> String {
    experiment.arms.iter().map(|arm| arm.version.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn results(page: &mut String, experiment: &Experiment) -> fmt::Result {
    page.push_str(
        "<table><thead><tr><th>Component</th><th>Arm</th><th>Requests</th><th>Failed</th><th>Difference</th>\
         <th>Median</th><th>p99</th><th>Conclusion</th></tr></thead><tbody>",
    );
    for result in &experiment.results {
        let component = result.component.as_deref().unwrap_or("(all)");
        let weight = experiment.control_weight_ppm;
        row(page, component, &experiment.control, weight, &result.control)?;
        page.push_str("<td></td><td></td><td></td><td>control</td></tr>");
        for arm in &result.arms {
            let known = experiment.arms.iter().find(|known| known.name == arm.data.name);
            row(page, component, &arm.data.name, known.map_or(0, |known| known.weight_ppm), &arm.data.seen)?;
            cell(page, arm.data.comparison.error_rate, |share| format!("{:+.3} pp", share * 100.0))?;
            cell(page, arm.data.comparison.p50, ratio)?;
            cell(page, arm.data.comparison.p99, ratio)?;
            let stopped = known.and_then(|known| known.stopped_because.as_deref());
            let stopped = stopped.map(|because| format!("; stopped: {because}")).unwrap_or_default();
            write!(page, "<td>{}{}</td></tr>", Text(&arm.text), Text(&stopped))?;
        }
    }
    page.push_str("</tbody></table>");
    Ok(())
}

fn row(page: &mut String, component: &str, arm: &str, weight_ppm: u32, seen: &Seen) -> fmt::Result {
    let (requests, failed) = (seen.requests, seen.failed);
    write!(
        page,
        "<tr><td>{}</td><td>{} ({})</td><td class=\"figures\">{requests}</td><td class=\"figures\">{failed}</td>",
        Text(component),
        Text(arm),
        Percent(weight_ppm)
    )
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

fn cell(page: &mut String, difference: Option<Difference>, show: impl Fn(f64) -> String) -> fmt::Result {
    let Some(Difference { interval, .. }) = difference else { return page.write_str("<td>–</td>") };
    let shown = format!("{} ({} to {})", show(interval.estimate), show(interval.low), show(interval.high));
    write!(page, "<td class=\"figures\">{}</td>", Text(&shown))
}
