//! The fleet: all rollouts and all Envoys.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::view::{self, Tone};
use crate::{clock, nodes, rollout, text, words};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Fleet<'a> {
    /// Rollouts, those under way first; without their components.
    pub rollouts: &'a [api::Rollout],
    /// Envoys.
    pub nodes: &'a [api::Node],
    /// Generation of the assignment on offer.
    pub generation: u64,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page.
#[must_use]
pub fn page(fleet: &Fleet<'_>) -> Rendered {
    let mut parts = Parts::default();
    let (under_way, ended): (Vec<_>, Vec<_>) =
        fleet.rollouts.iter().partition(|rollout| words::is_under_way(rollout.phase()));
    let main = html! {
        h1 { "Rollouts" }
        (parts.put("summary", summary(fleet, &under_way)))
        @if fleet.rollouts.is_empty() {
            (empty())
        } @else {
            (table(&mut parts, "Under way", &under_way, fleet.now_ms))
            (table(&mut parts, "Ended", &ended, fleet.now_ms))
        }
        (envoys(&mut parts, fleet))
    };
    Rendered::new("Serin".to_owned(), Some("/live/fleet".to_owned()), main, parts)
}

/// What there is, and whether somebody has to look.
fn summary(fleet: &Fleet<'_>, under_way: &[&api::Rollout]) -> Markup {
    let of =
        |wanted: &dyn Fn(&api::Rollout) -> bool| under_way.iter().filter(|one| wanted(one)).count() as u64;
    let regressed = of(&|one| one.verdict() == api::Verdict::Regressed);
    let paused = of(&|one| one.phase() == api::Phase::Paused);
    let returning = of(&|one| one.phase() == api::Phase::RollingBack);
    let told = [(regressed, "regressed"), (returning, "rolling back"), (paused, "paused")];
    let mut said: Vec<String> =
        vec![format!("{} under way", words::counted(under_way.len() as u64, "rollout"))];
    said.extend(told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let spread = nodes::Spread::of(fleet.nodes, fleet.generation, fleet.now_ms);
    html! { p class="lead" { (said.join(", ")) "; " (spread.sentence()) "." } }
}

fn empty() -> Markup {
    html! {
        section class="card empty" {
            h2 { "No rollout yet" }
            p { "Write a plan, and create the first rollout from a shell:" }
            pre { "serin plan check -f plan.yaml\nserin rollout create -f plan.yaml" }
            p class="quiet" { "It appears here by itself." }
        }
    }
}

fn table(parts: &mut Parts, title: &str, rollouts: &[&api::Rollout], now_ms: u64) -> Markup {
    html! {
        @if !rollouts.is_empty() {
            section class="card" {
                h2 { (title) " " small { "(" (rollouts.len()) ")" } }
                table class="stack-rows" role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for name in ["Service", "State", "Canary", "Step", "Verdict", "Risk", "Now"] {
                            th scope="col" role="columnheader" { (name) }
                        }
                    } }
                    tbody role="rowgroup" { @for rollout in rollouts { (row(parts, rollout, now_ms)) } }
                }
            }
        }
    }
}

fn row(parts: &mut Parts, rollout: &api::Rollout, now_ms: u64) -> Markup {
    let key = text::key(&rollout.id);
    let mut cell = |name: &str, label: &str, content: Markup| {
        let id = format!("r{key}-{name}");
        parts.note(&id, &content);
        html! { td role="cell" id=(id) data-label=[(!label.is_empty()).then_some(label)] { (content) } }
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                a href=(rollout::path(&rollout.id)) { (text::name(&rollout.service)) }
                div class="why" { (view::versions(rollout)) }
            }
            (cell("p", "State", view::phase(rollout)))
            (cell("w", "Canary", html! { div { (view::split(rollout)) } }))
            (cell("s", "Step", step(rollout, now_ms)))
            (cell("v", "Verdict", verdict(rollout)))
            (cell("r", "Risk", risk(rollout)))
            (cell("n", "", html! { (text::foreign(&rollout.summary)) }))
        }
    }
}

fn verdict(rollout: &api::Rollout) -> Markup {
    if rollout.experiment.is_some() {
        html! { "–" }
    } else {
        view::verdict(rollout.verdict())
    }
}

fn risk(rollout: &api::Rollout) -> Markup {
    if rollout.experiment.is_some() {
        html! { "–" }
    } else {
        view::risk(rollout.risk)
    }
}

/// The step, and when the next one is possible. The time stays as it is, so that the row is not sent each second.
fn step(rollout: &api::Rollout, now_ms: u64) -> Markup {
    if rollout.experiment.is_some() || rollout.steps == 0 || !words::is_under_way(rollout.phase()) {
        return html! { "–" };
    }
    html! {
        div {
            span class="number" { (rollout.step.saturating_add(1).min(rollout.steps)) " of " (rollout.steps) }
            @if words::millis(rollout.next_step_at.as_ref()) > 0 {
                div class="why" { "next at " (clock::moment(rollout.next_step_at.as_ref(), now_ms)) " at the earliest" }
            }
        }
    }
}

fn envoys(parts: &mut Parts, fleet: &Fleet<'_>) -> Markup {
    let spread = nodes::Spread::of(fleet.nodes, fleet.generation, fleet.now_ms);
    let facts = html! {
        @if fleet.nodes.is_empty() {
            p class="notice hold" {
                "No Envoy reports or subscribes. Requests go to the baseline until one does: see docs/install-on-envoy.md."
            }
        } @else {
            dl class="facts" {
                div { dt { "Generation on offer" } dd { (fleet.generation) } }
                div { dt { "Envoys that obey it" } dd { (spread.current) " of " (spread.living) } }
                div { dt { "Connected" } dd { (spread.connected) " of " (spread.all) } }
                div { dt { "Silent for over 15 s" } dd { (spread.silent) } }
                div { dt { "Reloads" } dd { (words::count(spread.reloads)) } }
                div { dt { "Refusals" } dd {
                    (words::count(spread.refusals))
                    @if spread.refusals > 0 { " " (view::tag(Tone::Hold, "!", "look")) }
                } }
            }
        }
    };
    html! {
        section class="card" {
            h2 { "Envoys" }
            (parts.put("envoys", facts))
            p { a href="/nodes" { "Each Envoy" } }
        }
    }
}
