//! The kinds of request in the mix: how each is sent, which of Envoy's counters it must show up in, and as what the
//! filter must have counted it.
//!
//! Every class has a route of its own for each arm, so that Envoy's route counters
//! (`vhost.shop.route.CLASS_ARM.upstream_rq_STATUS`) tell classes and arms apart. What happens to a request is said by
//! the request itself, in a header that the sample service obeys.

use serde_json::{Value, json};
use serin_e2e::bootstrap::{BASELINE_CLUSTER, CANARY_CLUSTER, Route, arm_routes, retry_on, static_route};

/// How the requests of a class are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum How {
    /// HTTP/1.1.
    Plain,
    /// gRPC over HTTP/2.
    Grpc,
    /// An upgrade, one message there and back, and a close in good order.
    WebSocket,
    /// The client leaves before the answer.
    Leave,
}

/// Where Envoy routes a class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Upstream {
    /// To the sample service, with a timeout that no good answer meets.
    Service,
    /// To the sample service, with a timeout of 250 ms.
    Impatient,
    /// To the sample service, with two retries after a 5xx.
    Retrying,
    /// To a port where nobody listens.
    Closed,
    /// To a cluster whose circuit breaker is open.
    Full,
    /// Answered by Envoy itself: no upstream, so no route counter either.
    Envoy,
    /// To no route at all.
    Nowhere,
}

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) requests: usize,
    pub(super) how: How,
    pub(super) upstream: Upstream,
    /// What the sample service is asked to do, as JSON; empty: nothing special.
    pub(super) fault: &'static str,
    /// Status in Envoy's route counter, and the filter's outcome of the requests with it. Two where chance decides.
    /// Empty: Envoy's route counts no status, and all requests have the outcome of [`Class::unanswered`].
    pub(super) counted: &'static [(&'static str, &'static str)],
    /// Outcome of requests that the client never saw answered.
    pub(super) unanswered: Option<&'static str>,
}

const fn plain(
    name: &'static str,
    requests: usize,
    fault: &'static str,
    counted: &'static [(&'static str, &'static str)],
) -> Class {
    Class { name, requests, how: How::Plain, upstream: Upstream::Service, fault, counted, unanswered: None }
}

const fn grpc(
    name: &'static str,
    requests: usize,
    fault: &'static str,
    counted: &'static [(&'static str, &'static str)],
) -> Class {
    Class { name, requests, how: How::Grpc, upstream: Upstream::Service, fault, counted, unanswered: None }
}

/// The mix: 100,000 requests.
pub(super) const CLASSES: [Class; 32] = [
    plain("ok", 56_500, r#"{"status":200}"#, &[("200", "ok")]),
    plain("moved", 2_000, r#"{"status":301}"#, &[("301", "ok")]),
    plain("missing", 4_000, r#"{"status":404}"#, &[("404", "client_error")]),
    plain("slow-client", 500, r#"{"status":408}"#, &[("408", "client_error")]),
    plain("throttled", 1_000, r#"{"status":429}"#, &[("429", "overload")]),
    plain("broken", 4_000, r#"{"status":500}"#, &[("500", "server_error")]),
    plain("away", 2_000, r#"{"status":503}"#, &[("503", "server_error")]),
    plain("gateway", 1_000, r#"{"status":504}"#, &[("504", "server_error")]),
    plain("reset", 1_000, r#""reset""#, &[("503", "reset")]),
    // Envoy has passed 200 on when the rest does not come; it counts the status that it saw.
    plain("cut", 1_000, r#""close_mid_body""#, &[("200", "reset")]),
    Class { upstream: Upstream::Impatient, ..plain("hang", 600, r#""hang""#, &[("504", "timeout")]) },
    Class { upstream: Upstream::Closed, ..plain("closed", 1_000, "", &[("503", "connect_failure")]) },
    Class { upstream: Upstream::Full, ..plain("full", 1_000, "", &[("503", "overload")]) },
    Class {
        upstream: Upstream::Retrying,
        ..plain("retried", 500, r#"{"status":503}"#, &[("503", "server_error")])
    },
    // Half of the tries fail, by the faults of the service, so an eighth of the requests does.
    Class {
        upstream: Upstream::Retrying,
        ..plain("masked", 2_000, "", &[("200", "ok"), ("503", "server_error")])
    },
    Class { upstream: Upstream::Envoy, ..plain("direct", 1_000, "", &[("", "ok")]) },
    Class { upstream: Upstream::Nowhere, ..plain("unrouted", 500, "", &[("", "client_error")]) },
    Class { how: How::Leave, unanswered: Some("cancelled"), ..plain("left", 600, r#""hang""#, &[]) },
    Class { how: How::WebSocket, ..plain("echo", 500, "", &[("101", "ok")]) },
    grpc("grpc-ok", 13_000, r#"{"grpc_status":0}"#, &[("200", "ok")]),
    grpc("grpc-invalid", 500, r#"{"grpc_status":3}"#, &[("200", "client_error")]),
    grpc("grpc-late", 500, r#"{"grpc_status":4}"#, &[("200", "timeout")]),
    grpc("grpc-exhausted", 500, r#"{"grpc_status":8}"#, &[("200", "overload")]),
    grpc("grpc-internal", 1_000, r#"{"grpc_status":13}"#, &[("200", "server_error")]),
    grpc("grpc-cancelled", 300, r#"{"grpc_status":1}"#, &[("200", "cancelled")]),
    grpc("grpc-only-ok", 1_000, r#"{"grpc_status_trailers_only":0}"#, &[("200", "ok")]),
    grpc("grpc-only-missing", 500, r#"{"grpc_status_trailers_only":5}"#, &[("200", "client_error")]),
    grpc("grpc-only-unknown", 500, r#"{"grpc_status_trailers_only":2}"#, &[("200", "server_error")]),
    grpc("grpc-only-away", 500, r#"{"grpc_status_trailers_only":14}"#, &[("200", "server_error")]),
    grpc("grpc-reset", 300, r#""reset""#, &[("503", "reset")]),
    grpc("grpc-http", 300, r#"{"status":502}"#, &[("502", "server_error")]),
    Class { upstream: Upstream::Impatient, ..grpc("grpc-hang", 400, r#""hang""#, &[("504", "timeout")]) },
];

impl Class {
    /// Path of its requests.
    pub(super) fn path(&self) -> String {
        match self.name {
            // The sample service knows these by their paths.
            "echo" => "/echo".to_owned(),
            "masked" => "/home".to_owned(),
            name => format!("/{name}"),
        }
    }

    /// Its part of the assignment.
    pub(super) fn component(&self) -> Value {
        json!({"name": self.name, "matches": [{"path": {"exact": self.path()}}]})
    }

    /// Envoy's routes of it.
    pub(super) fn routes(&self) -> Vec<Value> {
        match self.upstream {
            Upstream::Nowhere => Vec::new(),
            Upstream::Envoy => vec![static_route(&self.path(), 200, "by Envoy")],
            Upstream::Service
            | Upstream::Impatient
            | Upstream::Retrying
            | Upstream::Closed
            | Upstream::Full => {
                let mut routes = arm_routes(&[Route::exact(self.name, &self.path())]);
                for route in &mut routes {
                    self.upstream.adapt(&mut route["route"]);
                }
                routes
            }
        }
    }
}

impl Upstream {
    fn adapt(self, action: &mut Value) {
        match self {
            Self::Impatient => action["timeout"] = json!("0.25s"),
            Self::Retrying => action["retry_policy"] = retry_on("5xx", 2),
            Self::Closed => action["cluster"] = json!("closed"),
            Self::Full => action["cluster"] = json!("full"),
            Self::Service | Self::Envoy | Self::Nowhere => {}
        }
    }
}

/// The clusters `closed` and `full`, made from the baseline's.
pub(super) fn clusters(baseline: &Value, nobody: u16) -> [Value; 2] {
    let mut closed = baseline.clone();
    closed["name"] = json!("closed");
    closed["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["port_value"] =
        json!(nobody);
    let mut full = baseline.clone();
    full["name"] = json!("full");
    full["circuit_breakers"] = json!({"thresholds": [{"max_requests": 0, "max_pending_requests": 0}]});
    [closed, full]
}

/// Envoy's cluster of an arm.
pub(super) fn cluster_of(arm: &str) -> &'static str {
    if arm == "canary" { CANARY_CLUSTER } else { BASELINE_CLUSTER }
}
