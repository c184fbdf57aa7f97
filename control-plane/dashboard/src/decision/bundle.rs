//! The evidence of a decision on its page: what was known, who applied it, what followed, and how to check it.

use maud::{Markup, html};
use serde_json::Value;
use serin_proto::admin::v1 as api;
use serin_proto::evidence::v1::GetBundleResponse;

use super::charts;
use super::documents::{document, list, manifest, number, text as member, whole};
use crate::chart::{evidence as evidence_chart, latency, slots};
use crate::view::{self, Tone};
use crate::{clock, text, words};

/// Log records that are shown.
const RECORDS: usize = 24;

/// Everything about the evidence.
pub(super) fn evidence(decision: &api::Decision, bundle: &GetBundleResponse) -> Markup {
    let counts = document(bundle, "counts");
    let after = document(bundle, "aftermath");
    let after_counts = after.get("counts").cloned().unwrap_or_default();
    // Blocks are no components: what is drawn of them is the version.
    let names: &[String] = if decision.kind == "components_rolled_back" { &decision.names } else { &[] };
    let latencies = charts::latencies(&document(bundle, "latencies"), names);
    html! {
        h2 { "What was known" }
        div class="card-grid" {
            (evidence_chart::figures(&charts::paths(&document(bundle, "path"), names)))
            (slots::figures(&charts::slots(&counts, &after_counts, names)))
            (latency::figures(&latencies, &latency::summaries(&latencies)))
        }
        (suffered(bundle))
        div class="card-columns" {
            (outside(&document(bundle, "outside")))
            (acknowledgements(&document(bundle, "acknowledgements")))
            (aftermath(&after))
            (whole_bundle(decision, bundle))
        }
    }
}

/// What failing requests said, and how many users saw failures.
fn suffered(bundle: &GetBundleResponse) -> Markup {
    let (logs, decided) = (document(bundle, "logs"), document(bundle, "decision"));
    let records = list(&logs, "records");
    let (seen, failed) = (whole(&decided, "buckets_seen"), whole(&decided, "buckets_failed"));
    html! {
        section class="card" {
            h2 { "Who suffered" }
            @if seen > 0 {
                p { "About " strong { (words::percent(words::share(failed, seen))) } " of the canary's users saw failures (" (failed) " of " (seen) " buckets of users)." }
            }
            @if records.is_empty() {
                p class="quiet" { "No log record of a failure was sent. docs/send-logs.md says how your service sends them." }
            } @else {
                ol class="events" { @for record in records.iter().rev().take(RECORDS) { (log(record)) } }
                @let more = whole(&logs, "not_kept") + records.len().saturating_sub(RECORDS) as u64;
                @if more > 0 { p class="quiet" { (words::counted(more, "more record")) " were seen and are not shown." } }
            }
        }
    }
}

fn log(record: &Value) -> Markup {
    html! {
        li {
            code { (text::foreign(member(record, "text"))) }
            div class="why" {
                (clock::time(whole(record, "second").saturating_mul(1_000)))
                @for (what, name) in [("", "component"), ("on ", "arm"), ("block ", "block")] {
                    @if !member(record, name).is_empty() { " · " (what) (text::name(member(record, name))) }
                }
            }
        }
    }
}

/// How triggers, queries and health checks stood.
fn outside(outside: &Value) -> Markup {
    let kinds = [("trigger", "triggers"), ("query", "queries"), ("health check", "health")];
    let readings: Vec<(&str, &Value)> = kinds
        .iter()
        .flat_map(|(kind, name)| list(outside, name).iter().map(move |one| (*kind, one)))
        .collect();
    if readings.is_empty() {
        return html! {};
    }
    html! {
        section class="card" {
            h2 { "From outside" }
            ul class="events" {
                @for (kind, one) in readings {
                    li {
                        strong { (text::name(member(one, "name"))) } " " small { (kind) }
                        @if let Some(value) = one.get("value").and_then(Value::as_f64) { " " (words::number(value)) }
                        div { (text::foreign(member(one, "text"))) (text::foreign(member(one, "reason"))) }
                    }
                }
            }
        }
    }
}

fn acknowledgements(told: &Value) -> Markup {
    html! {
        section class="card" {
            h2 { "Who applied it" }
            @if told.is_null() {
                p class="quiet" { "Not written yet: it follows once all living VMs apply it, or 30 s after the decision." }
            } @else {
                @let (vms, applied) = (whole(told, "vms"), whole(told, "vms_applied"));
                p {
                    (if applied == vms { view::tag(Tone::Good, "✓", "all") } else { view::tag(Tone::Hold, "!", "not all") })
                    " " (applied) " of " (words::counted(vms, "living VM")) " within " (words::span(whole(told, "after_ms"))) ", generation " (whole(told, "generation")) "."
                }
                (nodes(told))
            }
        }
    }
}

fn nodes(told: &Value) -> Markup {
    let nodes = list(told, "nodes");
    html! {
        @if !nodes.is_empty() {
            details {
                summary { "The Envoys" }
                div class="scroll" tabindex="0" role="region" aria-label="The Envoys that applied it" {
                    table {
                        thead { tr { th scope="col" { "Node" } th scope="col" { "Acknowledged" } th scope="col" { "At" } } }
                        tbody { @for node in nodes.iter().take(100) {
                            tr {
                                th scope="row" { (text::name(member(node, "id"))) }
                                td { (whole(node, "generation_acknowledged")) }
                                td { @if whole(node, "acknowledged_at") > 0 { (clock::time(whole(node, "acknowledged_at"))) } @else { "–" } }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// What both arms did in the minute after.
fn aftermath(after: &Value) -> Markup {
    let counts = after.get("counts").cloned().unwrap_or_default();
    let sum = |arm: &str, what: &str| {
        list(&counts, "slots")
            .iter()
            .filter(|slot| member(slot, "arm") == arm)
            .map(|slot| whole(slot, what))
            .sum::<u64>()
    };
    html! {
        section class="card" {
            h2 { "What followed" }
            @if after.is_null() {
                p class="quiet" { "Not written yet: it follows 60 s after the decision." }
            } @else {
                ul {
                    @for arm in ["baseline", "canary"] {
                        @let (started, failed) = (sum(arm, "started"), sum(arm, "failed"));
                        li { (arm) ": " (words::counted(started, "request")) ", " (words::percent(words::share(failed, started))) " failed" }
                    }
                }
            }
        }
    }
}

/// Name, hash, documents, and the commands that show and check them.
fn whole_bundle(decision: &api::Decision, bundle: &GetBundleResponse) -> Markup {
    let manifest = manifest(bundle);
    let head = bundle.bundles.first().and_then(|one| one.head.as_ref());
    let is_complete = manifest.get("complete").and_then(Value::as_bool).unwrap_or(false);
    html! {
        section class="card" {
            h2 { "The bundle" }
            p {
                code { (text::name(&decision.id)) } " "
                (if is_complete { view::tag(Tone::Good, "✓", "complete") } else { view::tag(Tone::Hold, "!", "not complete") })
            }
            @for missing in list(&manifest, "missing") {
                p class="notice hold" { "Missing: " (text::name(member(missing, "name"))) ", " (text::foreign(member(missing, "why"))) }
            }
            @if let Some(head) = head { p class="why" { "Entry " (head.number) " of the chain, SHA-256 " code { (head.sha256) } } }
            p class="why" { "Documents: " @for (index, one) in bundle.documents.iter().enumerate() { @if index > 0 { ", " } (text::name(&one.name)) } }
            (weights(bundle))
            p { "See all of it, take it elsewhere, check it:" }
            pre { "serin evidence show " (text::plain(&decision.id)) "\nserin evidence export " (text::plain(&decision.id)) " -o evidence.tar.gz\nserin evidence verify evidence.tar.gz\nserin postmortem " (text::plain(&decision.rollout_id)) " -o report.md" }
        }
    }
}

fn weights(bundle: &GetBundleResponse) -> Markup {
    let decided = document(bundle, "decision");
    let share = |name: &str| words::percent(number(&decided, name) / 1e6);
    html! {
        @if !decided.is_null() {
            p class="why" {
                "Weight " (share("weight_before_ppm")) " before, " (share("weight_after_ppm")) " after; "
                (words::plain(member(&decided, "phase_before"))) " before, " (words::plain(member(&decided, "phase_after"))) " after."
            }
        }
    }
}
