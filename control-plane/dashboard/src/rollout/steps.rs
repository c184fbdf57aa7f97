//! The steps of the plan as a timeline.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::{clock, words};

/// Where a step is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Done,
    Now,
    Stopped,
    Ahead,
}

/// The timeline. Empty without steps.
pub(super) fn timeline(rollout: &api::Rollout, now_ms: u64) -> Markup {
    let steps = &rollout.planned_steps;
    if steps.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Steps" }
        p { (sentence(rollout, now_ms)) }
        ol class="steps" {
            @for (index, step) in steps.iter().enumerate() {
                @let place = place(rollout, index);
                li class=(class(place)) aria-current=[(place == Place::Now).then_some("step")] {
                    b { (words::weight(step.weight_ppm)) }
                    @if place == Place::Now { (progress(rollout, step, now_ms)) }
                    div class="why" { (word(place)) " · " (words::span(step.bake_s.saturating_mul(1_000))) }
                }
            }
            li class=(class(last(rollout))) { b { "100 %" } div class="why" { (word(last(rollout))) " · promoted" } }
        }
    }
}

fn place(rollout: &api::Rollout, index: usize) -> Place {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    match rollout.phase() {
        api::Phase::Promoted | api::Phase::Completing => Place::Done,
        api::Phase::WarmingUp | api::Phase::Unspecified => {
            if index == 0 {
                Place::Now
            } else {
                Place::Ahead
            }
        }
        api::Phase::Progressing | api::Phase::Paused if index == rollout.step => Place::Now,
        api::Phase::RolledBack | api::Phase::RollingBack | api::Phase::Failed if index == rollout.step => {
            Place::Stopped
        }
        api::Phase::Progressing
        | api::Phase::Paused
        | api::Phase::RolledBack
        | api::Phase::RollingBack
        | api::Phase::Failed => {
            if index < rollout.step {
                Place::Done
            } else {
                Place::Ahead
            }
        }
    }
}

fn last(rollout: &api::Rollout) -> Place {
    match rollout.phase() {
        api::Phase::Promoted => Place::Done,
        api::Phase::Completing => Place::Now,
        api::Phase::WarmingUp
        | api::Phase::Progressing
        | api::Phase::Paused
        | api::Phase::RolledBack
        | api::Phase::RollingBack
        | api::Phase::Failed
        | api::Phase::Unspecified => Place::Ahead,
    }
}

const fn class(place: Place) -> &'static str {
    match place {
        Place::Done => "step done",
        Place::Now => "step now",
        Place::Stopped => "step stopped",
        Place::Ahead => "step",
    }
}

const fn word(place: Place) -> &'static str {
    match place {
        Place::Done => "✓ done",
        Place::Now => "now",
        Place::Stopped => "✗ ended here",
        Place::Ahead => "to come",
    }
}

fn sentence(rollout: &api::Rollout, now_ms: u64) -> Markup {
    let next = words::millis(rollout.next_step_at.as_ref());
    let all = rollout.planned_steps.len();
    let step = (rollout.step as usize).saturating_add(1).min(all);
    html! {
        @if !words::is_under_way(rollout.phase()) {
            "It ended at step " (step) " of " (all) "."
        } @else if next > now_ms {
            "Step " (step) " of " (all) ". The next is possible in " strong { (words::span((next - now_ms) / 1_000 * 1_000)) }
            ", at " (clock::moment(rollout.next_step_at.as_ref(), now_ms)) ", if the evidence allows it."
        } @else if next > 0 {
            "Step " (step) " of " (all) ". The next is possible as soon as the evidence allows it."
        } @else {
            "Step " (step) " of " (all) "."
        }
    }
}

/// How much of the bake time is over, in tenths: finer would have it sent each second.
fn progress(rollout: &api::Rollout, step: &api::PlannedStep, now_ms: u64) -> Markup {
    let (end, bake_ms) = (words::millis(rollout.next_step_at.as_ref()), step.bake_s.saturating_mul(1_000));
    if end == 0 || bake_ms == 0 {
        return html! {};
    }
    let left = end.saturating_sub(now_ms).min(bake_ms);
    let tenths = (bake_ms - left) * 10 / bake_ms;
    html! {
        svg class="meter" viewBox="0 0 10 1" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class="track" width="10" height="1" {}
            rect class="fill" width=(tenths) height="1" {}
        }
    }
}
