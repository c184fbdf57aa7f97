//! From protobuf messages to the program's own types. Total: what is missing or unknown has a stated value.

mod block;
mod chart;
mod experiment;
mod finding;
mod known;
mod outside;
mod reason;
mod rollback;
mod trend;
pub(super) mod version;

use serin_proto::admin::v1 as proto;

use crate::model::{
    Arm, Block, Component, ControlChart, Event, Experiment, Granularity, HookRun, Moment, Node, OmittedTag,
    Phase, Reason, Rollback, Rollout, TakenTag, Trend, Verdict, Veto,
};

impl From<proto::Phase> for Phase {
    fn from(phase: proto::Phase) -> Self {
        match phase {
            proto::Phase::Unspecified => Self::Unknown,
            proto::Phase::WarmingUp => Self::WarmingUp,
            proto::Phase::Progressing => Self::Progressing,
            proto::Phase::Paused => Self::Paused,
            proto::Phase::Completing => Self::Completing,
            proto::Phase::RollingBack => Self::RollingBack,
            proto::Phase::Promoted => Self::Promoted,
            proto::Phase::RolledBack => Self::RolledBack,
            proto::Phase::Failed => Self::Failed,
        }
    }
}

impl From<proto::Verdict> for Verdict {
    fn from(verdict: proto::Verdict) -> Self {
        match verdict {
            proto::Verdict::Unspecified => Self::Unknown,
            proto::Verdict::Inconclusive => Self::Inconclusive,
            proto::Verdict::Healthy => Self::Healthy,
            proto::Verdict::Regressed => Self::Regressed,
        }
    }
}

impl From<proto::Granularity> for Granularity {
    fn from(granularity: proto::Granularity) -> Self {
        match granularity {
            proto::Granularity::Unspecified => Self::Unknown,
            proto::Granularity::Coarse => Self::Coarse,
            proto::Granularity::Medium => Self::Medium,
            proto::Granularity::Fine => Self::Fine,
        }
    }
}

/// A macro, because the crate of the timestamp type is not named outside the generated code.
macro_rules! moment {
    ($timestamp:expr) => {
        $timestamp.map(|at| Moment::new(at.to_string(), at.seconds, at.nanos))
    };
}
pub(super) use moment;

impl From<proto::Rollout> for Rollout {
    fn from(rollout: proto::Rollout) -> Self {
        Self {
            phase: rollout.phase().into(),
            verdict: rollout.verdict().into(),
            vetoes: rollout.vetoes().map(Veto::from).collect(),
            risk: rollout.risk,
            action: rollout.action().into(),
            trend: rollout.trend.map(Trend::from),
            arms: rollout.arms.into_iter().map(Arm::from).collect(),
            id: rollout.id,
            service: rollout.service,
            baseline_version: rollout.baseline_version,
            canary_version: rollout.canary_version,
            weight_ppm: rollout.weight_ppm,
            step: rollout.step,
            steps: rollout.steps,
            summary: rollout.summary,
            reasons: rollout.reasons.into_iter().map(Reason::from).collect(),
            components: rollout.components.into_iter().map(Component::from).collect(),
            created_at: moment!(rollout.created_at),
            changed_at: moment!(rollout.changed_at),
            rollback_window_until: moment!(rollout.rollback_window_until),
            watched: rollout.watched,
            revision: rollout.revision,
            generation: rollout.generation,
            vms_applied: rollout.vms_applied,
            vms_known: rollout.vms_known,
            taken: rollout.taken.into_iter().map(TakenTag::from).collect(),
            not_taken: rollout.not_taken.into_iter().map(OmittedTag::from).collect(),
            hooks: rollout.hooks.into_iter().map(HookRun::from).collect(),
            outside: rollout.outside.into_iter().map(outside::reading).collect(),
            findings: rollout.findings.into_iter().map(finding::finding).collect(),
            sources: rollout.sources.into_iter().map(finding::source).collect(),
            rollback: rollout.rollback.map(Rollback::from),
            experiment: rollout.experiment.map(Experiment::from),
        }
    }
}

impl From<proto::HookRun> for HookRun {
    fn from(run: proto::HookRun) -> Self {
        Self {
            point: run.point,
            name: run.name,
            occurrence: run.occurrence,
            round: run.round,
            state: run.state,
            started_at: moment!(run.started_at),
            ended_at: moment!(run.ended_at),
            attempts: run.attempts,
            said: run.said,
        }
    }
}

impl From<proto::Component> for Component {
    fn from(component: proto::Component) -> Self {
        Self {
            granularity: component.granularity().into(),
            verdict: component.verdict().into(),
            vetoes: component.vetoes().map(Veto::from).collect(),
            risk: component.risk,
            action: component.action().into(),
            trend: component.trend.map(Trend::from),
            name: component.name,
            rolled_back: component.rolled_back,
            rolled_back_because: component.rolled_back_because,
            reasons: component.reasons.into_iter().map(Reason::from).collect(),
            arms: component.arms.into_iter().map(Arm::from).collect(),
            charts: component.charts.into_iter().map(ControlChart::from).collect(),
            blocks: component.blocks.into_iter().map(Block::from).collect(),
            recovering: component.recovering,
            owner: Some(component.owner).filter(|owner| !owner.is_empty()),
            feature: component.feature,
            switched_off: component.switched_off,
            switched_off_because: component.switched_off_because,
        }
    }
}

impl From<proto::ArmSummary> for Arm {
    fn from(arm: proto::ArmSummary) -> Self {
        Self {
            arm: arm.arm,
            requests: arm.requests,
            errors: arm.errors,
            latency_p50_us: not_zero(arm.latency_p50_us),
            latency_p99_us: not_zero(arm.latency_p99_us),
        }
    }
}

impl From<proto::Node> for Node {
    fn from(node: proto::Node) -> Self {
        Self {
            node: node.node,
            cluster: node.cluster,
            connected: node.connected,
            vms: node.vms,
            generation_min: node.generation_min,
            generation_max: node.generation_max,
            generation_acknowledged: not_zero(node.generation_acknowledged),
            last_report_at: moment!(node.last_report_at),
            vm_restarts: node.vm_restarts,
            rejected: node.rejected,
            last_rejection: Some(node.last_rejection).filter(|words| !words.is_empty()),
            filter_version: node.filter_version,
            reports: node.reports,
            requests_lost: node.requests_lost,
        }
    }
}

impl From<proto::Event> for Event {
    fn from(event: proto::Event) -> Self {
        let detail = serde_json::from_str(&event.json).unwrap_or(serde_json::Value::String(event.json));
        Self {
            sequence: event.sequence,
            at: moment!(event.at),
            rollout_id: event.rollout_id,
            kind: event.kind,
            actor: event.actor,
            text: event.text,
            detail,
        }
    }
}

fn not_zero(value: u64) -> Option<u64> {
    Some(value).filter(|value| *value != 0)
}
