//! How the evidence of a signal grew towards the value at which it acts.

use maud::{Markup, html};
use serin_proto::admin::v1::EvidencePath;

use super::{Figure, Plot, Table, Tick, line, thinned, times};
use crate::{clock, reasons, words};

/// One figure for each signal.
pub(crate) fn figures(paths: &[EvidencePath]) -> Markup {
    html! { @for (index, path) in paths.iter().enumerate() { (figure(path, index)) } }
}

fn figure(path: &EvidencePath, index: usize) -> Markup {
    let (Some(first), Some(last)) = (path.points.first(), path.points.last()) else { return html! {} };
    let highest =
        path.points.iter().map(|point| point.log_evidence).fold(path.log_threshold, f64::max).max(1.0) * 1.1;
    let (from, to) =
        (words::float(first.second), words::float(last.second).max(words::float(first.second) + 10.0));
    let plot = Plot::new((from, to), (0.0, highest));
    let points = path.points.iter().map(|point| plot.point(words::float(point.second), point.log_evidence));
    let (left, right) = (plot.x.at(from), plot.x.at(to));
    let limit = plot.y.at(path.log_threshold).round();
    let drawing = html! {
        (plot.frame((&times(from, to), "time"), (&odds_ticks(highest), "odds that it is worse, each line ten times or more")))
        path class="line limit" d=(format!("M{left} {limit}H{right}")) {}
        text class="limit-text" x=(left + 4.0) y=(limit - 4.0) { "acts at " (words::odds(path.log_threshold)) }
        path class="line canary" d=(line(points)) {}
    };
    let row = |point: &serin_proto::admin::v1::EvidencePoint| {
        vec![clock::time(point.second * 1_000), words::odds(point.log_evidence)]
    };
    let figure = Figure {
        id: &format!("evidence-{index}"),
        title: &format!("Evidence so far: {}", words::signal(&path.signal)),
        sentence: sentence(path, last.log_evidence),
        legend: html! {},
        drawing,
        table: Table {
            head: vec!["Time".to_owned(), "Odds".to_owned()],
            rows: thinned(&path.points, 60).map(row).collect(),
        },
    };
    figure.show()
}

fn sentence(path: &EvidencePath, newest: f64) -> String {
    let what = reasons::capital(words::signal(&path.signal));
    let threshold = words::odds(path.log_threshold);
    if newest <= 0.0 {
        return format!("{what}: nothing speaks against “within the margin”; acts at odds of {threshold}.");
    }
    let reached = if newest >= path.log_threshold {
        "The threshold is reached."
    } else {
        "Below the threshold nothing is undone."
    };
    format!(
        "{what}: odds {} against “within the margin”; acts at {threshold}. {reached}",
        words::odds(newest)
    )
}

/// Powers of ten, few enough to be read.
fn odds_ticks(highest: f64) -> Vec<Tick> {
    let decades = words::whole((highest / std::f64::consts::LN_10).floor().clamp(0.0, 300.0));
    let every = decades.div_ceil(5).max(1);
    let shown = |decade: u64| {
        if decade <= 6 {
            words::count(10_u64.pow(u32::try_from(decade).unwrap_or_default()))
        } else {
            format!("10^{decade}")
        }
    };
    (0..=decades)
        .filter(|decade| decade % every == 0)
        .map(|decade| (words::float(decade) * std::f64::consts::LN_10, shown(decade)))
        .collect()
}
