//! Before something is done: what follows from it, in words and numbers, and why it is done.

mod action;
mod consequence;

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::radius::Scope;
use crate::{rollout, text, view};

pub use action::{Action, approval_name, approval_of};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmPage<'a> {
    /// The rollout.
    pub rollout: &'a api::Rollout,
    /// What the fleet knows of the components of all services.
    pub known: &'a [api::KnownComponent],
    /// What is to be done.
    pub action: Action,
    /// What a rollback returns.
    pub scope: Scope<'a>,
    /// Why the server did not do it. `None`: it was not asked yet.
    pub refusal: Option<&'a str>,
    /// The reason as it was entered. Empty at first.
    pub reason: &'a str,
    /// The weight in percent as it was entered. Empty at first.
    pub weight_percent: &'a str,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// The page. It does not change while it is looked at.
#[must_use]
pub fn page(page: &ConfirmPage<'_>) -> Rendered {
    let (rollout, back) = (page.rollout, rollout::path(&page.rollout.id));
    let title = title(page);
    let main = html! {
        (view::crumbs(&[("/", html! { "Rollouts" }), (&back, html! { (text::name(&rollout.service)) ": " (view::versions(rollout)) })]))
        h1 { (title) }
        @if let Some(refusal) = page.refusal {
            p class="notice bad" role="alert" { strong { "Not done. " } (text::foreign(refusal)) }
        }
        section class="card" {
            h2 { "What follows" }
            div id="consequence" { (consequence::told(page)) }
            p class="why" { "Now: " (text::foreign(&rollout.summary)) "." }
        }
        section class="card" { (form(page, &back)) }
    };
    Rendered::new(
        format!("{}: {}", page.action.verb(), text::plain(&rollout.service)),
        None,
        main,
        Parts::default(),
    )
}

fn title(page: &ConfirmPage<'_>) -> Markup {
    html! {
        (page.action.verb()) " "
        @match (page.action, page.scope) {
            (Action::Rollback, Scope::Component(name) | Scope::Block(name) | Scope::Arm(name)) => {
                (text::name(name)) " of " (text::name(&page.rollout.service))
            }
            _ => (text::name(&page.rollout.service)),
        }
        "?"
    }
}

/// Cancel comes first for who goes by keys, and what is done says so on its button.
fn form(page: &ConfirmPage<'_>, back: &str) -> Markup {
    let is_required = page.action != Action::Resume;
    html! {
        form class="stack" method="post" action=(format!("{back}/{}", page.action.name())) {
            (scope_fields(page))
            @if page.action == Action::Weight {
                label for="weight" { "Weight" }
                input id="weight" name="weight_percent" inputmode="decimal" required aria-describedby="weight-hint" value=(page.weight_percent) autocomplete="off";
                p class="hint" id="weight-hint" { "The canary's part of the requests in percent, 0 to 100, for example 12.5." }
            }
            label for="reason" { "Reason" }
            input id="reason" name="reason" required[is_required] maxlength="1000" aria-describedby="reason-hint" value=(page.reason) autocomplete="off";
            p class="hint" id="reason-hint" {
                "Why, for who reads the journal later. Up to 1,000 bytes"
                @if is_required { "." } @else { "; may be empty." }
            }
            div class="actions" {
                a class="button" href=(back) { "Cancel" }
                button class=(if page.action.undoes() { "go danger" } else { "go" }) type="submit" { (page.action.verb()) }
            }
        }
    }
}

fn scope_fields(page: &ConfirmPage<'_>) -> Markup {
    let (name, value) = match (page.action, page.scope) {
        (Action::Approve(approval), _) => ("approval", approval_name(approval)),
        (Action::Rollback, Scope::Component(name)) => ("component", name),
        (Action::Rollback, Scope::Block(name)) => ("block", name),
        (Action::Rollback, Scope::Arm(name)) => ("arm", name),
        _ => return html! {},
    };
    html! { input type="hidden" name=(name) value=(value); }
}
