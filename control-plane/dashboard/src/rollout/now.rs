//! What happens now: one sentence, and the numbers that a glance is for.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::view::{self, Tone};
use crate::{clock, text, words};

/// Age of the newest data from which on it is told.
const SILENT_S: u32 = 15;

/// Phase and verdict.
pub(super) fn state(rollout: &api::Rollout) -> Markup {
    html! {
        p {
            (view::phase(rollout)) " "
            @if rollout.experiment.is_none() { (view::verdict(rollout.verdict())) " " }
            @if rollout.watched { (view::tag(Tone::Busy, "◉", "watched")) }
        }
    }
}

/// The sentence.
pub(super) fn sentence(rollout: &api::Rollout) -> Markup {
    html! { p class="lead" { (text::foreign(&rollout.summary)) } }
}

/// That no data comes, while it should.
pub(super) fn silence(rollout: &api::Rollout) -> Markup {
    if !words::is_under_way(rollout.phase()) || rollout.weight_ppm == 0 {
        return html! {};
    }
    match rollout.data_age_s {
        Some(age) if age >= SILENT_S => html! {
            p class="notice hold" {
                strong { "No data for " (words::span(u64::from(age) * 1_000)) ": holding. " }
                "Missing data never promotes, and alone never rolls back. Look whether "
                a href="/nodes" { "the Envoys report" } " and whether requests arrive."
            }
        },
        None => html! {
            p class="notice busy" { "No requests of both arms were seen since the rollout began or the control plane started. Nothing is decided without them." }
        },
        Some(_) => html! {},
    }
}

/// Weight, risk, both arms, how far the assignment got.
pub(super) fn facts(rollout: &api::Rollout, now_ms: u64) -> Markup {
    let arms = &rollout.arms;
    html! {
        @if !arms.is_empty() { (view::legend()) }
        dl class="facts" {
            div { dt { "Weight" } dd { (view::split(rollout)) } }
            @if !arms.is_empty() {
                div { dt { "Requests" } dd { (view::both(arms, view::rate)) } }
                div { dt { "Failed" } dd { (view::both(arms, view::errors)) } }
                div { dt { "p50" } dd { (view::both(arms, view::p50)) } }
                div { dt { "p99" } dd { (view::both(arms, view::p99)) } }
            }
            @if rollout.experiment.is_none() { div { dt { "Risk, 0 to 100" } dd { (view::risk(rollout.risk)) } } }
            div { dt { "Applied by" } dd { (rollout.vms_applied) " of " (rollout.vms_known) " VMs" } }
            div { dt { "Created" } dd { (clock::moment(rollout.created_at.as_ref(), now_ms)) } }
            div { dt { "Here since" } dd { (clock::moment(rollout.changed_at.as_ref(), now_ms)) } }
            @if let Some(until) = &rollout.rollback_window_until {
                div { dt { "Rollback window until" } dd { (clock::moment(Some(until), now_ms)) } }
            }
        }
    }
}
