//! An experiment: its arms, and what is compared.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use super::RolloutPage;
use crate::view::{self, Tone};
use crate::{text, words};

/// The arms and their results. Empty: it is no experiment.
pub(super) fn results(page: &RolloutPage<'_>) -> Markup {
    let rollout = page.rollout;
    let Some(experiment) = &rollout.experiment else { return html! {} };
    let confidence = words::weight(experiment.confidence_ppm);
    html! {
        h2 { "What is compared" }
        p { "Each interval holds the true value at all times with probability " (confidence) "." }
        @for arm in &experiment.arms { (guard(page, arm)) }
        @for result in &experiment.results {
            h3 { @if result.component.is_empty() { "The service as a whole" } @else { (text::name(&result.component)) } }
            (table(experiment, result))
        }
    }
}

/// How an arm stands.
fn guard(page: &RolloutPage<'_>, arm: &api::ExperimentArm) -> Markup {
    let is_running = words::is_under_way(page.rollout.phase()) && arm.stopped_because.is_empty();
    html! {
        p {
            strong { (text::name(&arm.name)) } " " (text::name(&arm.version)) ", " (words::weight(arm.weight_ppm)) " of the users "
            @if !arm.stopped_because.is_empty() {
                (view::tag(Tone::Bad, "↩", "stopped")) " " (text::foreign(&arm.stopped_because))
            } @else if is_running {
                (view::verdict(arm.verdict()))
            }
        }
        @if page.may_act && is_running {
            p {
                a href=(format!("{}/rollback?arm={}", super::path(&page.rollout.id), text::segment(&arm.name))) {
                    "Stop " (text::name(&arm.name)) "…"
                }
            }
        }
        @for veto in arm.vetoes() { p class="notice hold" { (words::veto(veto)) } }
    }
}

fn table(experiment: &api::Experiment, result: &api::ExperimentResult) -> Markup {
    let control = result.control.unwrap_or_default();
    html! {
        table class="stack-rows" role="table" {
            thead role="rowgroup" { tr role="row" {
                @for name in ["Arm", "Requests", "Failed", "p50", "p90", "p99", "What the intervals say"] {
                    th scope="col" role="columnheader" { (name) }
                }
            } }
            tbody role="rowgroup" {
                (totals(&experiment.control, &control, None))
                @for arm in &result.arms { (totals(&arm.arm, &arm.totals.unwrap_or_default(), Some(arm))) }
            }
        }
    }
}

fn totals(name: &str, totals: &api::ArmTotals, arm: Option<&api::ArmResult>) -> Markup {
    let cell = |label: &str, value: String, difference: Option<&api::Difference>, is_ratio: bool| {
        html! { td role="cell" data-label=(label) { div {
            (value)
            @if let Some(difference) = difference { div class="why" { (interval(difference, is_ratio)) } }
        } } }
    };
    let latency = |us: u64| if us == 0 { "–".to_owned() } else { words::latency(words::float(us)) };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (text::name(name)) @if arm.is_none() { div class="why" { "control" } } }
            (cell("Requests", words::count(totals.requests), None, false))
            (cell("Failed", words::percent(words::share(totals.failed, totals.requests)), arm.and_then(|one| one.error_rate.as_ref()), false))
            (cell("p50", latency(totals.latency_p50_us), arm.and_then(|one| one.latency_p50.as_ref()), true))
            (cell("p90", latency(totals.latency_p90_us), arm.and_then(|one| one.latency_p90.as_ref()), true))
            (cell("p99", latency(totals.latency_p99_us), arm.and_then(|one| one.latency_p99.as_ref()), true))
            td role="cell" data-label="In words" { div { (text::foreign(arm.map(|one| one.text.as_str()).unwrap_or_default())) } }
        }
    }
}

/// The interval of a difference, with what it says.
fn interval(difference: &api::Difference, is_ratio: bool) -> Markup {
    let shown = |value: f64| {
        if is_ratio {
            format!("× {}", words::number(value))
        } else {
            format!("{} points", words::number(value * 100.0))
        }
    };
    let (tone, icon, word) = match difference.conclusion() {
        api::Conclusion::Better => (Tone::Good, "✓", "better"),
        api::Conclusion::Worse => (Tone::Bad, "✗", "worse"),
        api::Conclusion::Undecided | api::Conclusion::Unspecified => (Tone::Quiet, "…", "undecided"),
    };
    html! { (view::tag(tone, icon, word)) " " (shown(difference.low)) " to " (shown(difference.high)) }
}
