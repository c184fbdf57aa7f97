//! From state, judgement and windows to a snapshot.

use serin_analysis::ScopeSummary;
use serin_proto::assignment::{BASELINE, CANARY, UNMATCHED};
use serin_rollout::{Granularity, Judgement, Pin, Plan, State};

use super::{Arm, Component, Reason, Snapshot};
use crate::fleet::nodes::Spread;

/// What was seen of a rollout.
pub struct Seen<'a> {
    /// The newest judgement.
    pub judgement: Option<&'a Judgement>,
    /// Both arms of a component, or of the version, over the last 60 seconds; `None` once nothing is gathered.
    pub windows: &'a dyn Fn(Option<&str>) -> Option<ScopeSummary>,
    /// How far its last change got in the fleet.
    pub spread: Spread,
}

/// Builds the snapshot.
#[must_use]
pub fn build(plan: &Plan, state: &State, generation: u64, summary: String, seen: &Seen<'_>) -> Snapshot {
    let version = seen.judgement.map(|judgement| &judgement.version);
    let planned = plan.components().map(|component| (component.name.to_owned(), component.granularity));
    let components = planned.chain([(UNMATCHED.to_owned(), Granularity::Coarse)]);
    Snapshot {
        id: state.id.0.clone(),
        service: state.service.clone(),
        baseline_version: state.baseline.clone(),
        canary_version: state.canary.clone(),
        phase: state.phase,
        current: state.is_current(),
        weight_ppm: state.weight.ppm(),
        step: state.step,
        steps: u32::try_from(plan.steps().len()).unwrap_or(u32::MAX),
        verdict: version.map(|assessment| assessment.verdict).unwrap_or_default(),
        reasons: version.map(|assessment| reasons(&assessment.reasons)).unwrap_or_default(),
        vetoes: version.map(|assessment| assessment.vetoes.clone()).unwrap_or_default(),
        risk: version.map(|assessment| assessment.risk).unwrap_or_default(),
        trend: version.and_then(|assessment| assessment.trend),
        action: version.map(|assessment| assessment.action).unwrap_or_default(),
        arms: arms((seen.windows)(None)),
        components: components.map(|(name, granularity)| component(state, seen, name, granularity)).collect(),
        created_at: state.created_at,
        changed_at: state.changed_at,
        summary,
        revision: state.revision,
        generation,
        vms_applied: seen.spread.applied,
        vms_known: seen.spread.known,
    }
}

fn component(state: &State, seen: &Seen<'_>, name: String, granularity: Granularity) -> Component {
    let judged =
        seen.judgement.and_then(|judgement| judgement.components.iter().find(|one| one.name == name));
    Component {
        granularity,
        rolled_back: state.pinned.contains_key(&name),
        rolled_back_because: state.pinned.get(&name).map(Pin::text),
        verdict: judged.map(|one| one.assessment.verdict).unwrap_or_default(),
        reasons: judged.map(|one| reasons(&one.assessment.reasons)).unwrap_or_default(),
        vetoes: judged.map(|one| one.assessment.vetoes.clone()).unwrap_or_default(),
        risk: judged.map(|one| one.assessment.risk).unwrap_or_default(),
        trend: judged.and_then(|one| one.assessment.trend),
        action: judged.map(|one| one.assessment.action).unwrap_or_default(),
        arms: arms((seen.windows)(Some(&name))),
        name,
    }
}

fn reasons(reasons: &[serin_analysis::Reason]) -> Vec<Reason> {
    reasons.iter().map(|reason| Reason { data: reason.clone(), text: reason.sentence() }).collect()
}

fn arms(summary: Option<ScopeSummary>) -> Vec<Arm> {
    let Some(ScopeSummary { baseline, canary }) = summary else { return Vec::new() };
    vec![Arm { arm: BASELINE, summary: baseline }, Arm { arm: CANARY, summary: canary }]
}
