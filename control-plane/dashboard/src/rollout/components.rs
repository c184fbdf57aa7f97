//! The components of a rollout: a row each, whose cells are sent apart, because few of them change from second to second.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::RolloutPage;
use crate::chart::sparkline;
use crate::part::Parts;
use crate::view::{self, Tone};
use crate::{component, text, words};

const COLUMNS: [&str; 8] =
    ["Component", "Verdict", "Requests", "Failed", "p50", "p99", "Failures, 5 min", "Risk"];

/// The table.
pub(super) fn table(parts: &mut Parts, page: &RolloutPage<'_>) -> Markup {
    let components = &page.rollout.components;
    html! {
        section class="card" {
            h2 { "Components" }
            @if components.is_empty() {
                p class="quiet" { "This rollout names none." }
            } @else {
                (view::legend())
                table class="stack-rows" role="table" {
                    caption { "Both arms over the last 60 seconds" }
                    thead role="rowgroup" { tr role="row" {
                        @for name in COLUMNS { th scope="col" role="columnheader" { (name) } }
                    } }
                    tbody role="rowgroup" {
                        @for (index, component) in components.iter().enumerate() { (row(parts, page, index, component)) }
                    }
                }
            }
        }
    }
}

fn row(parts: &mut Parts, page: &RolloutPage<'_>, index: usize, component: &api::Component) -> Markup {
    let mut cell = |name: &str, label: &str, content: Markup| {
        let id = format!("c{index}-{name}");
        parts.note(&id, &content);
        html! { td role="cell" id=(id) data-label=(label) { (content) } }
    };
    let arms = &component.arms;
    let recent = page.recent.get(&component.name).map(Vec::as_slice).unwrap_or_default();
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                a href=(component::path(&page.rollout.id, &component.name)) { (text::name(&component.name)) }
                div class="why" { (words::granularity(component.granularity())) ": undoes " (words::undoes(component.granularity())) }
                @if !component.owner.is_empty() { div class="why" { "owner " (text::name(&component.owner)) } }
            }
            (cell("v", "Verdict", verdict(component)))
            (cell("r", "Requests", view::both(arms, view::rate)))
            (cell("e", "Failed", view::both(arms, view::errors)))
            (cell("m", "p50", view::both(arms, view::p50)))
            (cell("p", "p99", view::both(arms, view::p99)))
            (cell("s", "Failures, 5 min", html! { div { (sparkline::errors(recent)) } }))
            (cell("k", "Risk", view::risk(component.risk)))
        }
    }
}

/// The verdict; why it was returned, or what stands against it.
fn verdict(component: &api::Component) -> Markup {
    html! {
        div {
            @if component.rolled_back {
                (view::tag(Tone::Bad, "↩", "on the baseline"))
                div class="why" { (text::foreign(&component.rolled_back_because)) }
            } @else if component.switched_off {
                (view::tag(Tone::Hold, "○", "switched off"))
                div class="why" { (text::foreign(&component.switched_off_because)) }
            } @else {
                (view::verdict(component.verdict()))
                @if component.recovering { " " (view::tag(Tone::Busy, "◌", "recovering")) }
                @for veto in component.vetoes() { div class="why" { (words::veto(veto)) } }
                @if component.verdict() == api::Verdict::Regressed {
                    @for reason in component.reasons.iter().filter(|one| one.verdict() == api::Verdict::Regressed) {
                        div class="why" { (text::foreign(&reason.text)) }
                    }
                }
            }
        }
    }
}
