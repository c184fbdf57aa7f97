//! Small pieces that several pages show: a verdict, a phase, the split between both arms.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::{text, words};

/// How something is to be taken: the colour goes with an icon and a word, never alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Harm, or undone.
    Bad,
    /// Waits, or needs a person.
    Hold,
    /// Under way.
    Busy,
    /// Nothing to say.
    Quiet,
}

impl Tone {
    /// As a class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Hold => "hold",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
        }
    }
}

/// A word with its icon.
pub(crate) fn tag(tone: Tone, icon: &str, word: &str) -> Markup {
    html! { span class=(format!("tag {}", tone.class())) { span aria-hidden="true" { (icon) " " } (word) } }
}

/// A verdict.
pub(crate) fn verdict(verdict: api::Verdict) -> Markup {
    let (tone, icon) = match verdict {
        api::Verdict::Healthy => (Tone::Good, "✓"),
        api::Verdict::Regressed => (Tone::Bad, "✗"),
        api::Verdict::Inconclusive | api::Verdict::Unspecified => (Tone::Quiet, "…"),
    };
    tag(tone, icon, words::verdict(verdict))
}

/// How a phase is to be taken.
pub(crate) const fn phase_tone(phase: api::Phase) -> Tone {
    match phase {
        api::Phase::Promoted => Tone::Good,
        api::Phase::RolledBack | api::Phase::RollingBack | api::Phase::Failed => Tone::Bad,
        api::Phase::Paused => Tone::Hold,
        api::Phase::WarmingUp | api::Phase::Progressing | api::Phase::Completing => Tone::Busy,
        api::Phase::Unspecified => Tone::Quiet,
    }
}

/// A phase.
pub(crate) fn phase(rollout: &api::Rollout) -> Markup {
    let phase = rollout.phase();
    if rollout.experiment.is_some() {
        return if words::is_under_way(phase) && phase != api::Phase::Paused {
            tag(Tone::Busy, "▸", "comparing")
        } else if phase == api::Phase::Paused {
            tag(Tone::Hold, "Ⅱ", "paused")
        } else {
            tag(Tone::Quiet, "■", "ended")
        };
    }
    let icon = match phase {
        api::Phase::Promoted => "✓",
        api::Phase::RolledBack | api::Phase::RollingBack => "↩",
        api::Phase::Failed => "✗",
        api::Phase::Paused => "Ⅱ",
        api::Phase::WarmingUp | api::Phase::Progressing | api::Phase::Completing => "▸",
        api::Phase::Unspecified => "?",
    };
    tag(phase_tone(phase), icon, words::phase(phase))
}

/// Risk: from 40 on nothing is called healthy.
pub(crate) fn risk(risk: f64) -> Markup {
    let shown = words::number(risk.round());
    let tone = if risk >= 70.0 {
        Tone::Bad
    } else if risk >= 40.0 {
        Tone::Hold
    } else {
        return html! { span class="number" { (shown) } };
    };
    let word = if tone == Tone::Bad { "high" } else { "raised" };
    tag(tone, "▲", &format!("{shown} {word}"))
}

/// The part of the requests that the canary gets, as a bar and as a number.
pub(crate) fn split(rollout: &api::Rollout) -> Markup {
    let weight_ppm = rollout.weight_ppm;
    let of = if rollout.experiment.is_some() { " all arms" } else { " canary" };
    // In thousandths of the bar, and wide enough to be seen where it is not nothing.
    let part = (weight_ppm.min(1_000_000) / 1_000).max(if weight_ppm == 0 { 0 } else { 12 });
    let at = 1_000 - part;
    html! {
        span class="number" { (words::weight(weight_ppm)) (of) }
        svg class="split" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect class="all" width="1000" height="10" {}
            @if part > 0 { rect class="gap" x=(at.saturating_sub(6)) width="6" height="10" {} rect class="part" x=(at) width=(part) height="10" {} }
        }
    }
}

/// From which version to which.
pub(crate) fn versions(rollout: &api::Rollout) -> Markup {
    html! {
        (text::name(&rollout.baseline_version))
        @if let Some(experiment) = &rollout.experiment {
            " against "
            @for (index, arm) in experiment.arms.iter().enumerate() { @if index > 0 { ", " } (text::name(&arm.version)) }
        } @else {
            span aria-hidden="true" { " → " } span class="hidden" { " to " } (text::name(&rollout.canary_version))
        }
    }
}

/// The arm of a name. An arm that got nothing may be missing.
pub(crate) fn arm<'a>(arms: &'a [api::ArmSummary], name: &str) -> Option<&'a api::ArmSummary> {
    arms.iter().find(|arm| arm.arm == name)
}

/// A value of both arms, one under the other.
pub(crate) fn both(arms: &[api::ArmSummary], value: impl Fn(&api::ArmSummary) -> Option<String>) -> Markup {
    let of = |name: &str| arm(arms, name).and_then(&value).unwrap_or_else(|| "–".to_owned());
    html! {
        div class="arms" {
            span class="b" { b { (of("baseline")) } }
            span class="c" { b { (of("canary")) } }
        }
    }
}

/// Requests by the second over the last minute.
pub(crate) fn rate(arm: &api::ArmSummary) -> Option<String> {
    Some(words::rate(arm.requests, 60))
}

/// The share of failed requests.
pub(crate) fn errors(arm: &api::ArmSummary) -> Option<String> {
    (arm.requests > 0).then(|| words::percent(words::share(arm.errors, arm.requests)))
}

/// Median latency.
pub(crate) fn p50(arm: &api::ArmSummary) -> Option<String> {
    (arm.latency_p50_us > 0).then(|| words::latency(words::float(arm.latency_p50_us)))
}

/// 99th percentile of latency.
pub(crate) fn p99(arm: &api::ArmSummary) -> Option<String> {
    (arm.latency_p99_us > 0).then(|| words::latency(words::float(arm.latency_p99_us)))
}

/// What the letters and lines of both arms mean.
pub(crate) fn legend() -> Markup {
    html! {
        ul class="legend" {
            li class="key baseline" { "B: baseline" }
            li class="key canary" { "C: canary" }
        }
    }
}

/// Where a page is: links to what is above it.
pub(crate) fn crumbs(links: &[(&str, Markup)]) -> Markup {
    html! {
        nav class="crumbs" aria-label="Where you are" {
            @for (index, (address, name)) in links.iter().enumerate() {
                @if index > 0 { span aria-hidden="true" { " › " } }
                a href=(address) { (name) }
            }
        }
    }
}

/// Words separated as in a list: `a, b and c`.
pub(crate) fn listed(names: &[String]) -> Markup {
    html! {
        @for (index, name) in names.iter().enumerate() {
            @if index > 0 { (if index + 1 == names.len() { " and " } else { ", " }) }
            (text::name(name))
        }
    }
}
