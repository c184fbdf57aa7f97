//! Rollouts to be drawn.

use std::time::Duration;

use serin_proto::admin::v1 as proto;

use super::BEGAN;

fn arm(arm: &str, requests: u64, errors: u64) -> proto::ArmSummary {
    let (latency_p50_us, latency_p99_us) = (12_300, 48_000 + errors * 100);
    proto::ArmSummary { arm: arm.to_owned(), requests, errors, latency_p50_us, latency_p99_us }
}

fn reason(signal: &str, log_evidence: f64, text: &str) -> proto::Reason {
    let verdict = if log_evidence > 6.9 { proto::Verdict::Regressed } else { proto::Verdict::Inconclusive };
    proto::Reason {
        signal: signal.to_owned(),
        verdict: verdict.into(),
        log_evidence,
        log_threshold: 6.9,
        text: text.to_owned(),
        ..proto::Reason::default()
    }
}

pub(super) fn component(name: &str, errors: u64) -> proto::Component {
    let text = format!("canary {errors} of 300 requests failed, baseline 2 of 1200");
    let reasons = vec![reason("errors", 0.5 + errors as f64 / 5.0, &text)];
    proto::Component {
        name: name.to_owned(),
        granularity: proto::Granularity::Medium.into(),
        verdict: reasons[0].verdict,
        arms: vec![arm("baseline", 1_200, 2), arm("canary", 300, errors)],
        reasons,
        risk: 12.0,
        ..proto::Component::default()
    }
}

pub(super) fn progressing() -> proto::Rollout {
    let trend = proto::Trend {
        signal: "errors".to_owned(),
        prediction: proto::Prediction::Ahead.into(),
        text: "errors exceed their limit in about 8 minutes".to_owned(),
        ..proto::Trend::default()
    };
    proto::Rollout {
        id: "shop-7".to_owned(),
        service: "shop".to_owned(),
        baseline_version: "v1".to_owned(),
        canary_version: "v2".to_owned(),
        phase: proto::Phase::Progressing.into(),
        weight_ppm: 250_000,
        step: 1,
        steps: 4,
        verdict: proto::Verdict::Inconclusive.into(),
        summary: "25 % of the users are on v2: the step needs 2 min more, and more requests.".to_owned(),
        reasons: vec![reason("errors", 3.1, "3 of 900 requests failed")],
        risk: 34.0,
        action: proto::Action::Hold.into(),
        trend: Some(trend),
        changed_at: Some(std::time::UNIX_EPOCH.checked_add(Duration::from_secs(BEGAN - 190)).unwrap().into()),
        components: vec![component("checkout", 18), component("cart", 0), component("search", 1)],
        vetoes: vec![proto::Veto::FewUsers.into()],
        outside: vec![
            proto::OutsideReading {
                kind: "trigger".to_owned(),
                name: "payments".to_owned(),
                state: "pending".to_owned(),
                text: "3 of 2 for 40 s".to_owned(),
                ..proto::OutsideReading::default()
            },
            proto::OutsideReading {
                kind: "query".to_owned(),
                name: "calm".to_owned(),
                state: "value".to_owned(),
                ..proto::OutsideReading::default()
            },
        ],
        hooks: vec![proto::HookRun {
            point: "before_step".to_owned(),
            name: "smoke-test".to_owned(),
            state: "running".to_owned(),
            attempts: 2,
            said: "waiting for the queue".to_owned(),
            ..proto::HookRun::default()
        }],
        ..proto::Rollout::default()
    }
}

/// Logs tell of an exception; a line that shows little is left out.
pub(super) fn told() -> proto::Rollout {
    let finding = |text: &str, log_evidence: f64, verdict: proto::Verdict| proto::Finding {
        source: "logs".to_owned(),
        kind: "log_template".to_owned(),
        harmful: true,
        log_evidence,
        log_threshold: 7.5,
        verdict: verdict.into(),
        text: text.to_owned(),
        ..proto::Finding::default()
    };
    proto::Rollout {
        findings: vec![
            finding("only the canary logs \"StockError\": 4 of 300", 9.1, proto::Verdict::Regressed),
            finding("more \"cart is empty\"", 4.0, proto::Verdict::Inconclusive),
            finding("hardly anything", 0.4, proto::Verdict::Inconclusive),
        ],
        ..progressing()
    }
}

pub(super) fn rolling_back() -> proto::Rollout {
    let stage = |stage: &str, text: &str| proto::RollbackStage {
        stage: stage.to_owned(),
        outcome: "done".to_owned(),
        took_ms: 24,
        text: text.to_owned(),
    };
    proto::Rollout {
        phase: proto::Phase::RollingBack.into(),
        verdict: proto::Verdict::Regressed.into(),
        summary: "v2 returns to v1: checkout fails more often.".to_owned(),
        rollback: Some(proto::Rollback {
            what: "version".to_owned(),
            stage: "drain".to_owned(),
            stages: vec![stage("acknowledge", "After 24 ms, every proxy obeys: all 3 VMs obey")],
            ..proto::Rollback::default()
        }),
        ..progressing()
    }
}

/// Names and texts that somebody made to hurt a terminal.
pub(super) fn hostile() -> proto::Rollout {
    let names =
        ["\u{1b}[2J\u{1b}]0;owned\u{7}", "\u{202e}tuokcehc", "日本語のとても長い名前です", "e\u{301}\u{301}"];
    let long = format!("{}{}", "x".repeat(10_000), "\u{301}".repeat(10_000));
    let names = names.into_iter().chain([long.as_str(), "a\nb\tc"]);
    proto::Rollout {
        service: "\u{1b}[31m\u{2066}shop\r\n".to_owned(),
        canary_version: long.clone(),
        summary: format!("line one\nline two \u{9b}31m {long}"),
        components: names.map(|name| component(name, 3)).collect(),
        ..progressing()
    }
}

pub(super) fn experiment() -> proto::Rollout {
    let arm = |name: &str, stopped: &str| proto::ExperimentArm {
        name: name.to_owned(),
        version: "v2".to_owned(),
        weight_ppm: if stopped.is_empty() { 100_000 } else { 0 },
        planned_weight_ppm: 100_000,
        stopped_because: stopped.to_owned(),
        ..proto::ExperimentArm::default()
    };
    proto::Rollout {
        experiment: Some(proto::Experiment {
            control: "control".to_owned(),
            arms: vec![arm("green", ""), arm("blue", "it failed more often")],
            ..proto::Experiment::default()
        }),
        components: Vec::new(),
        ..progressing()
    }
}
