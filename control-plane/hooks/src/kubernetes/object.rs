//! The object that is changed: where the server keeps it, and how it is named.

use std::fmt;

use kube::core::{ApiResource, DynamicObject, GroupVersionKind, Request, Resource as _};
use serin_rollout::plan::{Kubernetes, KubernetesAct, RouteKind};

/// An object of a namespace.
#[derive(Clone, Debug)]
pub(super) struct Object {
    kind: &'static str,
    namespace: String,
    name: String,
    resource: ApiResource,
    /// Part of it that is read and written alone, and the kind of that.
    pub(super) part: Option<(&'static str, &'static str)>,
}

impl Object {
    pub(super) fn of(order: &Kubernetes) -> Self {
        let apps = |kind: &str, plural: &str| resource("apps", "v1", kind, plural);
        let (kind, name, resource, part) = match &order.act {
            KubernetesAct::Undo { deployment, .. } => {
                ("Deployment", deployment, apps("Deployment", "deployments"), None)
            }
            KubernetesAct::Scale { deployment, .. } => {
                ("Deployment", deployment, apps("Deployment", "deployments"), Some(("scale", "Scale")))
            }
            KubernetesAct::Patch(patch) => {
                let (group, plural) = match patch.kind {
                    RouteKind::VirtualService => ("networking.istio.io", "virtualservices"),
                    RouteKind::HttpRoute => ("gateway.networking.k8s.io", "httproutes"),
                };
                let kind = patch.kind.name();
                (kind, &patch.name, resource(group, patch.version.name(), kind, plural), None)
            }
        };
        Self { kind, namespace: order.namespace.clone(), name: name.clone(), resource, part }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Kind of what is read and written.
    pub(super) fn kind(&self) -> &'static str {
        self.part.map_or(self.kind, |(_, kind)| kind)
    }

    pub(super) fn requests(&self) -> Request {
        Request::new(DynamicObject::url_path(&self.resource, Some(&self.namespace)))
    }

    /// ReplicaSets beside it.
    pub(super) fn replica_sets(&self) -> Request {
        let sets = resource("apps", "v1", "ReplicaSet", "replicasets");
        Request::new(DynamicObject::url_path(&sets, Some(&self.namespace)))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
