//! What a hook asks of Kubernetes: to put a Deployment back, to scale it, or to set the weights of a route.
//!
//! Every action says what is to be so, not what is to change, so that it can be repeated. None deletes anything.

mod raw;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use raw::{RawKubernetes, check};

/// Bytes of a label of RFC 1123.
const LABEL_BYTES_MAX: usize = 63;

/// What is asked, of which cluster and namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kubernetes {
    /// Name of the cluster in the server's configuration.
    pub target: String,
    /// Namespace.
    pub namespace: String,
    /// What is asked.
    pub act: KubernetesAct,
}

/// What is asked of a cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KubernetesAct {
    /// Puts the template of an earlier ReplicaSet back.
    Undo {
        /// The Deployment.
        deployment: String,
        /// Which one. `None`: the one before.
        revision: Option<i64>,
    },
    /// Sets how many replicas there shall be.
    Scale {
        /// The Deployment.
        deployment: String,
        /// So many.
        replicas: u32,
    },
    /// Sets the weights of a route.
    Patch(RoutePatch),
}

/// Weights of a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePatch {
    /// What holds the route.
    pub kind: RouteKind,
    /// Version of its API.
    pub version: RouteVersion,
    /// Name of the object.
    pub name: String,
    /// The route within it. `None`: each one that leads to all of `weights`.
    pub route: Option<String>,
    /// At least one, and not all 0.
    pub weights: Vec<Share>,
}

/// What is sent to a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Share {
    /// Host of a VirtualService, or name of a backend of an HTTPRoute.
    pub to: String,
    /// Subset, in a VirtualService.
    pub subset: Option<String>,
    /// Weight, in proportion to the others of the route.
    pub weight: u32,
}

/// What holds routes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(rename = "PlanRouteKind")]
pub enum RouteKind {
    /// Of Istio.
    VirtualService,
    /// Of the Gateway API.
    #[serde(rename = "HTTPRoute")]
    HttpRoute,
}

/// Version of the API of what holds routes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "PlanRouteVersion")]
pub enum RouteVersion {
    /// Of Istio from 1.22 and of the Gateway API from 1.0.
    #[default]
    V1,
    /// Of what is older.
    V1beta1,
}

impl RouteKind {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VirtualService => "VirtualService",
            Self::HttpRoute => "HTTPRoute",
        }
    }

    const fn weight_max(self) -> i64 {
        match self {
            Self::VirtualService => 100,
            Self::HttpRoute => 1_000_000,
        }
    }
}

impl RouteVersion {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to)?;
        self.subset.as_ref().map_or(Ok(()), |subset| write!(formatter, "/{subset}"))
    }
}

impl fmt::Display for Kubernetes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = &self.namespace;
        match &self.act {
            KubernetesAct::Undo { deployment, revision: None } => {
                write!(formatter, "undo Deployment {namespace}/{deployment}")
            }
            KubernetesAct::Undo { deployment, revision: Some(revision) } => {
                write!(formatter, "undo Deployment {namespace}/{deployment} to revision {revision}")
            }
            KubernetesAct::Scale { deployment, replicas } => {
                write!(formatter, "scale Deployment {namespace}/{deployment} to {replicas}")
            }
            KubernetesAct::Patch(patch) => {
                write!(formatter, "patch {} {namespace}/{}:", patch.kind.name(), patch.name)?;
                patch.weights.iter().try_for_each(|share| write!(formatter, " {share} = {}", share.weight))
            }
        }
    }
}

/// Whether a text is a label of RFC 1123, as namespaces are.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=LABEL_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use crate::Plan;
    use crate::plan::HookAction;

    #[test]
    fn the_sample_of_the_page_on_hooks_is_accepted_and_told_in_words() {
        let page = include_str!("../../../../docs/hooks.md");
        let section = page.split("## Kubernetes").nth(1).unwrap();
        let sample = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let plan = Plan::parse(&format!("service: shop\nbaseline: v1\ncanary: v2\n{sample}")).unwrap();
        let words = plan.hooks().all().map(|(point, hook)| {
            let HookAction::Kubernetes(order) = &hook.action else { panic!("{hook:?}") };
            assert_eq!((hook.action.kind(), hook.action.target(), hook.attempts), ("kubernetes", "prod", 3));
            format!("{point}: {order}")
        });
        let expected = [
            "on_rollback: undo Deployment shop/cart-canary",
            "on_rollback: patch VirtualService shop/cart: cart/v1 = 100 cart/v2 = 0",
            "after_rollback: scale Deployment shop/cart-canary to 0",
        ];
        assert_eq!(words.collect::<Vec<_>>(), expected);
    }
}
