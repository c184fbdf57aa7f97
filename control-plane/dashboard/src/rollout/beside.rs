//! What stands beside the evidence: readings from outside, hooks, blocks, decisions, the newest events, tags.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::RolloutPage;
use crate::view::{self, Tone};
use crate::{clock, decision, text, words};

/// Components whose blocks are shown.
const BLOCKS: usize = 64;

/// Triggers, queries and health checks.
pub(super) fn outside(rollout: &api::Rollout, now_ms: u64) -> Markup {
    if rollout.outside.is_empty() {
        return html! {};
    }
    html! {
        h2 { "From outside" }
        ul class="events" {
            @for reading in &rollout.outside {
                li {
                    (reading_state(reading)) " " strong { (text::name(&reading.name)) }
                    " " small { (words::plain(&reading.kind)) @if !reading.component.is_empty() { " of " (text::name(&reading.component)) } }
                    div { (text::foreign(&reading.text)) }
                    div class="why" {
                        @if reading.since.is_some() { "since " (clock::moment(reading.since.as_ref(), now_ms)) }
                        @if !reading.action.is_empty() { " · then: " (reading.action) }
                        @if reading.silent { " · it says nothing" }
                    }
                }
            }
        }
    }
}

fn reading_state(reading: &api::OutsideReading) -> Markup {
    let (tone, icon) = match reading.state.as_str() {
        "fired" | "unhealthy" => (Tone::Bad, "✗"),
        "pending" | "shared" | "nothing" | "unknown" => (Tone::Hold, "!"),
        "healthy" | "quiet" => (Tone::Good, "✓"),
        _ => (Tone::Quiet, "·"),
    };
    match reading.value.filter(|_| reading.kind == "query") {
        Some(value) => view::tag(tone, icon, &words::number(value)),
        None => view::tag(tone, icon, &reading.state),
    }
}

/// Runs of hooks, the newest first.
pub(super) fn hooks(rollout: &api::Rollout, now_ms: u64) -> Markup {
    if rollout.hooks.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Hooks" }
        ul class="events" {
            @for run in rollout.hooks.iter().rev().take(20) {
                li {
                    (hook_state(&run.state)) " " strong { (text::name(&run.name)) } " " small { (words::plain(&run.point)) }
                    @if !run.said.is_empty() { div class="why" { (text::foreign(&run.said)) } }
                    div class="why" {
                        "since " (clock::moment(run.started_at.as_ref(), now_ms)) " · " (words::counted(run.attempts.into(), "attempt"))
                    }
                }
            }
        }
    }
}

fn hook_state(state: &str) -> Markup {
    match state {
        "succeeded" => view::tag(Tone::Good, "✓", state),
        "failed" => view::tag(Tone::Bad, "✗", state),
        "running" => view::tag(Tone::Busy, "▸", state),
        other => view::tag(Tone::Quiet, "·", other),
    }
}

/// Blocks of code, by component.
pub(super) fn blocks(page: &RolloutPage<'_>) -> Markup {
    let rollout = page.rollout;
    let with_blocks: Vec<_> =
        rollout.components.iter().filter(|one| !one.blocks.is_empty()).take(BLOCKS).collect();
    if with_blocks.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Blocks of code" }
        @for component in with_blocks {
            h3 { (text::name(&component.name)) }
            ul class="events" { @for block in &component.blocks { li { (block_state(rollout, block, page.may_act)) } } }
        }
    }
}

/// One block.
pub(crate) fn block_state(rollout: &api::Rollout, block: &api::Block, may_act: bool) -> Markup {
    let can_return = may_act && block.restored.is_empty() && words::is_under_way(rollout.phase());
    let in_force = if block.restored.is_empty() { &block.current } else { &block.restored };
    html! {
        strong { (text::name(&block.name)) } " " (text::name(in_force)) " "
        @if !block.restored.is_empty() {
            (view::tag(Tone::Bad, "↩", "restored"))
            div class="why" { (text::foreign(&block.restored_because)) }
        } @else if let Some(evidence) = block.evidence.as_ref() {
            @if evidence.at_fault { (view::tag(Tone::Bad, "✗", "at fault")) }
            div class="why" { (text::foreign(&evidence.text)) }
        }
        @if can_return {
            div { a href=(format!("{}/rollback?block={}", super::path(&rollout.id), text::segment(&block.name))) {
                "Restore the previous version of " (text::name(&block.name)) "…"
            } }
        }
    }
}

/// What was decided.
pub(super) fn decisions(page: &RolloutPage<'_>) -> Markup {
    if page.decisions.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Decisions" }
        ul class="events" {
            @for one in page.decisions.iter().take(10) {
                li {
                    a href=(decision::path(&one.id)) { (text::foreign(&one.text)) }
                    div class="why" { (clock::moment(one.at.as_ref(), page.now_ms)) " by " (text::name(&one.actor)) }
                }
            }
        }
    }
}

/// The newest events.
pub(super) fn events(page: &RolloutPage<'_>) -> Markup {
    html! {
        h2 { "Newest events" }
        @if page.events.is_empty() { p class="quiet" { "None yet." } }
        ol class="events" {
            @for event in page.events.iter().take(20) {
                li {
                    (text::foreign(&event.text))
                    div class="why" { (clock::moment(event.at.as_ref(), page.now_ms)) " · " (words::plain(&event.kind)) " · by " (text::name(&event.actor)) }
                }
            }
        }
    }
}

/// Tags that were taken from routes and calls, and those that were not.
pub(super) fn taken(rollout: &api::Rollout) -> Markup {
    if rollout.taken.is_empty() && rollout.not_taken.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Taken where the plan is silent" }
        ul class="events" {
            @for tag in &rollout.taken { li { (text::foreign(&tag.text)) } }
            @for tag in &rollout.not_taken {
                li { (view::tag(Tone::Hold, "!", "not taken")) " " (text::name(&tag.component)) ": " (text::foreign(&tag.text)) }
            }
        }
    }
}
