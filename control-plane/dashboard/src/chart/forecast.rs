//! Where a signal is going: its level now and at the horizon with their intervals, the limit, and when it is reached.

use maud::{Markup, html};
use serin_proto::admin::v1::{EffectSize, Prediction, Trend};

use super::plot::marks;
use super::{Figure, Plot, Table, Tick, line};
use crate::{reasons, words};

/// The figure. Empty: nothing is known.
pub(crate) fn figure(trend: Option<&Trend>) -> Markup {
    let Some((trend, now, ahead)) =
        trend.and_then(|trend| Some((trend, trend.now.as_ref()?, trend.ahead.as_ref()?)))
    else {
        return html! {};
    };
    let is_rate = trend.signal == "error_rate";
    let scaled = |value: f64| if is_rate { value * 100.0 } else { value };
    let shown = |value: f64| {
        if is_rate {
            format!("{} points", words::number(value * 100.0))
        } else {
            format!("× {}", words::number(value))
        }
    };
    let values = [now.low, now.high, ahead.low, ahead.high, trend.limit].map(scaled);
    let (low, high) = (
        values.into_iter().fold(f64::INFINITY, f64::min),
        values.into_iter().fold(f64::NEG_INFINITY, f64::max),
    );
    let margin = ((high - low) * 0.08).max(1e-3);
    let horizon = f64::from(trend.horizon_s.max(1)) / 60.0;
    let plot = Plot::new((0.0, horizon), (low - margin, high + margin));
    let unit =
        if is_rate { "points of error rate above the baseline" } else { "times the baseline's latency" };
    let x_ticks: Vec<Tick> = marks(0.0, horizon, |minute| {
        if minute == 0.0 { "now".to_owned() } else { format!("+{}", words::number(minute)) }
    });
    let y_ticks = marks(low - margin, high + margin, words::number);
    let limit = plot.y.at(scaled(trend.limit)).round();
    let (left, right) = (plot.x.at(0.0), plot.x.at(horizon));
    let drawing = html! {
        (plot.frame((&x_ticks, "minutes ahead"), (&y_ticks, unit)))
        path class="area band" d=(band(&plot, now, ahead, horizon, scaled)) {}
        path class="line canary" d=(line([plot.point(0.0, scaled(now.estimate)), plot.point(horizon, scaled(ahead.estimate))])) {}
        path class="line limit" d=(format!("M{left} {limit}H{right}")) {}
        text class="limit-text" x=(left + 4.0) y=(limit - 4.0) { "limit " (shown(trend.limit)) }
        @if let Some(median) = trend.median_s.map(|s| f64::from(s) / 60.0).filter(|minute| *minute <= horizon) {
            @let x = plot.x.at(median).round();
            path class="line limit" d=(format!("M{x} {limit}V{}", Plot::base())) {}
        }
    };
    let row = |name: &str, effect: &EffectSize| {
        vec![name.to_owned(), shown(effect.estimate), shown(effect.low), shown(effect.high)]
    };
    let figure = Figure {
        id: "forecast",
        title: &format!("Where the {} is going", signal(trend)),
        sentence: sentence(trend),
        legend: html! { ul class="legend" { li class="key canary" { "forecast" } li { "shaded: interval of 95 %" } li { "dashed: limit" } } },
        drawing,
        table: Table {
            head: ["When", "Most likely", "Low", "High"].map(str::to_owned).to_vec(),
            rows: vec![
                row("Now", now),
                row(&format!("In {}", words::span(u64::from(trend.horizon_s) * 1_000)), ahead),
            ],
        },
    };
    figure.show()
}

fn signal(trend: &Trend) -> String {
    if trend.signal == "error_rate" {
        return "error rate".to_owned();
    }
    format!("latency (p{})", words::number(trend.quantile * 100.0))
}

fn band(
    plot: &Plot,
    now: &EffectSize,
    ahead: &EffectSize,
    horizon: f64,
    scaled: impl Fn(f64) -> f64,
) -> String {
    let corners = [(0.0, now.low), (0.0, now.high), (horizon, ahead.high), (horizon, ahead.low)];
    format!("{}Z", line(corners.map(|(x, y)| plot.point(x, scaled(y)))))
}

fn sentence(trend: &Trend) -> String {
    let after = |seconds: u32| words::span(u64::from(seconds) * 1_000);
    let what = match trend.prediction() {
        Prediction::Imminent => "The limit will be exceeded within two minutes.",
        Prediction::Ahead => "The limit will be exceeded.",
        Prediction::Quiet | Prediction::Unspecified => "No breach is in sight.",
    };
    let mut text = format!(
        "{what} {}: probability {} to be beyond the limit in {}",
        reasons::capital(&signal(trend)),
        words::percent(trend.probability),
        after(trend.horizon_s)
    );
    if let Some(median) = trend.median_s {
        text.push_str(&format!("; it is reached in {} as likely as not", after(median)));
        if let (Some(earliest), Some(latest)) = (trend.earliest_s, trend.latest_s) {
            text.push_str(&format!(
                ", between {} and {} with probability 90 %",
                after(earliest),
                after(latest)
            ));
        }
    }
    text.push('.');
    text
}
