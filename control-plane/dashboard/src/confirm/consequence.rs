//! What follows from an action, in words and numbers.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::{Action, ConfirmPage};
use crate::radius::{Radius, Scope, radius};
use crate::{text, view, words};

/// The consequence.
pub(super) fn told(page: &ConfirmPage<'_>) -> Markup {
    let rollout = page.rollout;
    match page.action {
        Action::Rollback => rollback(page),
        Action::Promote => promote(rollout),
        Action::Resume => html! {
            p class="lead" { "Goes on at " (weight(rollout)) ": the evaluation of its step begins anew, and its bake time too." }
            (verdict_now(rollout))
        },
        Action::Pause if rollout.experiment.is_some() => html! {
            p class="lead" { "Returns all users to the control until the experiment is resumed." }
        },
        Action::Pause => html! {
            p class="lead" { "Holds at " (weight(rollout)) " until a person resumes it. Automatic rollback stays armed." }
        },
        Action::Weight => html! {
            p class="lead" { "Sends the weight that you enter to " (text::name(&rollout.canary_version)) ", now " (weight(rollout)) ", and then holds until a person resumes it." }
            p { "Users who are on the canary stay there when the weight rises." }
            (verdict_now(rollout))
        },
        Action::HandOver => html! {
            p class="lead" { "Returns all users to the baseline's endpoint, which must run " (text::name(&rollout.canary_version)) " by now." }
            p { "Then the canary's endpoint is free for the next rollout. “Take back” reverses it." }
        },
        Action::OverrideWindows => html! {
            p class="lead" { "Goes on in spite of the windows of the calendar that are open now, until they close." }
            p { "Limits that a window tightens stay as they are." }
        },
        Action::Approve(approval) => approve(approval),
    }
}

fn weight(rollout: &api::Rollout) -> String {
    format!("{} canary", words::weight(rollout.weight_ppm))
}

fn verdict_now(rollout: &api::Rollout) -> Markup {
    html! { p { "The verdict is " (view::verdict(rollout.verdict())) ", the risk " (view::risk(rollout.risk)) "." } }
}

fn promote(rollout: &api::Rollout) -> Markup {
    let version = &rollout.canary_version;
    html! {
        p class="lead" {
            "Sends 100 % of the requests to " (text::name(version))
            @match rollout.verdict() {
                api::Verdict::Healthy => ", whose verdict is healthy.",
                api::Verdict::Regressed => " although it is shown to be worse than the margins allow.",
                api::Verdict::Inconclusive | api::Verdict::Unspecified => " although the verdict is inconclusive.",
            }
        }
        p { "It has " (words::weight(rollout.weight_ppm)) " now." (returned(rollout)) }
        (verdict_now(rollout))
        @if rollout.verdict() == api::Verdict::Regressed {
            p class="notice bad" { "Evidence speaks against this version. Promote only if you know why it is wrong." }
        }
    }
}

/// What stays on the baseline, whatever the weight is.
fn returned(rollout: &api::Rollout) -> Markup {
    let names: Vec<String> =
        rollout.components.iter().filter(|one| one.rolled_back).map(|one| one.name.clone()).collect();
    html! { @if !names.is_empty() { " On the baseline now: " (view::listed(&names)) "." } }
}

fn approve(approval: api::Approval) -> Markup {
    let said = match approval {
        api::Approval::DataLoss => {
            "The schema changes of this rollout may lose data. Those that waited for it run again."
        }
        api::Approval::RetryHook => "The hook that failed runs again.",
        api::Approval::SkipHook => "The rollout goes on as if the hook that failed had succeeded.",
        api::Approval::Drained => {
            "You say that no request goes to the canary any more, though that was not seen. What waits for it goes on."
        }
        api::Approval::Unspecified => "Nothing.",
    };
    html! { p class="lead" { (said) } }
}

fn rollback(page: &ConfirmPage<'_>) -> Markup {
    let rollout = page.rollout;
    let radius = radius(rollout, page.known, page.scope);
    html! {
        (headline(page, &radius))
        @if !matches!(page.scope, Scope::Block(_)) { p { (requests(rollout, &radius)) } }
        (details(rollout, &radius, page.scope))
    }
}

fn headline(page: &ConfirmPage<'_>, radius: &Radius) -> Markup {
    let rollout = page.rollout;
    let baseline = text::name(&rollout.baseline_version);
    html! {
        p class="lead" {
            @match page.scope {
                Scope::Version if rollout.experiment.is_some() => "Ends the experiment: all users return to the control.",
                Scope::Version => { "Returns the whole version to " (baseline) ", and ends the rollout." }
                Scope::Arm(name) => { "Stops the arm " (text::name(name)) ": its users return to the control. Nobody else moves." }
                Scope::Block(name) => { (block(rollout, name)) }
                Scope::Component(_) if radius.returns.is_empty() => { "Moves nothing: it is on " (baseline) " already." }
                Scope::Component(_) => { "Returns " (view::listed(&radius.returns)) " to " (baseline) "." }
            }
        }
    }
}

fn block(rollout: &api::Rollout, name: &str) -> Markup {
    let found = rollout
        .components
        .iter()
        .find_map(|one| Some((one, one.blocks.iter().find(|block| block.name == name)?)));
    html! {
        "Puts the previous version of the block " (text::name(name))
        @if let Some((component, block)) = found {
            @if let Some(previous) = block.previous.first() { ", " (text::name(previous)) "," }
            " into force in " (text::name(&component.name))
        }
        ". Its requests stay where they are."
    }
}

fn requests(rollout: &api::Rollout, radius: &Radius) -> Markup {
    let share = words::percent(words::share(radius.moved, radius.all));
    html! {
        @if radius.all == 0 {
            "No request was counted in the last minute."
        } @else {
            strong { (share) " of the requests of the last minute (" (words::count(radius.moved)) ")" }
            " " (if radius.moved == 1 { "moves" } else { "move" }) " to " (text::name(&rollout.baseline_version)) "."
        }
    }
}

fn details(rollout: &api::Rollout, radius: &Radius, scope: Scope<'_>) -> Markup {
    let canary = text::name(&rollout.canary_version);
    html! {
        @if !radius.because.is_empty() || !radius.switched_off.is_empty() || !radius.elsewhere.is_empty() {
            ul {
                @for (name, needed) in radius.because.iter().filter(|(name, _)| radius.returns.contains(name)) {
                    li { (text::name(name)) " goes too: it cannot work without " (view::listed(needed)) "." }
                }
                @if !radius.switched_off.is_empty() { li { "Switched off: " (view::listed(&radius.switched_off)) "." } }
                @if !radius.elsewhere.is_empty() {
                    li { "In other services, where their rollouts still send requests to a canary: " (view::listed(&radius.elsewhere)) "." }
                }
            }
        }
        @if matches!(scope, Scope::Component(_)) && !radius.keeps.is_empty() {
            p class="why" {
                (view::listed(&radius.keeps.iter().take(12).cloned().collect::<Vec<_>>()))
                @if radius.keeps.len() > 12 { " and " (radius.keeps.len() - 12) " more" }
                (if radius.keeps.len() == 1 { " keeps " } else { " keep " }) (canary) "."
            }
        }
    }
}
