//! What needs what, and what would move in a rollback.

mod edges;
mod layout;

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::radius::{Radius, Scope, radius};
use crate::view::{self, Tone};
use crate::{component, rollout, text, words};

use edges::Edge;

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct GraphPage<'a> {
    /// The rollout.
    pub rollout: &'a api::Rollout,
    /// What the fleet knows of the components of all services.
    pub known: &'a [api::KnownComponent],
    /// Links to actions are shown.
    pub may_act: bool,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page. It does not change while it is looked at.
#[must_use]
pub fn page(page: &GraphPage<'_>) -> Rendered {
    let rollout = page.rollout;
    let edges = edges::of(rollout, page.known);
    let main = html! {
        (view::crumbs(&[("/", html! { "Rollouts" }), (&rollout::path(&rollout.id), html! { (text::name(&rollout.service)) ": " (view::versions(rollout)) })]))
        h1 { "What needs what" }
        section class="card" {
            h2 { "The graph" }
            @if edges.is_empty() {
                p class="quiet" { "No component is said to need another one, and no call between them was seen. A plan says it by depends_on; traces show calls." }
            } @else {
                (layout::drawing(rollout, &edges))
                (list(&edges))
            }
        }
        section class="card" {
            h2 { "What would move in a rollback" }
            table class="stack-rows" role="table" {
                caption { "Requests of the last minute" }
                thead role="rowgroup" { tr role="row" {
                    @for name in ["Rolled back", "Returns", "Switched off", "Other services", "Requests that move"] { th scope="col" role="columnheader" { (name) } }
                } }
                tbody role="rowgroup" {
                    (row(page, "", &radius(rollout, page.known, Scope::Version)))
                    @for one in rollout.components.iter().filter(|one| one.name != "unmatched") {
                        (row(page, &one.name, &radius(rollout, page.known, Scope::Component(&one.name))))
                    }
                }
            }
        }
    };
    Rendered::new(format!("What needs what: {}", text::plain(&rollout.service)), None, main, Parts::default())
}

/// A component and what a rollback of it moves. Without a name: the whole version.
fn row(page: &GraphPage<'_>, name: &str, radius: &Radius) -> Markup {
    let id = &page.rollout.id;
    let confirm = if name.is_empty() {
        format!("{}/rollback", rollout::path(id))
    } else {
        format!("{}/rollback?component={}", rollout::path(id), text::segment(name))
    };
    let names = |label: &str, names: &[String]| {
        html! {
            td role="cell" data-label=(label) { div { @if names.is_empty() { "–" } @else { (view::listed(names)) } } }
        }
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                a href=(component::path(id, name)) { @if name.is_empty() { "The whole version" } @else { (text::name(name)) } }
                @if page.may_act && words::is_under_way(page.rollout.phase()) && (name.is_empty() || !radius.returns.is_empty()) {
                    div class="why" { a href=(confirm) { "Roll back" span class="hidden" { " " (text::name(name)) } "…" } }
                }
            }
            @if name.is_empty() {
                td role="cell" data-label="Returns" { div { "everything" } }
            } @else {
                (names("Returns", &radius.returns))
            }
            (names("Switched off", &radius.switched_off))
            (names("Other services", &radius.elsewhere))
            td role="cell" data-label="Requests that move" { div class="number" {
                (words::percent(words::share(radius.moved, radius.all))) " (" (words::count(radius.moved)) ")"
            } }
        }
    }
}

/// The edges as words.
fn list(edges: &[Edge]) -> Markup {
    html! {
        h3 { "The same in words" }
        ul class="events" {
            @for edge in edges {
                li {
                    (text::name(&edge.from)) " " (edge.kind.verb()) " " (text::name(&edge.to)) " "
                    (view::tag(Tone::Quiet, edge.kind.sign(), edge.kind.word()))
                    @if !edge.note.is_empty() { " " small { (edge.note) } }
                }
            }
        }
    }
}
