//! Two rollouts side by side.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::{clock, decision, rollout, text, view, words};

/// One of the two.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The rollout.
    pub rollout: &'a api::Rollout,
    /// Its decisions, the newest first.
    pub decisions: &'a [api::Decision],
}

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct ComparePage<'a> {
    /// The one at the left. `None`: it is not chosen yet, or not known.
    pub left: Option<Side<'a>>,
    /// The one at the right.
    pub right: Option<Side<'a>>,
    /// Rollouts that can be chosen, the newest first; without their components.
    pub rollouts: &'a [api::Rollout],
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page, at `/compare?left=ID&right=ID`.
#[must_use]
pub fn page(page: &ComparePage<'_>) -> Rendered {
    let main = html! {
        h1 { "Compare two rollouts" }
        section class="card" {
            h2 { "Which" }
            @if page.rollouts.is_empty() {
                p class="quiet" { "There is no rollout yet." }
            } @else {
                form class="filter" method="get" action="/compare" {
                    (choice("left", "The first", page.left, page.rollouts))
                    (choice("right", "The second", page.right, page.rollouts))
                    button type="submit" { "Compare" }
                }
            }
        }
        @if let (Some(left), Some(right)) = (page.left, page.right) {
            (heads(left, right))
            (components(left.rollout, right.rollout))
            (decisions(left, right, page.now_ms))
        }
    };
    Rendered::new("Compare".to_owned(), None, main, Parts::default())
}

fn choice(name: &str, label: &str, chosen: Option<Side<'_>>, rollouts: &[api::Rollout]) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @for one in rollouts {
                    option value=(one.id) selected[chosen.is_some_and(|side| side.rollout.id == one.id)] {
                        (text::plain(&one.service)) ": " (text::plain(&one.baseline_version)) " → " (text::plain(&one.canary_version))
                        ", " (words::phase(one.phase())) ", " (clock::date(words::millis(one.created_at.as_ref())))
                    }
                }
            }
        }
    }
}

/// One line of the comparison: what it is called, and both values.
fn line(label: &str, left: &Markup, right: &Markup) -> Markup {
    html! { tr { th scope="row" { (label) } td { (left) } td { (right) } } }
}

fn head(side: Side<'_>) -> Markup {
    html! { a href=(rollout::path(&side.rollout.id)) { (text::name(&side.rollout.service)) ": " (view::versions(side.rollout)) } }
}

fn heads(left: Side<'_>, right: Side<'_>) -> Markup {
    let both = |label: &str, shown: &dyn Fn(Side<'_>) -> Markup| line(label, &shown(left), &shown(right));
    html! {
        section class="card" {
            h2 { "The versions" }
            div class="scroll" tabindex="0" role="region" aria-label="Both rollouts" {
                table {
                    thead { tr { th scope="col" { span class="hidden" { "What" } } th scope="col" { (head(left)) } th scope="col" { (head(right)) } } }
                    tbody {
                        (both("State", &|side| view::phase(side.rollout)))
                        (both("Verdict", &|side| view::verdict(side.rollout.verdict())))
                        (both("Weight", &|side| html! { (words::weight(side.rollout.weight_ppm)) }))
                        (both("Risk", &|side| view::risk(side.rollout.risk)))
                        (both("Created", &|side| clock::full(side.rollout.created_at.as_ref())))
                        (both("From creation to the last change", &|side| html! { (words::span(lasted(side.rollout))) }))
                        (both("Steps", &|side| steps(side.rollout)))
                        (both("Failed, B and C", &|side| view::both(&side.rollout.arms, view::errors)))
                        (both("p99, B and C", &|side| view::both(&side.rollout.arms, view::p99)))
                        (both("On the baseline", &|side| html! { (returned(side.rollout)) }))
                        (both("In one sentence", &|side| text::foreign(&side.rollout.summary)))
                    }
                }
            }
        }
    }
}

/// Until the last change, in whole seconds.
fn lasted(rollout: &api::Rollout) -> u64 {
    let (from, to) = (words::millis(rollout.created_at.as_ref()), words::millis(rollout.changed_at.as_ref()));
    to.saturating_sub(from) / 1_000 * 1_000
}

fn steps(rollout: &api::Rollout) -> Markup {
    html! { @for (index, step) in rollout.planned_steps.iter().enumerate() {
        @if index > 0 { ", " } (words::weight(step.weight_ppm)) " for " (words::span(step.bake_s.saturating_mul(1_000)))
    } }
}

fn returned(rollout: &api::Rollout) -> String {
    words::counted(rollout.components.iter().filter(|one| one.rolled_back).count() as u64, "component")
}

/// The components of both, by name.
fn components(left: &api::Rollout, right: &api::Rollout) -> Markup {
    let mut names: Vec<&str> = left.components.iter().map(|one| one.name.as_str()).collect();
    names.extend(
        right
            .components
            .iter()
            .map(|one| one.name.as_str())
            .filter(|name| !left.components.iter().any(|one| one.name == *name)),
    );
    let find =
        |rollout: &api::Rollout, name: &str| rollout.components.iter().find(|one| one.name == name).cloned();
    html! {
        section class="card" {
            h2 { "The components" }
            div class="scroll" tabindex="0" role="region" aria-label="Components of both rollouts" {
                table {
                    thead { tr { @for name in ["Component", "First: verdict", "Second: verdict", "First: failed", "Second: failed", "First: p99", "Second: p99"] { th scope="col" { (name) } } } }
                    tbody { @for name in names {
                        @let (one, other) = (find(left, name), find(right, name));
                        tr {
                            th scope="row" { (text::name(name)) }
                            td { (standing(one.as_ref())) } td { (standing(other.as_ref())) }
                            td { (measure(one.as_ref(), &view::errors)) } td { (measure(other.as_ref(), &view::errors)) }
                            td { (measure(one.as_ref(), &view::p99)) } td { (measure(other.as_ref(), &view::p99)) }
                        }
                    } }
                }
            }
        }
    }
}

fn standing(component: Option<&api::Component>) -> Markup {
    match component {
        None => html! { "not in it" },
        Some(one) if one.rolled_back => view::tag(view::Tone::Bad, "↩", "on the baseline"),
        Some(one) => view::verdict(one.verdict()),
    }
}

fn measure(component: Option<&api::Component>, value: &dyn Fn(&api::ArmSummary) -> Option<String>) -> Markup {
    component.map_or_else(|| html! { "–" }, |one| view::both(&one.arms, value))
}

fn decisions(left: Side<'_>, right: Side<'_>, now_ms: u64) -> Markup {
    html! {
        div class="card-grid" {
            @for (title, side) in [("Decisions of the first", left), ("Decisions of the second", right)] {
                section class="card" {
                    h2 { (title) }
                    @if side.decisions.is_empty() { p class="quiet" { "None." } }
                    ul class="events" { @for one in side.decisions.iter().take(20) {
                        li {
                            a href=(decision::path(&one.id)) { (text::foreign(&one.text)) }
                            div class="why" { (clock::moment(one.at.as_ref(), now_ms)) " by " (text::name(&one.actor)) ", applied in " (crate::decisions::applied(one)) }
                        }
                    } }
                }
            }
        }
    }
}
