//! Control charts: the minutes of one series around what is usual, with the limits within which a minute usually lies.

use maud::{Markup, html};
use serin_proto::admin::v1::{ControlChart, ControlMinute, ControlSeries};

use super::plot::marks;
use super::{Figure, Plot, Table, line, times};
use crate::{clock, words};

/// One figure for each series.
pub(crate) fn figures(series: &[ControlSeries], charts: &[ControlChart]) -> Markup {
    html! { @for (index, one) in series.iter().enumerate() { (figure(one, charts, index)) } }
}

fn figure(series: &ControlSeries, charts: &[ControlChart], index: usize) -> Markup {
    let minutes = &series.minutes;
    let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else { return html! {} };
    let is_rate = series.signal == "error_rate";
    // Shares as percent, medians as milliseconds.
    let scaled = |value: f64| if is_rate { value * 100.0 } else { value / 1_000.0 };
    let shown = |value: f64| if is_rate { words::percent(value) } else { words::latency(value) };
    let values = |minute: &ControlMinute| [minute.value, minute.lower_limit, minute.upper_limit, minute.ewma];
    let all = || minutes.iter().flat_map(values).map(scaled);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let margin = ((high - low) * 0.08).max(1e-6);
    let (low, high) = ((low - margin).max(0.0), high + margin);
    let (from, to) = (
        words::float(first.at_second),
        words::float(last.at_second).max(words::float(first.at_second) + 60.0),
    );
    let plot = Plot::new((from, to), (low, high));
    let path = |value: &dyn Fn(&ControlMinute) -> f64| {
        line(minutes.iter().map(|minute| plot.point(words::float(minute.at_second), scaled(value(minute)))))
    };
    let drawing = html! {
        (plot.frame((&times(from, to), "time"), (&marks(low, high, words::number), if is_rate { "% failed" } else { "median latency in ms" })))
        path class="line usual" d=(path(&|minute| minute.usual)) {}
        path class="line bound" d=(path(&|minute| minute.lower_limit)) {}
        path class="line bound" d=(path(&|minute| minute.upper_limit)) {}
        path class="line mean" d=(path(&|minute| minute.ewma)) {}
        @for minute in minutes { (dot(&plot, minute, scaled(minute.value), super::latency::class(&series.arm))) }
    };
    let row = |minute: &ControlMinute| {
        let mut row = vec![clock::minute(minute.at_second * 1_000)];
        row.extend(
            [minute.value, minute.usual, minute.lower_limit, minute.upper_limit, minute.ewma].map(shown),
        );
        row.push(if minute.is_out { "signals" } else { "in control" }.to_owned());
        row
    };
    let what = if is_rate { "error rate" } else { "median latency" };
    let figure = Figure {
        id: &format!("control-{index}"),
        title: &format!("Control chart: {what} of the {}", series.arm),
        sentence: sentence(series, charts),
        legend: html! { ul class="legend" {
            li { "● a minute" } li { "◯ signals" } li { "— usual" } li { "┄ limits" } li { "·· weighted mean" }
        } },
        drawing,
        table: Table {
            head: ["Minute", "Value", "Usual", "Lower limit", "Upper limit", "Weighted mean", "State"]
                .map(str::to_owned)
                .to_vec(),
            rows: minutes.iter().map(row).collect(),
        },
    };
    figure.show()
}

fn dot(plot: &Plot, minute: &ControlMinute, value: f64, class: &str) -> Markup {
    let (x, y) = plot.point(words::float(minute.at_second), value);
    let class = if minute.is_out { "dot out".to_owned() } else { format!("dot {class}") };
    html! { circle class=(class) cx=(x.round()) cy=(y.round()) r=(if minute.is_out { 4 } else { 2 }) {} }
}

fn sentence(series: &ControlSeries, charts: &[ControlChart]) -> String {
    let text = charts.iter().find(|chart| chart.arm == series.arm && chart.signal == series.signal);
    let text = text.map(|chart| chart.text.as_str()).filter(|text| !text.is_empty());
    let out = series.minutes.iter().filter(|minute| minute.is_out).count() as u64;
    match text {
        Some(text) => format!(
            "{}. Control charts undo and hold nothing.",
            crate::text::plain(text.trim_end_matches('.'))
        ),
        None if out == 0 => "In control. Control charts undo and hold nothing.".to_owned(),
        None => format!("{} signalled. Control charts undo and hold nothing.", words::counted(out, "minute")),
    }
}
