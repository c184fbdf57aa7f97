//! From our types to the contract's.

mod block;
mod chart;
mod emergency;
mod experiment;
mod finding;
mod hook;
mod known;
mod outside;
mod reason;
mod rollback;
mod traffic;
mod trend;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serin_analysis::{Verdict, Veto};
use serin_proto::admin::v1 as api;
use serin_rollout::{Granularity, Phase, UnixMillis};

pub(super) use emergency::returned;
pub(super) use known::components;
pub(super) use traffic::traffic;

use crate::fleet::nodes::{LIVE_WITHIN, Node};
use crate::snapshot::{Arm, Component, PlannedStep, Snapshot};
use crate::store::StoredEvent;

/// A rollout with its components.
pub(super) fn rollout(snapshot: &Snapshot) -> api::Rollout {
    api::Rollout { components: snapshot.components.iter().map(component).collect(), ..head(snapshot) }
}

/// A rollout without its components, of which there may be hundreds.
pub(super) fn head(snapshot: &Snapshot) -> api::Rollout {
    api::Rollout {
        id: snapshot.id.clone(),
        service: snapshot.service.clone(),
        baseline_version: snapshot.baseline_version.clone(),
        canary_version: snapshot.canary_version.clone(),
        phase: phase(snapshot.phase).into(),
        weight_ppm: snapshot.weight_ppm,
        step: snapshot.step,
        steps: snapshot.steps,
        verdict: verdict(snapshot.verdict).into(),
        reasons: snapshot.reasons.iter().map(reason::reason).collect(),
        components: Vec::new(),
        created_at: Some(timestamp(snapshot.created_at)),
        changed_at: Some(timestamp(snapshot.changed_at)),
        rollback_window_until: snapshot.rollback_window_until.map(timestamp),
        watched: snapshot.watched,
        summary: snapshot.summary.clone(),
        revision: snapshot.revision,
        generation: snapshot.generation,
        vms_applied: snapshot.vms_applied,
        vms_known: snapshot.vms_known,
        vetoes: snapshot.vetoes.iter().map(|one| veto(*one).into()).collect(),
        risk: snapshot.risk,
        trend: snapshot.trend.as_ref().map(trend::trend),
        action: trend::action(snapshot.action).into(),
        arms: snapshot.arms.iter().map(arm).collect(),
        taken: snapshot.taken.iter().map(known::taken).collect(),
        not_taken: snapshot.not_taken.iter().map(known::omitted).collect(),
        rollback: snapshot.rollback.as_ref().map(rollback::rollback),
        experiment: snapshot.experiment.as_ref().map(experiment::experiment),
        hooks: snapshot.hooks.iter().map(hook::hook).collect(),
        outside: outside::outside(&snapshot.outside),
        planned_steps: snapshot.planned_steps.iter().map(planned_step).collect(),
        next_step_at: snapshot.next_step_at.map(timestamp),
        data_age_s: snapshot.data_age_s,
        findings: snapshot.findings.iter().map(finding::finding).collect(),
        sources: snapshot.sources.iter().flat_map(finding::sources).collect(),
    }
}

fn planned_step(step: &PlannedStep) -> api::PlannedStep {
    api::PlannedStep { weight_ppm: step.weight_ppm, bake_s: step.bake_s }
}

pub(super) fn component(component: &Component) -> api::Component {
    api::Component {
        name: component.name.clone(),
        granularity: granularity(component.granularity).into(),
        rolled_back: component.rolled_back,
        rolled_back_because: component.rolled_back_because.clone().unwrap_or_default(),
        verdict: verdict(component.verdict).into(),
        reasons: component.reasons.iter().map(reason::reason).collect(),
        arms: component.arms.iter().map(arm).collect(),
        vetoes: component.vetoes.iter().map(|one| veto(*one).into()).collect(),
        risk: component.risk,
        trend: component.trend.as_ref().map(trend::trend),
        action: trend::action(component.action).into(),
        charts: component.charts.iter().map(chart::chart).collect(),
        blocks: component.blocks.iter().map(block::block).collect(),
        recovering: component.recovering,
        owner: component.owner.clone().unwrap_or_default(),
        feature: component.feature.clone().unwrap_or_default(),
        switched_off: component.switched_off_because.is_some(),
        switched_off_because: component.switched_off_because.clone().unwrap_or_default(),
        depends_on: component.depends_on.clone(),
        returns_with: component.returns_with.clone(),
        switched_off_with: component.switched_off_with.clone(),
        business_weight: component.business_weight,
    }
}

fn arm(arm: &Arm) -> api::ArmSummary {
    api::ArmSummary {
        arm: arm.arm.to_owned(),
        requests: arm.summary.requests,
        errors: arm.summary.errors,
        latency_p50_us: arm.summary.p50_us.unwrap_or_default(),
        latency_p99_us: arm.summary.p99_us.unwrap_or_default(),
    }
}

pub(super) fn node(name: &str, node: &Node, now: UnixMillis) -> api::Node {
    let generations = || node.live(now, LIVE_WITHIN).map(|vm| vm.generation);
    api::Node {
        node: name.to_owned(),
        cluster: node.cluster.clone(),
        vms: u32::try_from(generations().count()).unwrap_or(u32::MAX),
        generation_min: generations().min().unwrap_or_default(),
        generation_max: generations().max().unwrap_or_default(),
        generation_acknowledged: node.generation_acknowledged,
        connected: node.streams > 0,
        last_report_at: node.reported_at.map(timestamp),
        vm_restarts: node.vm_restarts,
        rejected: node.rejected,
        last_rejection: node.last_rejection.clone(),
        filter_version: node.filter_version.clone(),
        reports: node.reports,
        requests_lost: node.requests_lost,
    }
}

pub(super) fn event(stored: StoredEvent) -> api::Event {
    api::Event {
        sequence: stored.sequence,
        at: Some(timestamp(stored.at)),
        rollout_id: stored.rollout_id,
        kind: stored.event.kind,
        actor: stored.event.actor,
        text: stored.event.text,
        json: stored.event.json,
    }
}

pub(crate) fn timestamp(at: UnixMillis) -> prost_types::Timestamp {
    let moment: SystemTime = UNIX_EPOCH + Duration::from_millis(at.0);
    moment.into()
}

pub(super) fn phase(phase: Phase) -> api::Phase {
    match phase {
        Phase::WarmingUp => api::Phase::WarmingUp,
        Phase::Progressing => api::Phase::Progressing,
        Phase::Paused { .. } => api::Phase::Paused,
        Phase::Completing => api::Phase::Completing,
        Phase::RollingBack => api::Phase::RollingBack,
        Phase::Promoted => api::Phase::Promoted,
        Phase::RolledBack => api::Phase::RolledBack,
        Phase::Failed => api::Phase::Failed,
    }
}

fn verdict(verdict: Verdict) -> api::Verdict {
    match verdict {
        Verdict::Inconclusive => api::Verdict::Inconclusive,
        Verdict::Healthy => api::Verdict::Healthy,
        Verdict::Regressed => api::Verdict::Regressed,
    }
}

fn veto(veto: Veto) -> api::Veto {
    match veto {
        Veto::OlderThanExposure => api::Veto::OlderThanExposure,
        Veto::BothArmsWorse => api::Veto::BothArmsWorse,
        Veto::BaselineUnhealthy => api::Veto::BaselineUnhealthy,
        Veto::TooLittleTraffic => api::Veto::TooLittleTraffic,
        Veto::DataGap => api::Veto::DataGap,
        Veto::FewUsers => api::Veto::FewUsers,
    }
}

fn granularity(granularity: Granularity) -> api::Granularity {
    match granularity {
        Granularity::Coarse => api::Granularity::Coarse,
        Granularity::Medium => api::Granularity::Medium,
        Granularity::Fine => api::Granularity::Fine,
    }
}
