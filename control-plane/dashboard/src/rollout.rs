//! One rollout: what happens now, and what may be done about it.

mod actions;
mod beside;
mod components;
mod experiment;
mod now;
mod rollback;
mod steps;
mod told;

use std::collections::BTreeMap;

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
pub(crate) use beside::block_state;

use crate::{reasons, text, view};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct RolloutPage<'a> {
    /// The rollout.
    pub rollout: &'a api::Rollout,
    /// By component, what both arms got of late, oldest first.
    pub recent: &'a BTreeMap<String, Vec<api::CountSlot>>,
    /// Its newest events, the newest first.
    pub events: &'a [api::Event],
    /// Its newest decisions, the newest first.
    pub decisions: &'a [api::Decision],
    /// Links to actions are shown.
    pub may_act: bool,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// Address of a rollout.
#[must_use]
pub fn path(id: &str) -> String {
    format!("/rollouts/{}", text::segment(id))
}

/// The page. Its parts are the same at all times, so that what appears in one of them does not have the page sent as a whole.
#[must_use]
pub fn page(page: &RolloutPage<'_>) -> Rendered {
    let rollout = page.rollout;
    let mut parts = Parts::default();
    let main = html! {
        (view::crumbs(&[("/", html! { "Rollouts" })]))
        h1 { (text::name(&rollout.service)) ": " (view::versions(rollout)) }
        (hero(&mut parts, page))
        (card(&mut parts, "rollback", rollback::stages(rollout, page.now_ms)))
        (card(&mut parts, "steps", steps::timeline(rollout, page.now_ms)))
        (card(&mut parts, "experiment", experiment::results(page)))
        (card(&mut parts, "why", why(rollout)))
        @if rollout.experiment.is_none() { (components::table(&mut parts, page)) }
        div class="card-columns" {
            (card(&mut parts, "told", told::told(rollout, page.now_ms)))
            (card(&mut parts, "outside", beside::outside(rollout, page.now_ms)))
            (card(&mut parts, "hooks", beside::hooks(rollout, page.now_ms)))
            (card(&mut parts, "blocks", beside::blocks(page)))
            (card(&mut parts, "decisions", beside::decisions(page)))
            (card(&mut parts, "events", beside::events(page)))
            (card(&mut parts, "taken", beside::taken(rollout)))
        }
    };
    let title = format!("{}: {}", text::plain(&rollout.service), crate::words::phase(rollout.phase()));
    Rendered::new(title, Some(format!("/live{}", path(&rollout.id))), main, parts)
}

/// A part that is a card, and is not seen while it is empty.
fn card(parts: &mut Parts, id: &str, content: Markup) -> Markup {
    parts.note(id, &content);
    html! { section class="card" id=(id) { (content) } }
}

fn hero(parts: &mut Parts, page: &RolloutPage<'_>) -> Markup {
    html! {
        section class="card" aria-labelledby="now-title" {
            h2 class="hidden" id="now-title" { "What happens now" }
            (parts.put("state", now::state(page.rollout)))
            (parts.put("now", now::sentence(page.rollout)))
            (parts.put("silence", now::silence(page.rollout)))
            (parts.put("facts", now::facts(page.rollout, page.now_ms)))
            (parts.put("actions", actions::links(page)))
        }
    }
}

/// Why the verdict on the version is what it is.
fn why(rollout: &api::Rollout) -> Markup {
    if rollout.reasons.is_empty() && rollout.vetoes.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Why " (view::verdict(rollout.verdict())) }
        (reasons::all(&rollout.reasons, rollout.vetoes()))
        p { a href=(crate::component::path(&rollout.id, "")) { "The numbers and charts of the whole version" } }
    }
}
