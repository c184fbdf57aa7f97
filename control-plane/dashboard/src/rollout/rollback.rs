//! How a rollback is carried out, stage by stage.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::view::{self, Tone};
use crate::{clock, text, words};

/// The stages in their order, and what each waits for.
const STAGES: [(&str, &str, &str); 4] = [
    ("acknowledge", "Every proxy obeys", "until every proxy that lives obeys"),
    ("drain", "Nothing goes there", "until no request goes to what was returned"),
    ("hooks", "Hooks have ended", "until the hooks have ended"),
    ("verify", "The baseline is well", "until the baseline is seen to carry the load"),
];

/// The newest rollback. Empty: there was none.
pub(super) fn stages(rollout: &api::Rollout, now_ms: u64) -> Markup {
    let Some(rollback) = &rollout.rollback else { return html! {} };
    html! {
        h2 { "Rollback of " (what(rollback)) " " (standing(rollback)) }
        p { "Decided at " (clock::moment(rollback.decided_at.as_ref(), now_ms)) "." }
        ol class="steps stages" {
            @for (stage, title, awaits) in STAGES {
                @let record = rollback.stages.iter().rev().find(|one| one.stage == stage);
                @if record.is_some() || rollback.stage == stage || !rollback.stage.is_empty() {
                    li class=(class(rollback, stage, record)) aria-current=[(rollback.stage == stage).then_some("step")] {
                        b { (title) }
                        @if rollback.stage == stage { div { "Now: " (awaits) } }
                        @if let Some(record) = record { (outcome(record)) }
                    }
                }
            }
        }
    }
}

fn what(rollback: &api::Rollback) -> Markup {
    if rollback.names.is_empty() {
        html! { "the whole version" }
    } else {
        view::listed(&rollback.names)
    }
}

fn standing(rollback: &api::Rollback) -> Markup {
    if rollback.verified {
        view::tag(Tone::Good, "✓", "verified")
    } else if rollback.stage.is_empty() {
        view::tag(Tone::Hold, "!", "over, not verified")
    } else {
        view::tag(Tone::Busy, "▸", "under way")
    }
}

fn class(rollback: &api::Rollback, stage: &str, record: Option<&api::RollbackStage>) -> &'static str {
    match record.map(|one| one.outcome.as_str()) {
        Some("failed") => "step stopped",
        Some("done" | "unknown") => "step done",
        _ if rollback.stage == stage => "step now",
        _ => "step",
    }
}

fn outcome(record: &api::RollbackStage) -> Markup {
    let word = match record.outcome.as_str() {
        "done" => "✓ done",
        "late" => "! late",
        "failed" => "✗ given up",
        _ => "? not known",
    };
    html! {
        div { strong { (word) } " after " (words::span(record.took_ms)) }
        div class="why" { (text::foreign(&record.text)) }
    }
}
