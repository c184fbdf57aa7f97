//! What follows from triggers and health checks.
//!
//! They undo, hold or tell as the plan says; automatic rollback off turns undoing into holding. What both versions share, and what
//! says nothing, never undoes anything. What stands on the baseline already is not asked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use serin_proto::assignment::Weight;

use super::Change;
use super::alarm::{Return, undoes_version};
use crate::event::Fact;
use crate::outside::{HealthReading, HealthState, Outside, TriggerReading, TriggerState};
use crate::plan::TriggerAction;
use crate::state::{SILENT, silence};
use crate::{Cause, HOLD_CHANGE_MIN_MS, HoldReason, Judgement, Phase, State};

/// Things that people are told of at one time, at most.
const TOLD: usize = 256;

/// What has to be undone now. `None`: nothing, or it may not be.
pub(super) fn demand(change: &Change<'_>, judgement: &Judgement) -> Option<Fact> {
    let Change { plan, state, .. } = change;
    // Before the canary serves anyone there is nothing to undo.
    if !plan.automatic_rollback() || state.weight == Weight::ZERO {
        return None;
    }
    let outside = &judgement.outside;
    let fired = fired(state, outside).find(|one| one.action == TriggerAction::Rollback);
    let (cause, component) = match fired {
        Some(one) => {
            let (trigger, component) = (one.name.clone(), one.component.clone());
            (Cause::Trigger { trigger, component, detail: one.text.clone() }, &one.component)
        }
        None => {
            let unhealthy = of_state(state, outside, HealthState::Unhealthy);
            let one = unhealthy.into_iter().find(|one| one.action == TriggerAction::Rollback)?;
            let (check, component) = (one.check.clone(), one.component.clone());
            (Cause::Unhealthy { check, component, detail: one.text.clone() }, &one.component)
        }
    };
    let evidence = Some(Box::new(judgement.clone()));
    let alone = component.as_ref().filter(|name| !undoes_version(plan, name));
    let together = alone.map(|name| Return::of(plan, state, &BTreeSet::from([name.clone()])));
    Some(match together {
        Some(together) if together.coarse(plan).is_none() => together.fact(plan, cause, evidence),
        _ => Fact::RolledBack { cause, evidence },
    })
}

/// Why nothing may progress.
pub(super) fn hold(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    let (state, outside) = (&change.state, &judgement.outside);
    if !gets_requests(state) {
        return None;
    }
    let fired = fired(state, outside).find(|one| one.action.decides()).map(|one| HoldReason::Trigger {
        trigger: one.name.clone(),
        detail: one.text.clone(),
        severity: one.severity,
    });
    let unhealthy = || {
        let all = of_state(state, outside, HealthState::Unhealthy);
        all.into_iter().find(|one| one.action.decides()).map(|one| HoldReason::Unhealthy {
            check: one.check.clone(),
            detail: one.text.clone(),
            severity: one.severity,
        })
    };
    let shared = || {
        let mut triggers = triggers(state, outside);
        let trigger = triggers.find(|one| one.state == TriggerState::Shared && one.action.decides());
        let trigger = trigger.map(|one| (format!("trigger {}", one.name), one.text.clone()));
        let check = || {
            let all = of_state(state, outside, HealthState::Shared);
            let one = all.into_iter().find(|one| one.action.decides())?;
            Some((format!("health check {}", one.check), one.text.clone()))
        };
        let (by, detail) = trigger.or_else(check)?;
        Some(HoldReason::BothAlike { by, detail })
    };
    let silent = || {
        // A promoted version goes no further, and what it was compared with is gone.
        if state.phase == Phase::Promoted {
            return None;
        }
        let trigger = triggers(state, outside).find(|one| one.overdue && one.action.decides());
        let trigger = trigger.map(|one| (format!("trigger {}", one.name), one.text.clone()));
        let check = || {
            let all = of_state(state, outside, HealthState::Unknown);
            let patience = Duration::from_secs(crate::DATA_AGE_MAX_S);
            let waited = change.now.since(state.evaluating_since) >= patience;
            let one = all.into_iter().find(|one| one.required && one.action.decides() && waited)?;
            Some((format!("health check {}", one.check), one.text.clone()))
        };
        let (of, detail) = trigger.or_else(check)?;
        Some(HoldReason::Unanswered { of, detail })
    };
    fired.or_else(unhealthy).or_else(shared).or_else(silent)
}

/// Whether nothing from outside speaks against going on.
pub(super) fn allows(change: &Change<'_>, judgement: &Judgement) -> bool {
    let (state, outside) = (&change.state, &judgement.outside);
    let triggers = triggers(state, outside).all(|one| !one.action.decides() || one.state.allows());
    let mut health = outside.health.iter().filter(|one| is_live(state, one.component.as_ref()));
    triggers
        && health.all(|one| match one.state {
            HealthState::Healthy => true,
            HealthState::Unknown => !one.required || !one.action.decides(),
            HealthState::Unhealthy | HealthState::Shared => !one.action.decides(),
        })
}

/// Tells of what decides nothing, and of what says nothing for long, once when it begins and once when it is over.
pub(super) fn tell(change: &mut Change<'_>, judgement: &Judgement) {
    let outside = &judgement.outside;
    let state = &change.state;
    let told = fired(state, outside).filter(|one| !one.action.decides());
    let told = told.map(|one| (format!("trigger {}", one.name), one.severity, one.text.clone()));
    let unhealthy = of_state(state, outside, HealthState::Unhealthy);
    let unhealthy = unhealthy.into_iter().filter(|one| !one.action.decides());
    let unhealthy =
        unhealthy.map(|one| (format!("health check {}", one.check), one.severity, one.text.clone()));
    let fired: Vec<_> = told.chain(unhealthy).collect();
    let silent: Vec<(String, String)> = outside.silent().collect();
    let lasting: BTreeSet<String> = (fired.iter().map(|one| one.0.clone()))
        .chain(silent.iter().map(|(source, _)| silence(source)))
        .collect();
    let settled = Duration::from_millis(HOLD_CHANGE_MIN_MS);
    let over =
        state.told.iter().filter(|(what, at)| !lasting.contains(*what) && change.now.since(**at) >= settled);
    let over: Vec<String> = over.map(|(what, _)| what.clone()).collect();
    for what in over {
        change.record(match what.strip_prefix(SILENT) {
            Some(source) => Fact::EvidenceReturned { source: source.to_owned() },
            None => Fact::TriggerCleared { trigger: what },
        });
    }
    for (trigger, severity, detail) in fired {
        if !change.state.told.contains_key(&trigger) && change.state.told.len() < TOLD {
            let evidence = Some(Box::new(judgement.clone()));
            change.record(Fact::TriggerFired { trigger, severity, detail, evidence });
        }
    }
    for (source, detail) in silent {
        if !change.state.told.contains_key(&silence(&source)) && change.state.told.len() < TOLD {
            change.record(Fact::EvidenceMissing { source, detail });
        }
    }
}

fn gets_requests(state: &State) -> bool {
    state.weight > Weight::ZERO
}

/// A component that is on the baseline is not asked for again.
fn is_live(state: &State, component: Option<&String>) -> bool {
    component.is_none_or(|name| !state.pinned.contains_key(name))
}

fn triggers<'a>(state: &'a State, outside: &'a Outside) -> impl Iterator<Item = &'a TriggerReading> {
    outside.triggers.iter().filter(|one| is_live(state, one.component.as_ref()))
}

fn fired<'a>(state: &'a State, outside: &'a Outside) -> impl Iterator<Item = &'a TriggerReading> {
    triggers(state, outside).filter(|one| one.state == TriggerState::Fired)
}

fn of_state<'a>(state: &State, outside: &'a Outside, wanted: HealthState) -> Vec<&'a HealthReading> {
    let live = outside.health.iter().filter(|one| is_live(state, one.component.as_ref()));
    live.filter(|one| one.state == wanted).collect()
}
