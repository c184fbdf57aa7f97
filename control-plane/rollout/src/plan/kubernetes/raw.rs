//! Actions in Kubernetes as a plan has them, and the rules that they keep.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Rule;

use super::super::check::Findings;
use super::super::error::PlanRule;
use super::super::hooks::name;
use super::{Kubernetes, KubernetesAct, RouteKind, RoutePatch, RouteVersion, Share, is_label};

/// Replicas of a Deployment.
const REPLICAS_MAX: i64 = 10_000;
/// Destinations of a route.
const SHARES_MAX: usize = 16;
/// Bytes of a subdomain of RFC 1123.
const NAME_BYTES_MAX: usize = 253;
/// Bytes of the name of a route within its object.
const ROUTE_BYTES_MAX: usize = 253;

/// An action in Kubernetes: a cluster, a namespace, and one of `undo`, `scale` and `patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKubernetes")]
pub(in super::super) struct RawKubernetes {
    /// Name of the cluster in the server's configuration (`targets.kubernetes`).
    target: String,
    /// Namespace, one of those that the configuration allows.
    namespace: String,
    /// Puts a Deployment back, as `kubectl rollout undo` does.
    #[serde(default)]
    undo: Option<RawUndo>,
    /// Sets the replicas of a Deployment.
    #[serde(default)]
    scale: Option<RawScale>,
    /// Sets the weights of a route.
    #[serde(default)]
    patch: Option<RawPatch>,
}

/// A Deployment that is put back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKubernetesUndo")]
struct RawUndo {
    /// Its name.
    deployment: String,
    /// The revision to return to, from 1. Absent: the one before, once for each rollout.
    #[serde(default)]
    revision: Option<i64>,
}

/// A Deployment that is scaled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKubernetesScale")]
struct RawScale {
    /// Its name.
    deployment: String,
    /// How many replicas there shall be, 0 to 10000.
    replicas: i64,
}

/// Weights of a route.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKubernetesPatch")]
struct RawPatch {
    /// What holds the route.
    kind: RouteKind,
    /// Version of its API. Default: `v1`.
    #[serde(default)]
    version: RouteVersion,
    /// Its name.
    name: String,
    /// Name of the route within it (`http[].name`, `rules[].name`). Absent: every route that leads to all of `weights`.
    #[serde(default)]
    route: Option<String>,
    /// What each destination shall get, 1 to 16 of them, not all 0. Destinations that are not named keep what they have.
    weights: Vec<RawShare>,
}

/// What a destination shall get.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanKubernetesShare")]
struct RawShare {
    /// `destination.host` of a VirtualService, as it is written there, or the name of a backend of an HTTPRoute.
    to: String,
    /// `destination.subset` of a VirtualService.
    #[serde(default)]
    subset: Option<String>,
    /// 0 to 100 in a VirtualService, 0 to 1000000 in an HTTPRoute.
    weight: i64,
}

pub(in super::super) fn check(
    field: &str,
    raw: &RawKubernetes,
    findings: &mut Findings,
) -> Option<Kubernetes> {
    name(&format!("{field}.target"), &raw.target, findings);
    label(&format!("{field}.namespace"), &raw.namespace, findings);
    let act = match (&raw.undo, &raw.scale, &raw.patch) {
        (Some(raw), None, None) => undo(&format!("{field}.undo"), raw, findings),
        (None, Some(raw), None) => scale(&format!("{field}.scale"), raw, findings),
        (None, None, Some(raw)) => KubernetesAct::Patch(patch(&format!("{field}.patch"), raw, findings)),
        _ => {
            findings.add(field, PlanRule::OneOf { names: "undo, scale and patch" });
            return None;
        }
    };
    Some(Kubernetes { target: raw.target.clone(), namespace: raw.namespace.clone(), act })
}

fn undo(field: &str, raw: &RawUndo, findings: &mut Findings) -> KubernetesAct {
    subdomain(&format!("{field}.deployment"), &raw.deployment, findings);
    let revision =
        raw.revision.map(|revision| findings.range(&format!("{field}.revision"), revision, 1, i64::MAX));
    KubernetesAct::Undo { deployment: raw.deployment.clone(), revision }
}

fn scale(field: &str, raw: &RawScale, findings: &mut Findings) -> KubernetesAct {
    subdomain(&format!("{field}.deployment"), &raw.deployment, findings);
    let replicas = findings.range(&format!("{field}.replicas"), raw.replicas, 0, REPLICAS_MAX);
    KubernetesAct::Scale {
        deployment: raw.deployment.clone(),
        replicas: u32::try_from(replicas).unwrap_or_default(),
    }
}

fn patch(field: &str, raw: &RawPatch, findings: &mut Findings) -> RoutePatch {
    subdomain(&format!("{field}.name"), &raw.name, findings);
    if let Some(route) = &raw.route {
        let field = format!("{field}.route");
        if route.is_empty() {
            findings.add(&field, PlanRule::Empty);
        } else if route.len() > ROUTE_BYTES_MAX {
            findings.add(&field, PlanRule::TooLong { limit: ROUTE_BYTES_MAX });
        }
    }
    let all = format!("{field}.weights");
    if raw.weights.is_empty() {
        findings.add(&all, PlanRule::Empty);
    } else if raw.weights.len() > SHARES_MAX {
        findings.add(&all, PlanRule::TooLong { limit: SHARES_MAX });
    } else if raw.weights.iter().all(|share| share.weight == 0) {
        findings.add(&all, PlanRule::NoWeight);
    }
    let mut weights = Vec::<Share>::new();
    for (index, one) in raw.weights.iter().enumerate() {
        let share = share(&format!("{all}[{index}]"), raw.kind, one, findings);
        if weights.iter().any(|before| (&before.to, &before.subset) == (&share.to, &share.subset)) {
            findings.add(&format!("{all}[{index}].to"), Rule::Duplicate { name: short(&one.to) }.into());
        }
        weights.push(share);
    }
    let RawPatch { kind, version, name, route, .. } = raw;
    RoutePatch { kind: *kind, version: *version, name: name.clone(), route: route.clone(), weights }
}

fn share(field: &str, kind: RouteKind, raw: &RawShare, findings: &mut Findings) -> Share {
    subdomain(&format!("{field}.to"), &raw.to, findings);
    if let Some(subset) = &raw.subset {
        let field = format!("{field}.subset");
        match kind {
            RouteKind::VirtualService => label(&field, subset, findings),
            RouteKind::HttpRoute => {
                findings.add(&field, PlanRule::NotHere { because: "an HTTPRoute has no subsets" });
            }
        }
    }
    let weight = findings.range(&format!("{field}.weight"), raw.weight, 0, kind.weight_max());
    let (to, subset) = (raw.to.clone(), raw.subset.clone());
    Share { to, subset, weight: u32::try_from(weight).unwrap_or_default() }
}

fn label(field: &str, text: &str, findings: &mut Findings) {
    if !is_label(text) {
        let expected = "a label of RFC 1123: lower-case letters, digits and '-' between them, at most 63";
        findings.add(field, PlanRule::Form { found: short(text), expected });
    }
}

fn subdomain(field: &str, text: &str, findings: &mut Findings) {
    if text.len() > NAME_BYTES_MAX || !text.split('.').all(is_label) {
        let expected =
            "a name of RFC 1123: lower-case letters, digits, and '-' and '.' between them, at most 253";
        findings.add(field, PlanRule::Form { found: short(text), expected });
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
