//! One decision: why, on what evidence, and what came of it.

mod bundle;
mod charts;
mod documents;

use maud::{Markup, html};
use serin_proto::admin::v1 as api;
use serin_proto::evidence::v1 as evidence;

use crate::part::{Parts, Rendered};
use crate::{clock, decisions, rollout, text, view, words};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct DecisionPage<'a> {
    /// The decision.
    pub decision: &'a api::Decision,
    /// Its evidence. `None`: there is none, or no longer.
    pub bundle: Option<&'a evidence::GetBundleResponse>,
    /// The form that marks it is shown.
    pub may_act: bool,
    /// Why the server did not take the mark. `None`: it was not asked.
    pub refusal: Option<&'a str>,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// Address of a decision.
#[must_use]
pub fn path(id: &str) -> String {
    format!("/decisions/{}", text::segment(id))
}

/// The page.
#[must_use]
pub fn page(page: &DecisionPage<'_>) -> Rendered {
    let one = page.decision;
    let main = html! {
        (view::crumbs(&[("/decisions", html! { "Decisions" }), (&rollout::path(&one.rollout_id), html! { (text::name(&one.service)) })]))
        h1 { (capital(&one.kind)) ": " (text::name(&one.service)) }
        section class="card" {
            h2 class="hidden" { "What was decided" }
            p { (decisions::kind(one)) @if one.mark() != api::Mark::Unspecified { " " (decisions::mark(one)) } }
            p class="lead" { (text::foreign(&one.text)) }
            (facts(one))
        }
        @match page.bundle {
            Some(bundle) => (bundle::evidence(one, bundle)),
            None => section class="card" {
                h2 { "Evidence" }
                p class="notice hold" { "No evidence of it is kept: it is older than what is kept, or could not be written. " code { "serin evidence verify" } " tells which." }
            },
        }
        (marking(page))
    };
    Rendered::new(
        format!("{}: {}", capital(&one.kind), text::plain(&one.service)),
        None,
        main,
        Parts::default(),
    )
}

fn capital(kind: &str) -> String {
    crate::reasons::capital(&words::plain(kind))
}

fn facts(one: &api::Decision) -> Markup {
    let onset = words::millis(one.onset_at.as_ref());
    let at = words::millis(one.at.as_ref());
    html! {
        dl class="facts" {
            div { dt { "Decided" } dd { (clock::full(one.at.as_ref())) } }
            div { dt { "By" } dd { (text::name(&one.actor)) } }
            div { dt { "Versions" } dd { (text::name(&one.baseline_version)) " → " (text::name(&one.canary_version)) } }
            @if onset > 0 {
                div { dt { "Harm began" } dd { (clock::full(one.onset_at.as_ref())) } }
                div { dt { "Found after" } dd { (words::span(at.saturating_sub(onset) / 1_000 * 1_000)) } }
            }
            div { dt { "Applied by all in" } dd { (decisions::applied(one)) } }
            div { dt { "Rollout" } dd { a href=(rollout::path(&one.rollout_id)) { (text::name(&one.rollout_id)) } } }
        }
    }
}

fn marking(page: &DecisionPage<'_>) -> Markup {
    let one = page.decision;
    let is = |mark: api::Mark| one.mark() == mark;
    html! {
        section class="card" {
            h2 { "What people say of it" }
            @if is(api::Mark::Unspecified) {
                p { "Nobody said yet whether it was right." }
            } @else {
                p { (decisions::mark(one)) " by " (text::name(&one.marked_by)) ": " (text::foreign(&one.mark_reason)) }
            }
            @if let Some(refusal) = page.refusal { p class="notice bad" role="alert" { strong { "Not noted. " } (text::foreign(refusal)) } }
            @if page.may_act {
                form class="stack" method="post" action=(format!("{}/mark", path(&one.id))) {
                    fieldset {
                        legend { "It was" }
                        label { input type="radio" name="mark" value="right" required checked[is(api::Mark::Right)]; "right" }
                        label { input type="radio" name="mark" value="false_alarm" required checked[is(api::Mark::FalseAlarm)]; "a false alarm: what was undone was not worse" }
                    }
                    label for="reason" { "Reason" }
                    input id="reason" name="reason" required maxlength="1000" autocomplete="off";
                    div class="actions" { button class="go" type="submit" { "Note it" } }
                    p class="hint" { "It changes no rollout, and counts in the history. The newest mark holds." }
                }
            }
        }
    }
}
