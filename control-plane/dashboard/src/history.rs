//! What became of rollouts over the weeks.

mod trends;

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::chart::bars::Bars;
use crate::part::{Parts, Rendered};
use crate::{text, words};

pub use trends::{OfService, Quantiles, Trends, Week, trends};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct HistoryPage<'a> {
    /// Decisions, the newest first.
    pub decisions: &'a [api::Decision],
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page.
#[must_use]
pub fn page(page: &HistoryPage<'_>) -> Rendered {
    let trends = trends(page.decisions, page.now_ms);
    let main = html! {
        h1 { "History" }
        @if page.decisions.is_empty() {
            section class="card empty" {
                h2 { "Nothing was decided yet" }
                p class="quiet" { "Once rollouts end, their rollbacks and promotions are counted here, week by week." }
            }
        } @else {
            section class="card" {
                h2 class="hidden" { "In short" }
                p class="lead" { (sentence(&trends)) }
                (facts(&trends))
            }
            h2 { "Week by week" }
            div class="card-grid" {
                (rollbacks(&trends))
                (times(&trends, "detection", "Time to find harm", "From the first second of the evidence to the decision, median of the week.", |week| week.detection.median_ms))
                (times(&trends, "carrying", "Time until all Envoys obey", "From the decision to the last living VM that applied it, median of the week.", |week| week.applied.median_ms))
            }
            (services(&trends))
        }
        p { a href="/decisions" { "Each decision" } }
    };
    Rendered::new("History".to_owned(), None, main, Parts::default())
}

fn sentence(trends: &Trends) -> String {
    let ended = trends.promotions + trends.returned;
    let mut text = format!(
        "{} promoted and {} rolled back as a whole",
        words::counted(trends.promotions, "version"),
        words::count(trends.returned)
    );
    if ended > 0 {
        text.push_str(&format!(": {} succeeded", words::percent(words::share(trends.promotions, ended))));
    }
    text.push('.');
    text
}

fn facts(trends: &Trends) -> Markup {
    let shown = |quantiles: &Quantiles| match (quantiles.median_ms, quantiles.p95_ms) {
        (Some(median), Some(p95)) => {
            format!("median {}, p95 {} ({})", words::span(median), words::span(p95), quantiles.count)
        }
        _ => "not known".to_owned(),
    };
    html! {
        dl class="facts" {
            div { dt { "Rollbacks at any level" } dd { (words::count(trends.rollbacks)) ", " (words::count(trends.automatic)) " by Serin" } }
            div { dt { "Found after" } dd { (shown(&trends.detection)) } }
            div { dt { "Applied in" } dd { (shown(&trends.applied)) } }
            div { dt { "Marked right" } dd { (words::count(trends.right)) } }
            div { dt { "Marked as false alarm" } dd { (words::count(trends.false_alarms)) } }
        }
    }
}

fn rollbacks(trends: &Trends) -> Markup {
    let bars: Vec<(String, Option<f64>)> =
        trends.weeks.iter().map(|week| (week.label.clone(), Some(words::float(week.rollbacks)))).collect();
    let newest = trends.weeks.last().map(|week| week.rollbacks).unwrap_or_default();
    let bars = Bars {
        id: "rollbacks",
        title: "Rollbacks",
        sentence: format!("At any level, by Serin or by people; {} this week.", words::count(newest)),
        unit: "rollbacks",
        over: "week of",
        bars: &bars,
        shown: &words::number,
    };
    bars.show()
}

fn times(
    trends: &Trends,
    id: &str,
    title: &str,
    sentence: &str,
    value: impl Fn(&Week) -> Option<u64>,
) -> Markup {
    let seconds = |week: &Week| value(week).map(|ms| words::float(ms) / 1_000.0);
    let bars: Vec<(String, Option<f64>)> =
        trends.weeks.iter().map(|week| (week.label.clone(), seconds(week))).collect();
    let bars = Bars {
        id,
        title,
        sentence: sentence.to_owned(),
        unit: "seconds",
        over: "week of",
        bars: &bars,
        shown: &|value| format!("{} s", words::number(value)),
    };
    bars.show()
}

fn services(trends: &Trends) -> Markup {
    html! {
        section class="card" {
            h2 { "By service" }
            table class="stack-rows" role="table" {
                thead role="rowgroup" { tr role="row" {
                    @for name in ["Service", "Promoted", "Rolled back whole", "Rollbacks at any level", "False alarms", "Found after, median", "Applied in, median"] { th scope="col" role="columnheader" { (name) } }
                } }
                tbody role="rowgroup" { @for (name, of) in &trends.services {
                    tr role="row" {
                        th scope="row" role="rowheader" { a href=(format!("/decisions?service={}", text::segment(name))) { (text::name(name)) } }
                        td role="cell" data-label="Promoted" { div { (words::count(of.promotions)) } }
                        td role="cell" data-label="Rolled back whole" { div { (words::count(of.returned)) } }
                        td role="cell" data-label="Rollbacks" { div { (words::count(of.rollbacks)) } }
                        td role="cell" data-label="False alarms" { div { (words::count(of.false_alarms)) } }
                        td role="cell" data-label="Found after" { div { (of.detection.median_ms.map_or_else(|| "–".to_owned(), words::span)) } }
                        td role="cell" data-label="Applied in" { div { (of.applied.median_ms.map_or_else(|| "–".to_owned(), words::span)) } }
                    }
                } }
            }
        }
    }
}
