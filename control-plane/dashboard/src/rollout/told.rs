//! What each source of evidence makes of the risk, and what logs and users tell.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::view::{self, Tone};
use crate::{clock, text, words};

/// Findings that are shown.
const FINDINGS: usize = 20;

/// Empty while requests are the only source.
pub(super) fn told(rollout: &api::Rollout, now_ms: u64) -> Markup {
    if rollout.sources.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Requests, users, logs" }
        div class="scroll" tabindex="0" role="region" aria-label="Risk by source" {
            table {
                thead { tr { th scope="col" { "source" } th scope="col" class="number" { "part" } th scope="col" class="number" { "risk" } th scope="col" class="number" { "share of the risk" } } }
                tbody {
                    @for source in &rollout.sources {
                        tr {
                            th scope="row" { (source_name(&source.source)) }
                            td class="number" { (percent(source.weight)) }
                            td class="number" { (format!("{:.0}", source.risk)) }
                            td class="number" { (percent(source.share)) }
                        }
                    }
                }
            }
        }
        @if rollout.findings.is_empty() {
            p class="why" { "Logs and users tell nothing that requests do not." }
        } @else {
            ul class="events" {
                @for finding in rollout.findings.iter().take(FINDINGS) { (one(finding, now_ms)) }
            }
            @if rollout.findings.len() > FINDINGS {
                p class="why" { (rollout.findings.len() - FINDINGS) " more, with weaker evidence: " code { "serin rollout get --json" } }
            }
        }
    }
}

fn one(finding: &api::Finding, now_ms: u64) -> Markup {
    let (tone, icon, word) = match (finding.verdict(), finding.harmful) {
        (api::Verdict::Regressed, _) => (Tone::Bad, "✗", "regressed"),
        (_, true) => (Tone::Hold, "!", "not decided"),
        (_, false) => (Tone::Quiet, "·", "told"),
    };
    html! {
        li {
            (view::tag(tone, icon, word)) " " small { (source_name(&finding.source)) }
            div { (text::foreign(&finding.text)) }
            @if !finding.samples.is_empty() {
                details {
                    summary { "Samples, masked" }
                    ul { @for sample in &finding.samples { li { code { (text::foreign(sample)) } } } }
                }
            }
            div class="why" {
                "first seen " (clock::moment(finding.first_seen.as_ref(), now_ms))
                @if !finding.component.is_empty() { " · " (text::name(&finding.component)) }
            }
        }
    }
}

fn source_name(source: &str) -> String {
    match source {
        "metrics" => "requests".to_owned(),
        "behaviour" => "users".to_owned(),
        other => words::plain(other),
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}
