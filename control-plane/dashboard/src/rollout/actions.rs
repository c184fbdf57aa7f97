//! What may be done, as links to pages that show what follows from it.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::RolloutPage;
use crate::{text, words};

/// An action: its address below the rollout, what it is called, and whether it undoes something.
type Link = (String, String, bool);

/// The links. Which of them a rollout takes is for the server to say; those are left out that cannot be.
pub(super) fn links(page: &RolloutPage<'_>) -> Markup {
    let links = possible(page.rollout);
    html! {
        nav aria-label="Actions" {
            ul class="actions" {
                @if page.may_act {
                    @for (address, name, undoes) in links {
                        li { a class=(if undoes { "button danger" } else { "button" })
                            href=(format!("{}/{address}", super::path(&page.rollout.id))) { (name) } }
                    }
                }
                li { a class="button" href=(format!("{}/graph", super::path(&page.rollout.id))) { "What needs what" } }
            }
        }
    }
}

fn possible(rollout: &api::Rollout) -> Vec<Link> {
    let phase = rollout.phase();
    let mut links: Vec<Link> = Vec::new();
    let mut add = |address: &str, name: String, undoes: bool| links.push((address.to_owned(), name, undoes));
    let (under_way, is_experiment) = (words::is_under_way(phase), rollout.experiment.is_some());
    if under_way || (phase == api::Phase::Promoted && rollout.weight_ppm > 0) {
        let name = if is_experiment {
            "End the experiment…".to_owned()
        } else {
            format!("Roll back to {}…", text::plain(&rollout.baseline_version))
        };
        add("rollback", name, true);
    }
    if phase == api::Phase::Paused {
        add("resume", "Resume…".to_owned(), false);
    } else if under_way && phase != api::Phase::RollingBack {
        add("pause", "Pause…".to_owned(), false);
    }
    if under_way && !is_experiment && phase != api::Phase::RollingBack {
        add("weight", "Set the weight…".to_owned(), false);
        add("promote", "Promote…".to_owned(), false);
    }
    if phase == api::Phase::Promoted && !is_experiment {
        let (address, name) =
            if rollout.weight_ppm > 0 { ("hand-over", "Hand over…") } else { ("promote", "Take back…") };
        add(address, name.to_owned(), false);
    }
    for (approval, name) in approvals(rollout) {
        add(&format!("approve?approval={approval}"), name.to_owned(), false);
    }
    if under_way && rollout.summary.contains("window") {
        add("override-windows", "Go on in spite of the calendar…".to_owned(), false);
    }
    links
}

/// What waits for a person.
fn approvals(rollout: &api::Rollout) -> Vec<(&'static str, &'static str)> {
    let mut possible = Vec::new();
    let newest = rollout.hooks.iter().rev().find(|run| run.state != "succeeded");
    if let Some(failed) = newest.filter(|run| run.state == "failed") {
        if failed.name == "migrations" && failed.said.contains("approv") {
            possible.push(("data-loss", "Allow the schema change to lose data…"));
        }
        possible.push(("retry-hook", "Run the hook again…"));
        possible.push(("skip-hook", "Go on without the hook…"));
    }
    let is_open = rollout.rollback.as_ref().is_some_and(|rollback| {
        !rollback.verified && rollback.stages.iter().any(|one| one.stage == "drain" && one.outcome != "done")
    });
    if is_open {
        possible.push(("drained", "Say that the canary is drained…"));
    }
    possible
}
