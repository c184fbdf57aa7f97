//! What happened, what was decided, and the evidence of it.

use serin_proto::admin::v1 as api;
use serin_proto::evidence::v1 as evidence;

use super::{NOW_MS, NOW_S, at};

pub(crate) fn events() -> Vec<api::Event> {
    let event = |(index, kind, text): (u64, &str, &str)| api::Event {
        sequence: 90 - index,
        at: at(NOW_S - 12 - index * 60),
        kind: kind.to_owned(),
        actor: "serin".to_owned(),
        text: text.to_owned(),
        ..Default::default()
    };
    [
        (
            0,
            "components_rolled_back",
            "Returned cart, checkout to the baseline: cart regressed; checkout cannot work without cart",
        ),
        (3, "step_started", "Step 2 of 4: 10 %"),
        (9, "step_started", "Step 1 of 4: 5 %"),
        (12, "created", "Created from a plan by lena"),
    ]
    .map(event)
    .to_vec()
}

pub(crate) fn decisions() -> Vec<api::Decision> {
    let one = |index: u64| api::Decision {
        id: format!("shop-1a2b3c4d.{index}"),
        sequence: 1_000 - index,
        rollout_id: "shop-1a2b3c4d".to_owned(),
        service: if index.is_multiple_of(3) { "search" } else { "shop" }.to_owned(),
        baseline_version: "v1.8.2".to_owned(),
        canary_version: "v1.9.0".to_owned(),
        at: at(NOW_S - 12 - index * 260_000),
        kind: if index % 4 == 2 {
            "promoted"
        } else if index % 4 == 3 {
            "rolled_back"
        } else {
            "components_rolled_back"
        }
        .to_owned(),
        names: if index % 4 < 2 { vec!["cart".to_owned(), "checkout".to_owned()] } else { Vec::new() },
        actor: if index % 5 == 4 { "lena" } else { "serin" }.to_owned(),
        text: "Returned cart, checkout to the baseline: cart regressed; checkout cannot work without cart"
            .to_owned(),
        onset_at: at(NOW_S - 18 - index * 260_000 - index % 7),
        applied_ms: Some(380 + index * 13),
        mark: if index == 3 { api::Mark::FalseAlarm } else { api::Mark::Unspecified }.into(),
        is_rollback: index % 4 != 2,
        ..Default::default()
    };
    (0..26).map(one).collect()
}

pub(crate) fn bundle() -> evidence::GetBundleResponse {
    let document = |name: &str, content: serde_json::Value| evidence::Document {
        name: name.to_owned(),
        content_json: content.to_string(),
    };
    let points: Vec<_> = (0..120_u64).map(|index| serde_json::json!({"second": NOW_S - 130 + index, "series": [{"scope": "cart", "signal": "error_rate", "log_evidence": index as f64 * 0.06, "log_threshold": 6.9}]})).collect();
    let slots: Vec<_> = (0..60_u64).flat_map(|index| ["baseline", "canary"].map(|arm| serde_json::json!({"second": NOW_S - 310 + index * 5, "component": "cart", "arm": arm, "started": 300, "failed": if arm == "canary" && index > 50 { 40 } else { 1 }}))).collect();
    let bins: Vec<_> = (1..40_u64).map(|index| serde_json::json!([index * 2_000, 400 / index])).collect();
    evidence::GetBundleResponse {
        bundles: vec![evidence::Bundle {
            head: Some(evidence::Head {
                number: 17,
                sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            }),
            manifest_json: r#"{"complete":true}"#.to_owned(),
        }],
        documents: vec![
            document(
                "decision",
                serde_json::json!({"weight_before_ppm": 100_000, "weight_after_ppm": 100_000, "phase_before": "progressing", "phase_after": "progressing", "buckets_seen": 64, "buckets_failed": 22}),
            ),
            document("path", serde_json::json!({"points": points})),
            document("counts", serde_json::json!({"slot_s": 5, "slots": slots})),
            document(
                "latencies",
                serde_json::json!({"histograms": [{"component": "cart", "arm": "baseline", "bins": bins}, {"component": "cart", "arm": "canary", "bins": bins}]}),
            ),
            document(
                "logs",
                serde_json::json!({"records": [{"second": NOW_S - 13, "component": "cart", "arm": "canary", "block": "", "text": "TimeoutError: inventory did not answer within 2 s (authorization: [masked:header])"}], "not_kept": 41}),
            ),
            document(
                "acknowledgements",
                serde_json::json!({"generation": 41, "after_ms": 420, "vms": 8, "vms_applied": 8, "nodes": [{"id": "edge-1", "generation_acknowledged": 41, "acknowledged_at": NOW_MS}]}),
            ),
            document(
                "aftermath",
                serde_json::json!({"counts": {"slot_s": 5, "slots": [{"second": NOW_S, "component": "cart", "arm": "baseline", "started": 3_000, "failed": 2}]}}),
            ),
        ],
    }
}
