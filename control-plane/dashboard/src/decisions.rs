//! All decisions, the newest first.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::view::{self, Tone};
use crate::{clock, decision, rollout, text, words};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct DecisionsPage<'a> {
    /// Decisions, the newest first.
    pub decisions: &'a [api::Decision],
    /// Only of this service. Empty: of all.
    pub service: &'a str,
    /// Only of this rollout. Empty: of all.
    pub rollout_id: &'a str,
    /// There are older ones than these.
    pub has_more: bool,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page. Its links lead to `/decisions?service=…&rollout=…&before=SEQUENCE`.
#[must_use]
pub fn page(page: &DecisionsPage<'_>) -> Rendered {
    let main = html! {
        h1 { "Decisions" }
        p { "What undid something, and what was promoted: by Serin or by people. " a href="/history" { "Trends" } }
        section class="card" {
            h2 { "Which" }
            form class="filter" method="get" action="/decisions" {
                div { label for="service" { "Service" } input id="service" name="service" value=(page.service) autocomplete="off"; }
                div { label for="rollout" { "Rollout" } input id="rollout" name="rollout" value=(page.rollout_id) autocomplete="off"; }
                button type="submit" { "Show" }
                @if !page.service.is_empty() || !page.rollout_id.is_empty() { a class="button" href="/decisions" { "All" } }
            }
        }
        section class="card" {
            h2 { "Newest first" }
            @if page.decisions.is_empty() {
                p class="empty quiet" { "Nothing was decided yet. A rollback or a promotion appears here, with its evidence." }
            } @else {
                (table(page))
            }
            @if let (true, Some(last)) = (page.has_more, page.decisions.last()) { p { a class="button" href=(older(page, last.sequence)) { "Older" } } }
        }
    };
    Rendered::new("Decisions".to_owned(), None, main, Parts::default())
}

fn older(page: &DecisionsPage<'_>, before: u64) -> String {
    format!(
        "/decisions?service={}&rollout={}&before={before}",
        text::segment(page.service),
        text::segment(page.rollout_id)
    )
}

fn table(page: &DecisionsPage<'_>) -> Markup {
    html! {
        table class="stack-rows" role="table" {
            thead role="rowgroup" { tr role="row" {
                @for name in ["When", "Service", "What", "Why", "By", "Applied in", "Marked"] { th scope="col" role="columnheader" { (name) } }
            } }
            tbody role="rowgroup" { @for one in page.decisions { (row(one, page.now_ms)) } }
        }
    }
}

fn row(one: &api::Decision, now_ms: u64) -> Markup {
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { a href=(decision::path(&one.id)) { (clock::moment(one.at.as_ref(), now_ms)) span class="hidden" { ", " (text::plain(&one.id)) } } }
            td role="cell" data-label="Service" { div { a href=(rollout::path(&one.rollout_id)) { (text::name(&one.service)) } } }
            td role="cell" data-label="What" { div { (kind(one)) } }
            td role="cell" data-label="Why" { div { (text::foreign(&one.text)) } }
            td role="cell" data-label="By" { div { (text::name(&one.actor)) } }
            td role="cell" data-label="Applied in" { div class="number" { (applied(one)) } }
            td role="cell" data-label="Marked" { div { (mark(one)) } }
        }
    }
}

/// What was decided, with what it is about.
pub(crate) fn kind(one: &api::Decision) -> Markup {
    let (tone, icon) = if one.is_rollback { (Tone::Bad, "↩") } else { (Tone::Good, "✓") };
    html! {
        (view::tag(tone, icon, &words::plain(&one.kind)))
        @if !one.names.is_empty() { " " (view::listed(&one.names)) }
    }
}

/// How long it took until all living VMs applied it.
pub(crate) fn applied(one: &api::Decision) -> String {
    one.applied_ms.map_or_else(|| "–".to_owned(), words::span)
}

/// What a person said of it.
pub(crate) fn mark(one: &api::Decision) -> Markup {
    match one.mark() {
        api::Mark::Right => view::tag(Tone::Good, "✓", "right"),
        api::Mark::FalseAlarm => view::tag(Tone::Hold, "!", "false alarm"),
        api::Mark::Unspecified => html! { "–" },
    }
}
