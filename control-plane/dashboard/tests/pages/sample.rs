//! Messages as a server sends them, in the states that pages have to show.

mod experiment;
mod past;

use std::collections::BTreeMap;

use prost_types::Timestamp;
use serin_proto::admin::v1 as api;

pub(crate) use experiment::experiment;
pub(crate) use past::{bundle, decisions, events};

/// 2026-11-30 01:03:10 UTC.
pub(crate) const NOW_S: u64 = 1_796_000_590;
pub(crate) const NOW_MS: u64 = NOW_S * 1_000;

pub(crate) fn at(second: u64) -> Option<Timestamp> {
    Some(Timestamp { seconds: i64::try_from(second).unwrap(), nanos: 0 })
}

pub(crate) fn arm(name: &str, requests: u64, errors: u64, latency_us: u64) -> api::ArmSummary {
    api::ArmSummary {
        arm: name.to_owned(),
        requests,
        errors,
        latency_p50_us: latency_us,
        latency_p99_us: latency_us * 4,
    }
}

pub(crate) fn reason(verdict: api::Verdict) -> api::Reason {
    let regressed = verdict == api::Verdict::Regressed;
    api::Reason {
        signal: "error_rate".to_owned(),
        verdict: verdict.into(),
        log_evidence: if regressed { 8.1 } else { 0.4 },
        log_threshold: 6.9,
        text: if regressed {
            "error rate 9.11 % over 900 canary requests, 0.05 % over 8100 on the baseline: worse than the margin allows (odds 3294 to 1)".to_owned()
        } else {
            "error rate 0.06 % over 900 canary requests, 0.05 % over 8100 on the baseline: within the margin"
                .to_owned()
        },
        baseline: 0.0005,
        canary: if regressed { 0.0911 } else { 0.0006 },
        baseline_requests: 8_100,
        canary_requests: 900,
        canary_requests_needed: (verdict == api::Verdict::Inconclusive).then_some(420),
        baseline_used: api::BaselineUsed::Concurrent.into(),
        categories: vec![
            api::CategoryFailures {
                category: "timeout".to_owned(),
                baseline: 2,
                canary: 61,
                log_evidence: 20.0,
                at_fault: regressed,
            },
            api::CategoryFailures {
                category: "server_error".to_owned(),
                baseline: 4,
                canary: 21,
                log_evidence: 1.0,
                at_fault: false,
            },
        ],
        ..Default::default()
    }
}

pub(crate) fn component(name: &str, verdict: api::Verdict, needs: &[&str]) -> api::Component {
    let needs: Vec<String> = needs.iter().map(|one| (*one).to_owned()).collect();
    let errors = if verdict == api::Verdict::Regressed { 82 } else { 1 };
    api::Component {
        name: name.to_owned(),
        granularity: api::Granularity::Medium.into(),
        verdict: verdict.into(),
        reasons: vec![reason(verdict)],
        arms: vec![arm("baseline", 8_100, 4, 31_000), arm("canary", 900, errors, 35_500)],
        risk: if verdict == api::Verdict::Regressed { 84.0 } else { 12.0 },
        trend: Some(trend()),
        returns_with: needs.clone(),
        depends_on: needs,
        business_weight: 1.0,
        owner: "team-shop".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn trend() -> api::Trend {
    let effect = |estimate: f64, width: f64| api::EffectSize {
        estimate,
        low: estimate - width,
        high: estimate + width,
    };
    api::Trend {
        signal: "latency".to_owned(),
        quantile: 0.9,
        now: Some(effect(1.1, 0.05)),
        ahead: Some(effect(1.42, 0.2)),
        horizon_s: 300,
        limit: 1.3,
        probability: 0.81,
        earliest_s: Some(120),
        median_s: Some(190),
        latest_s: Some(330),
        prediction: api::Prediction::Ahead.into(),
        ..Default::default()
    }
}

pub(crate) fn rollout(id: &str, service: &str, phase: api::Phase, verdict: api::Verdict) -> api::Rollout {
    api::Rollout {
        id: id.to_owned(),
        service: service.to_owned(),
        baseline_version: "v1.8.2".to_owned(),
        canary_version: "v1.9.0".to_owned(),
        phase: phase.into(),
        weight_ppm: 100_000,
        step: 1,
        steps: 4,
        verdict: verdict.into(),
        reasons: vec![reason(verdict)],
        components: vec![
            component("cart", verdict, &[]),
            component("checkout", api::Verdict::Healthy, &["cart"]),
            component("search", api::Verdict::Inconclusive, &[]),
            component("unmatched", api::Verdict::Inconclusive, &[]),
        ],
        created_at: at(NOW_S - 1_900),
        changed_at: at(NOW_S - 130),
        summary: match verdict {
            api::Verdict::Regressed => "Holding at 10 %: cart is worse than the baseline".to_owned(),
            _ => "Healthy at 10 %; 25 % in 2 min 50 s".to_owned(),
        },
        vms_applied: 8,
        vms_known: 8,
        generation: 41,
        risk: if verdict == api::Verdict::Regressed { 84.0 } else { 12.0 },
        arms: vec![
            arm("baseline", 24_300, 12, 31_000),
            arm("canary", 2_700, if verdict == api::Verdict::Regressed { 90 } else { 3 }, 35_500),
        ],
        trend: Some(trend()),
        planned_steps: [50_000, 100_000, 250_000, 500_000]
            .map(|weight_ppm| api::PlannedStep { weight_ppm, bake_s: 300 })
            .to_vec(),
        next_step_at: at(NOW_S + 170),
        data_age_s: Some(2),
        ..Default::default()
    }
}

/// One whose cart returned, with what it took along.
pub(crate) fn returned() -> api::Rollout {
    let mut rollout = rollout("shop-1a2b3c4d", "shop", api::Phase::Progressing, api::Verdict::Healthy);
    rollout.summary = "Healthy at 10 %; 25 % in 2 min 50 s; on the baseline: cart, checkout; waiting until nothing goes to what was returned".to_owned();
    for (name, because) in [
        ("cart", "cart regressed: timeouts 6.8 % of 900 canary requests"),
        ("checkout", "checkout cannot work without cart"),
    ] {
        let one = rollout.components.iter_mut().find(|one| one.name == name).unwrap();
        (one.rolled_back, one.rolled_back_because) = (true, because.to_owned());
    }
    rollout.rollback = Some(api::Rollback {
        what: "components".to_owned(),
        names: vec!["cart".to_owned(), "checkout".to_owned()],
        decided_at: at(NOW_S - 12),
        stage: "drain".to_owned(),
        stages: vec![api::RollbackStage {
            stage: "acknowledge".to_owned(),
            outcome: "done".to_owned(),
            took_ms: 420,
            text: "8 of 8 VMs obey".to_owned(),
        }],
        verified: false,
    });
    rollout.outside = vec![
        api::OutsideReading {
            kind: "trigger".to_owned(),
            name: "error_ratio".to_owned(),
            state: "pending".to_owned(),
            text: "3.1 times the baseline's for 12 s of 30 s".to_owned(),
            since: at(NOW_S - 12),
            action: "rollback".to_owned(),
            ..Default::default()
        },
        api::OutsideReading {
            kind: "query".to_owned(),
            name: "orders_per_second".to_owned(),
            state: "value".to_owned(),
            text: "from Prometheus".to_owned(),
            value: Some(41.7),
            age_s: Some(3),
            ..Default::default()
        },
    ];
    rollout.hooks = vec![api::HookRun {
        point: "on_rollback".to_owned(),
        name: "tell-status-page".to_owned(),
        round: 1,
        state: "running".to_owned(),
        started_at: at(NOW_S - 11),
        attempts: 2,
        said: "HTTP 503".to_owned(),
        ..Default::default()
    }];
    rollout
}

pub(crate) fn slots() -> Vec<api::CountSlot> {
    let slot = |index: u64| api::CountSlot {
        from_second: NOW_S / 10 * 10 - 600 + index * 5,
        seconds: 5,
        arms: vec![
            arm("baseline", 640 + index % 7 * 11, index % 3, 0),
            arm("canary", 70 + index % 5 * 2, if index > 90 { index / 12 } else { index % 2 }, 0),
        ],
    };
    (0..120).map(slot).collect()
}

pub(crate) fn recent(rollout: &api::Rollout) -> BTreeMap<String, Vec<api::CountSlot>> {
    rollout.components.iter().map(|one| (one.name.clone(), slots())).collect()
}

fn distribution(arm: &str, centre: f64, tail: u64) -> api::LatencyDistribution {
    let bucket = |index: i32| {
        let us = centre * 1.08_f64.powi(index - 20);
        let distance = f64::from(index - 20) / 7.0;
        let requests = (900.0 * (-distance * distance).exp()) as u64 + if index > 34 { tail } else { 0 };
        api::LatencyBucket { from_us: us as u64, to_us: (us * 1.07) as u64, requests }
    };
    api::LatencyDistribution { arm: arm.to_owned(), buckets: (0..60).map(bucket).collect() }
}

pub(crate) fn detail(component: Option<api::Component>) -> api::GetComponentResponse {
    let point = |index: u64| api::EvidencePoint {
        second: NOW_S - 120 + index,
        log_evidence: if index < 60 { 0.2 * (index % 4) as f64 } else { (index - 60) as f64 * 0.135 },
    };
    let minute = |index: u64| {
        let value = 30_000.0 + (index * 7_919 % 1_700) as f64 + if index > 50 { 3_800.0 } else { 0.0 };
        api::ControlMinute {
            at_second: NOW_S - 3_600 + index * 60,
            value,
            usual: 31_000.0,
            lower_limit: 28_900.0,
            upper_limit: 33_200.0,
            ewma: 30_800.0 + if index > 50 { 200.0 * (index - 50) as f64 } else { 0.0 },
            is_out: index > 53,
        }
    };
    api::GetComponentResponse {
        component,
        latencies: vec![distribution("baseline", 31_000.0, 0), distribution("canary", 35_000.0, 9)],
        paths: vec![api::EvidencePath {
            signal: "error_rate".to_owned(),
            log_threshold: 6.9,
            points: (0..120).map(point).collect(),
        }],
        slots: slots(),
        control: vec![api::ControlSeries {
            arm: "canary".to_owned(),
            signal: "latency".to_owned(),
            minutes: (0..60).map(minute).collect(),
        }],
    }
}

pub(crate) fn nodes() -> Vec<api::Node> {
    let node = |index: u64| api::Node {
        node: format!("edge-{index}"),
        cluster: "edge".to_owned(),
        vms: 2,
        generation_min: if index == 3 { 40 } else { 41 },
        generation_max: 41,
        generation_acknowledged: 41,
        connected: index != 2,
        last_report_at: at(if index == 1 { NOW_S - 70 } else { NOW_S }),
        vm_restarts: index,
        rejected: u64::from(index == 3),
        last_rejection: if index == 3 {
            "unable to load the module: code offset".to_owned()
        } else {
            String::new()
        },
        filter_version: "0.1.0".to_owned(),
        ..Default::default()
    };
    (0..5).map(node).collect()
}

pub(crate) fn known() -> Vec<api::KnownComponent> {
    let calls = vec![api::ObservedCalls {
        needed: "cart".to_owned(),
        calls: 4_120,
        canary_only: true,
        ..Default::default()
    }];
    vec![
        api::KnownComponent {
            service: "shop".to_owned(),
            name: "search".to_owned(),
            rollout_id: "shop-1a2b3c4d".to_owned(),
            calls,
            ..Default::default()
        },
        api::KnownComponent {
            service: "mail".to_owned(),
            name: "receipts".to_owned(),
            rollout_id: "mail-1".to_owned(),
            granularity: api::Granularity::Medium.into(),
            returns_with: vec!["shop/checkout".to_owned()],
            ..Default::default()
        },
    ]
}
