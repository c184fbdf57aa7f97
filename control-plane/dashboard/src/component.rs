//! One component, or the whole version: the numbers behind its verdict.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::chart::{categories, control, evidence, forecast, latency, slots};
use crate::part::{Parts, Rendered};
use crate::rollout::block_state;
use crate::view::{self, Tone};
use crate::{reasons, rollout, text, words};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct ComponentPage<'a> {
    /// The rollout; its components are not read.
    pub rollout: &'a api::Rollout,
    /// The component, or the whole version.
    pub detail: &'a api::GetComponentResponse,
    /// Links to actions are shown.
    pub may_act: bool,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// Address of a component. Without a name: of the whole version.
#[must_use]
pub fn path(id: &str, name: &str) -> String {
    if name.is_empty() {
        format!("{}/version", rollout::path(id))
    } else {
        format!("{}/components/{}", rollout::path(id), text::segment(name))
    }
}

/// What is judged: a component, or the version.
struct Judged<'a> {
    verdict: api::Verdict,
    reasons: &'a [api::Reason],
    vetoes: Vec<api::Veto>,
    arms: &'a [api::ArmSummary],
    trend: Option<&'a api::Trend>,
    risk: f64,
}

impl<'a> Judged<'a> {
    fn of(page: &ComponentPage<'a>) -> Self {
        match &page.detail.component {
            Some(one) => Self {
                verdict: one.verdict(),
                reasons: &one.reasons,
                vetoes: one.vetoes().collect(),
                arms: &one.arms,
                trend: one.trend.as_ref(),
                risk: one.risk,
            },
            None => Self {
                verdict: page.rollout.verdict(),
                reasons: &page.rollout.reasons,
                vetoes: page.rollout.vetoes().collect(),
                arms: &page.rollout.arms,
                trend: page.rollout.trend.as_ref(),
                risk: page.rollout.risk,
            },
        }
    }
}

/// The page.
#[must_use]
pub fn page(page: &ComponentPage<'_>) -> Rendered {
    let name = page.detail.component.as_ref().map(|one| one.name.as_str()).unwrap_or_default();
    let (rollout, detail, judged) = (page.rollout, page.detail, Judged::of(page));
    let charts = detail.component.as_ref().map(|one| one.charts.as_slice()).unwrap_or_default();
    let is_returned = detail.component.as_ref().is_some_and(|one| one.rolled_back);
    let mut parts = Parts::default();
    let main = html! {
        (view::crumbs(&[("/", html! { "Rollouts" }), (&rollout::path(&rollout.id), html! { (text::name(&rollout.service)) ": " (view::versions(rollout)) })]))
        h1 { @if name.is_empty() { "The whole version" } @else { (text::name(name)) } }
        section class="card" aria-labelledby="now-title" {
            h2 class="hidden" id="now-title" { "How it stands" }
            (parts.put("now", state(page, &judged)))
            (parts.put("facts", facts(&judged)))
            @if page.may_act { (actions(page, name)) }
        }
        section class="card" { h2 { "Why" } (parts.put("why", why(&judged, is_returned))) }
        h2 { "Charts" }
        div class="card-grid" {
        (grid(&mut parts, "charts-evidence", evidence::figures(&detail.paths)))
        (grid(&mut parts, "charts-latency", latency::figures(&detail.latencies, judged.arms)))
        (grid(&mut parts, "charts-traffic", html! { (slots::figures(&detail.slots)) (categories::figure(judged.reasons)) }))
        (grid(&mut parts, "charts-ahead", html! { (forecast::figure(judged.trend)) (control::figures(&detail.control, charts)) }))
        }
        (parts.put("charts-none", nothing(detail)))
        @if let Some(component) = &detail.component { (tags(&mut parts, page, component)) }
    };
    let title = if name.is_empty() { "The whole version".to_owned() } else { text::plain(name).into_owned() };
    let title = format!("{title}: {}", words::verdict(judged.verdict));
    Rendered::new(title, Some(format!("/live{}", path(&rollout.id, name))), main, parts)
}

fn grid(parts: &mut Parts, id: &str, content: Markup) -> Markup {
    parts.note(id, &content);
    html! { div class="slot" id=(id) { (content) } }
}

/// That there is nothing to draw yet.
fn nothing(detail: &api::GetComponentResponse) -> Markup {
    let is_empty = detail.latencies.is_empty() && detail.paths.is_empty() && detail.slots.is_empty();
    html! {
        @if is_empty {
            p class="card quiet" { "Nothing was counted in the last minutes. After a restart of Serin what is drawn begins anew; what was decided is kept." }
        }
    }
}

fn state(page: &ComponentPage<'_>, judged: &Judged<'_>) -> Markup {
    let component = page.detail.component.as_ref();
    html! {
        p {
            @if component.is_some_and(|one| one.rolled_back) { (view::tag(Tone::Bad, "↩", "on the baseline")) " " }
            @if component.is_some_and(|one| one.switched_off) { (view::tag(Tone::Hold, "○", "switched off")) " " }
            @if component.is_some_and(|one| one.recovering) { (view::tag(Tone::Busy, "◌", "recovering")) " " }
            (view::verdict(judged.verdict))
        }
        p class="lead" { (sentence(component, judged)) }
    }
}

/// What there is to say first.
fn sentence(component: Option<&api::Component>, judged: &Judged<'_>) -> Markup {
    let returned = component.map(|one| format!("{}{}", one.rolled_back_because, one.switched_off_because));
    if let Some(because) = returned.filter(|text| !text.is_empty()) {
        return html! { (text::foreign(&because)) };
    }
    if judged.arms.iter().all(|arm| arm.requests == 0) {
        return html! { "No requests in the last minute: nothing is decided without them." };
    }
    let worst = judged
        .reasons
        .iter()
        .max_by_key(|reason| (reason.verdict() == judged.verdict, reason.verdict() as i32));
    match worst {
        Some(reason) => html! { (text::foreign(&reason.text)) },
        None => html! { "Not judged yet." },
    }
}

fn facts(judged: &Judged<'_>) -> Markup {
    html! {
        (view::legend())
        dl class="facts" {
            div { dt { "Requests" } dd { (view::both(judged.arms, view::rate)) } }
            div { dt { "Failed" } dd { (view::both(judged.arms, view::errors)) } }
            div { dt { "p50" } dd { (view::both(judged.arms, view::p50)) } }
            div { dt { "p99" } dd { (view::both(judged.arms, view::p99)) } }
            div { dt { "Risk, 0 to 100" } dd { (view::risk(judged.risk)) } }
        }
        p class="hint" { "Over the last 60 seconds." }
    }
}

fn actions(page: &ComponentPage<'_>, name: &str) -> Markup {
    let can_return = words::is_under_way(page.rollout.phase())
        && page.detail.component.as_ref().is_none_or(|one| !one.rolled_back);
    let address = rollout::path(&page.rollout.id);
    html! {
        @if can_return && name != "unmatched" {
            ul class="actions" {
                li {
                    a class="button danger" href=(if name.is_empty() { format!("{address}/rollback") } else { format!("{address}/rollback?component={}", text::segment(name)) }) {
                        span { "Roll back " @if name.is_empty() { "the whole version" } @else { (text::name(name)) } "…" }
                    }
                }
            }
        }
    }
}

fn why(judged: &Judged<'_>, is_returned: bool) -> Markup {
    html! {
        @if judged.reasons.is_empty() {
            p class="quiet" {
                @if is_returned { "It is on the baseline, so nothing of it is judged any more." } @else { "There is no evidence yet." }
            }
        }
        (reasons::all(judged.reasons, judged.vetoes.iter().copied()))
    }
}

/// What is said of the component, and its blocks.
fn tags(parts: &mut Parts, page: &ComponentPage<'_>, component: &api::Component) -> Markup {
    let blocks = html! {
        @if !component.blocks.is_empty() {
            h3 { "Blocks of code" }
            ul class="events" { @for block in &component.blocks { li { (block_state(page.rollout, block, page.may_act)) } } }
        }
    };
    html! {
        section class="card" {
            h2 { "What is said of it" }
            dl class="facts" {
                div { dt { "Granularity" } dd { (words::granularity(component.granularity())) } }
                div { dt { "A rollback undoes" } dd { (words::undoes(component.granularity())) } }
                div { dt { "Business weight" } dd { (words::number(component.business_weight)) } }
                @if !component.owner.is_empty() { div { dt { "Owner" } dd { (text::name(&component.owner)) } } }
                @if !component.feature.is_empty() { div { dt { "Flag" } dd { (text::name(&component.feature)) } } }
                div { dt { "Needs" } dd { @if component.depends_on.is_empty() { "nothing" } @else { (view::listed(&component.depends_on)) } } }
            }
            (parts.put("blocks", blocks))
        }
    }
}
