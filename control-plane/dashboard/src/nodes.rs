//! The Envoys: what each of them obeys, and whether it reports.

use maud::{Markup, html};
use serin_proto::admin::v1 as api;

use crate::part::{Parts, Rendered};
use crate::view::{self, Tone};
use crate::{clock, text, words};

/// Silence after which an Envoy is not counted among the living.
const SILENT_MS: u64 = 15_000;

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct NodesPage<'a> {
    /// The Envoys.
    pub nodes: &'a [api::Node],
    /// Generation of the assignment on offer.
    pub generation: u64,
    /// Unix time in milliseconds.
    pub now_ms: u64,
}

/// How far an assignment got.
pub(crate) struct Spread {
    pub(crate) all: usize,
    pub(crate) living: usize,
    pub(crate) current: usize,
    pub(crate) connected: usize,
    pub(crate) silent: usize,
    pub(crate) reloads: u64,
    pub(crate) refusals: u64,
}

impl Spread {
    pub(crate) fn of(nodes: &[api::Node], generation: u64, now_ms: u64) -> Self {
        let count = |wanted: &dyn Fn(&&api::Node) -> bool| nodes.iter().filter(wanted).count();
        Self {
            all: nodes.len(),
            living: count(&|node| node.vms > 0),
            current: count(&|node| node.vms > 0 && node.generation_min >= generation),
            connected: count(&|node| node.connected),
            silent: count(&|node| is_silent(node, now_ms)),
            reloads: nodes.iter().map(|node| node.vm_restarts).sum(),
            refusals: nodes.iter().map(|node| node.rejected).sum(),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match (self.living, self.current) {
            (0, _) if self.all == 0 => "no Envoy reports".to_owned(),
            (0, _) => "no Envoy reported within 15 s".to_owned(),
            (living, current) if living == current => {
                let verb = if living == 1 { "obeys" } else { "obey" };
                format!("{} {verb} the newest assignment", words::counted(living as u64, "Envoy"))
            }
            (living, current) => format!("{current} of {living} Envoys obey the newest assignment"),
        }
    }
}

fn is_silent(node: &api::Node, now_ms: u64) -> bool {
    now_ms.saturating_sub(words::millis(node.last_report_at.as_ref())) > SILENT_MS
}

/// The page, with the live stream `/live/nodes`.
#[must_use]
pub fn page(page: &NodesPage<'_>) -> Rendered {
    let mut parts = Parts::default();
    let spread = Spread::of(page.nodes, page.generation, page.now_ms);
    let sentence =
        html! { p class="lead" { "Generation " (page.generation) " is on offer; " (spread.sentence()) "." } };
    let main = html! {
        h1 { "Envoys" }
        (parts.put("summary", sentence))
        @if page.nodes.is_empty() {
            section class="card empty" {
                h2 { "No Envoy yet" }
                p { "An Envoy appears here once it subscribes to its assignment or sends a report." }
                p class="quiet" { "How to install the filter: docs/install-on-envoy.md and docs/install-on-istio.md." }
            }
        } @else {
            section class="card" {
                h2 class="hidden" { "Each Envoy" }
                table class="stack-rows" role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for name in ["Node", "State", "Generation", "Reports", "Reloads", "Refusals", "Lost requests", "Filter"] {
                            th scope="col" role="columnheader" { (name) }
                        }
                    } }
                    tbody role="rowgroup" { @for node in page.nodes { (row(&mut parts, node, page)) } }
                }
            }
        }
    };
    Rendered::new("Envoys".to_owned(), Some("/live/nodes".to_owned()), main, parts)
}

fn row(parts: &mut Parts, node: &api::Node, page: &NodesPage<'_>) -> Markup {
    let key = text::key(&node.node);
    let mut cell = |name: &str, label: &str, content: Markup| {
        let id = format!("n{key}-{name}");
        parts.note(&id, &content);
        html! { td role="cell" id=(id) data-label=(label) { (content) } }
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                (text::name(&node.node))
                @if !node.cluster.is_empty() { div class="why" { "cluster " (text::name(&node.cluster)) } }
            }
            (cell("s", "State", state(node, page.generation, page.now_ms)))
            (cell("g", "Generation", generation(node)))
            (cell("t", "Reports", reports(node, page.now_ms)))
            (cell("r", "Reloads", html! { span class="number" { (words::count(node.vm_restarts)) } }))
            (cell("x", "Refusals", refusals(node)))
            (cell("l", "Lost requests", html! { span class="number" { (words::count(node.requests_lost)) } }))
            (cell("f", "Filter", html! { span { (text::name(&node.filter_version)) } }))
        }
    }
}

fn state(node: &api::Node, generation: u64, now_ms: u64) -> Markup {
    if is_silent(node, now_ms) {
        return view::tag(Tone::Bad, "✗", "silent");
    }
    if !node.connected {
        return view::tag(Tone::Hold, "!", "no stream");
    }
    if node.vms > 0 && node.generation_min < generation {
        return view::tag(Tone::Hold, "…", "behind");
    }
    view::tag(Tone::Good, "✓", "current")
}

fn generation(node: &api::Node) -> Markup {
    html! {
        div class="number" {
            @if node.vms == 0 {
                "–"
            } @else if node.generation_min == node.generation_max {
                (node.generation_min)
            } @else {
                (node.generation_min) " to " (node.generation_max)
            }
            div class="why" { (words::counted(node.vms.into(), "VM")) ", acknowledged " (node.generation_acknowledged) }
        }
    }
}

/// The time of the last report: of one that reports each second only the minute, so that its row is not sent each second.
fn reports(node: &api::Node, now_ms: u64) -> Markup {
    html! {
        div {
            @if node.last_report_at.is_none() {
                "none yet"
            } @else if is_silent(node, now_ms) {
                "last at " (clock::moment(node.last_report_at.as_ref(), now_ms))
            } @else {
                "within 15 s"
            }
        }
    }
}

fn refusals(node: &api::Node) -> Markup {
    html! {
        div class="number" {
            (words::count(node.rejected))
            @if !node.last_rejection.is_empty() { div class="why" { (text::foreign(&node.last_rejection)) } }
        }
    }
}
