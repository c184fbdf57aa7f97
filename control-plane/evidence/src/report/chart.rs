//! Charts as SVG, drawn from numbers alone.

mod draw;

use std::collections::BTreeMap;

use draw::{Chart, Line, Mark, Scale};

use super::facts::Facts;
use super::impact::Tally;

const BASELINE: &str = "#3366aa";
const CANARY: &str = "#cc3311";
const THRESHOLD: &str = "#555555";
/// Seconds before the onset that are shown.
const BEFORE_S: u64 = 180;
/// Seconds that are shown where no onset is known.
const WHOLE_S: u64 = 600;

/// All charts, by the name of their file.
pub(super) fn all(facts: &Facts, stem: &str) -> Vec<(String, String)> {
    let charts = [("errors", errors(facts)), ("evidence", evidence(facts)), ("weight", weights(facts))];
    charts.into_iter().map(|(name, chart)| (format!("{stem}-{name}.svg"), chart.svg())).collect()
}

fn chart(facts: &Facts, title: &str, scale: Scale, lines: Vec<Line>) -> Chart {
    let decided = facts.main.at.second();
    let onset = facts.decision.onset_second;
    let from = onset.map_or(decided.saturating_sub(WHOLE_S), |onset| onset.saturating_sub(BEFORE_S));
    let until = facts.aftermath.as_ref().map_or(decided + 10, |after| after.until_second.max(decided + 10));
    let mut marks = vec![Mark { second: decided, says: "decision".to_owned(), before: false }];
    if let Some(second) = onset {
        marks.push(Mark { second, says: "first bad second".to_owned(), before: true });
    }
    Chart { title: title.to_owned(), scale, from, until, zero: decided, marks, lines }
}

/// Share of failed requests of both arms, slot by slot.
fn errors(facts: &Facts) -> Chart {
    let mut slots = BTreeMap::<(bool, u64), Tally>::new();
    for slot in &facts.counts.slots {
        let tally = slots.entry((slot.arm == "baseline", slot.second)).or_default();
        tally.add(slot.finished, slot.failed);
    }
    let line = |is_baseline: bool| {
        let of_arm =
            slots.iter().filter(|((baseline, _), tally)| *baseline == is_baseline && tally.finished > 0);
        of_arm.map(|((_, second), tally)| (*second, tally.rate() * 100.0)).collect()
    };
    let lines = vec![
        Line {
            name: "baseline".to_owned(),
            colour: BASELINE,
            dashed: false,
            stepped: false,
            points: line(true),
        },
        Line {
            name: "canary".to_owned(),
            colour: CANARY,
            dashed: false,
            stepped: false,
            points: line(false),
        },
    ];
    chart(facts, "Failed requests in %", Scale::FromZero, lines)
}

/// The strongest evidence at the decision, and its threshold.
fn evidence(facts: &Facts) -> Chart {
    let last = facts.path.points.last();
    let margin = |one: &crate::documents::SeriesValue| one.log_evidence - one.log_threshold;
    let strongest =
        last.and_then(|last| last.series.iter().max_by(|one, other| margin(one).total_cmp(&margin(other))));
    let (mut grown, mut threshold) = (Vec::new(), Vec::new());
    let mut title = "Evidence against the canary, as a power of 10".to_owned();
    if let Some(strongest) = strongest {
        let scope = if strongest.scope.is_empty() { "the version" } else { &strongest.scope };
        title = format!("Evidence against {scope} ({}), as a power of 10", strongest.signal.name());
        for point in &facts.path.points {
            let is_it = |one: &&crate::documents::SeriesValue| {
                one.scope == strongest.scope && one.signal == strongest.signal
            };
            let Some(value) = point.series.iter().find(is_it) else { continue };
            let power = |log: f64| log / std::f64::consts::LN_10;
            grown.push((point.at.second(), power(value.log_evidence)));
            threshold.push((point.at.second(), power(value.log_threshold)));
        }
    }
    let lines = vec![
        Line { name: "evidence".to_owned(), colour: CANARY, dashed: false, stepped: false, points: grown },
        Line {
            name: "threshold".to_owned(),
            colour: THRESHOLD,
            dashed: true,
            stepped: false,
            points: threshold,
        },
    ];
    chart(facts, &title, Scale::Any, lines)
}

/// The canary's weight, and what the decision made of it.
fn weights(facts: &Facts) -> Chart {
    let percent = |ppm: u32| f64::from(ppm) / 10_000.0;
    let points = facts.path.points.iter().map(|point| (point.at.second(), percent(point.weight_ppm)));
    let decided = facts.main.at.second();
    let until = facts.aftermath.as_ref().map_or(decided + 10, |after| after.until_second.max(decided + 10));
    let after = percent(facts.decision.weight_after_ppm);
    let points = points.chain([(decided, after), (until, after)]).collect();
    let lines =
        vec![Line { name: "canary".to_owned(), colour: CANARY, dashed: false, stepped: true, points }];
    chart(facts, "Weight of the canary in %", Scale::FromZero, lines)
}
