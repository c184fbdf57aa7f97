//! Assignments as JSON.

use serde_json::{Value, json};
use serin_e2e::bootstrap::CONTROL_PLANE_CLUSTER;

/// Key of the ring in every scenario, so that a run can be repeated.
pub(crate) const SALT: &str = "000102030405060708090a0b0c0d0e0f";
/// Milliseconds between reports, short enough to wait for.
pub(crate) const REPORT_MS: u32 = 100;

/// An assignment with these services.
pub(crate) fn of(services: &[Value]) -> Value {
    json!({
        "version": 1,
        "generation": 0,
        "report": {"cluster": CONTROL_PLANE_CLUSTER, "interval_ms": REPORT_MS, "host_sample": 16},
        "services": services,
    })
}

/// The service `shop` on every host, split by the user id, with `more` fields.
pub(crate) fn shop(weight_ppm: u32, more: &Value) -> Value {
    let mut service = json!({
        "name": "shop",
        "rollout": "r-1",
        "salt": SALT,
        "split": [{"arm": "canary", "weight_ppm": weight_ppm}],
        "identity": {"user": [{"header": "x-user-id"}], "session": [{"cookie": "sid"}], "anonymous": "baseline"},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        service[name] = value.clone();
    }
    service
}

/// The shop alone.
pub(crate) fn of_shop(weight_ppm: u32, more: &Value) -> Value {
    of(&[shop(weight_ppm, more)])
}
