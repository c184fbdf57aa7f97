//! Objects as a cluster holds them, with fields that nobody knows.

use serde_json::{Value, json};

pub(super) const CART: &str = "/apis/apps/v1/namespaces/shop/deployments/cart";
pub(super) const SERVICE: &str = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/shop";
pub(super) const HTTP_ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop";

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        (CART, deployment()),
        ("/apis/apps/v1/namespaces/shop/replicasets/cart-a", replica_set("cart-a", "uid-cart", "1", "v1")),
        ("/apis/apps/v1/namespaces/shop/replicasets/cart-b", replica_set("cart-b", "uid-cart", "2", "v2")),
        ("/apis/apps/v1/namespaces/shop/replicasets/other", replica_set("other", "uid-other", "9", "v9")),
        (SERVICE, virtual_service()),
        (HTTP_ROUTE, http_route()),
    ]
}

pub(super) fn deployment() -> Value {
    json!({
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": "cart", "namespace": "shop", "uid": "uid-cart", "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "2", "kubernetes.io/change-cause": "second", "team": "a"},
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}],
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "cart", "arm": "canary"}},
            "template": template("v2"),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "ofTheFuture": {"deep": [1, 2.5, 18_446_744_073_709_551_615_u64, null]},
        },
        "status": {"replicas": 3, "observedGeneration": 2},
    })
}

pub(super) fn template(version: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "cart", "arm": "canary", "version": version}, "creationTimestamp": null},
        "spec": {
            "containers": [{
                "name": "cart", "image": format!("shop/cart:{version}"), "ofTheFuture": {"of": version},
                "resources": {"limits": {"memory": "64Mi"}},
            }],
            "terminationGracePeriodSeconds": 30,
        },
    })
}

pub(super) fn replica_set(name: &str, owner: &str, revision: &str, version: &str) -> Value {
    let mut template = template(version);
    template["metadata"]["labels"]["pod-template-hash"] = name.into();
    let cause = if revision == "1" { "first" } else { "second" };
    json!({
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": name, "namespace": "shop",
            "labels": {"app": "cart", "arm": "canary", "pod-template-hash": name},
            "annotations": {"deployment.kubernetes.io/revision": revision, "kubernetes.io/change-cause": cause},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": owner, "controller": true}],
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "cart"}}, "template": template},
    })
}

pub(super) fn virtual_service() -> Value {
    json!({
        "kind": "VirtualService",
        "apiVersion": "networking.istio.io/v1",
        "metadata": {"name": "shop", "namespace": "shop", "annotations": {"team": "a"}},
        "spec": {
            "hosts": ["cart"],
            "http": [
                {"match": [{"headers": {"x-serin-arm": {"exact": "canary"}}}], "route": [{"destination": {"host": "cart", "subset": "v2"}}]},
                {
                    "route": [
                        {"destination": {"host": "cart", "subset": "v1", "port": {"number": 80}}, "weight": 90, "headers": {"request": {"set": {"a": "b"}}}},
                        {"destination": {"host": "cart", "subset": "v2"}, "weight": 10, "ofTheFuture": [true]},
                    ],
                    "retries": {"attempts": 2}, "ofTheFuture": {"x": 1.5},
                },
                {"route": [{"destination": {"host": "other"}}]},
            ],
            "tcp": [{"route": [{"destination": {"host": "cart", "subset": "v2"}, "weight": 7}]}],
        },
    })
}

pub(super) fn http_route() -> Value {
    json!({
        "kind": "HTTPRoute",
        "apiVersion": "gateway.networking.k8s.io/v1",
        "metadata": {"name": "shop", "namespace": "shop", "annotations": {"team": "a"}},
        "spec": {
            "parentRefs": [{"name": "gateway", "sectionName": "http"}],
            "rules": [
                {
                    "backendRefs": [
                        {"name": "cart-v1", "port": 80, "weight": 9, "filters": [{"type": "RequestHeaderModifier"}]},
                        {"name": "cart-v2", "port": 80, "group": "", "kind": "Service"},
                        {"name": "cart-v3", "port": 80, "weight": 1, "ofTheFuture": {}},
                    ],
                    "timeouts": {"request": "10s"}, "ofTheFuture": "kept",
                },
                {"matches": [{"path": {"value": "/cart"}}], "backendRefs": [{"name": "cart-v1", "port": 80}]},
                {"filters": [{"type": "RequestRedirect"}]},
            ],
        },
        "status": {"parents": []},
    })
}
