//! What happened, in words.

use std::collections::BTreeMap;

use super::{Beyond, Cause, Dependents, Fact};
use crate::state::{predicted, read, used};
use crate::text::{Percent, Time, list};
use crate::{Approval, HookEnd, HookOutcome, HookRun};

impl Fact {
    /// One sentence for people.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a sentence for each fact")]
    pub fn text(&self) -> String {
        match self {
            Self::Created { paused, waits, taken, .. } => {
                let begun = match (paused, waits) {
                    (true, _) => "Created; paused at 0 %",
                    (false, true) => "Created; at 0 % until what stands before the start is done",
                    (false, false) => "Created; warming up",
                };
                match taken.len() {
                    0 => begun.to_owned(),
                    1 => format!("{begun}; 1 tag taken where the plan is silent"),
                    more => format!("{begun}; {more} tags taken where the plan is silent"),
                }
            }
            Self::StepStarted { step, weight_ppm, .. } => {
                format!("Step {} began at {}", step.saturating_add(1), Percent(*weight_ppm))
            }
            Self::Held { reason, .. } => format!("Holding: {reason}"),
            Self::HoldLifted { reason } => format!("No longer holding: {reason}"),
            Self::ComponentsRolledBack { components, dependents, disabled, recovering, cause, .. } => {
                let returned = match (components.as_slice(), disabled.names().as_slice()) {
                    ([], off) => format!("Switched off {}", list(off)),
                    (all, []) => format!("Returned {} to the baseline", list(all)),
                    (all, off) => {
                        format!("Returned {} to the baseline and switched off {}", list(all), list(off))
                    }
                };
                let recovering = match recovering.as_slice() {
                    [] => String::new(),
                    names => format!("; {} may recover with that", list(names)),
                };
                format!("{returned}: {cause}{dependents}{disabled}{recovering}")
            }
            Self::BlocksRestored { component, blocks, cause, .. } => {
                let blocks: Vec<String> =
                    blocks.iter().map(|(name, version)| format!("{name} to {version}")).collect();
                format!("Returned block {} of {component}: {cause}", list(&blocks))
            }
            Self::ArmsStopped { arms, cause, .. } => {
                format!("Stopped {}, whose users returned to the control: {cause}", list(arms))
            }
            Self::ExperimentEnded { cause, .. } => {
                format!("Ended, all users returned to the control: {cause}")
            }
            Self::RolledBack { cause, .. } => format!("Rolled back the whole version: {cause}"),
            Self::RollbackBegan { weight_ppm, cause, .. } => {
                format!("Rolling back in stages, {} left: {cause}", Percent(*weight_ppm))
            }
            Self::RollbackLowered { weight_ppm, .. } => {
                format!("Rolling back: {} left", Percent(*weight_ppm))
            }
            Self::QuotaLowered { weight_ppm, before_ppm, query, used_ppm, .. } => {
                let (before, weight) = (Percent(*before_ppm), Percent(*weight_ppm));
                format!("Weight lowered from {before} to {weight}: {}", used(query, Some(*used_ppm)))
            }
            Self::WindowsOverridden { until, reason } => {
                let names: Vec<String> = until.keys().cloned().collect();
                format!("Overrode {} until closed: {reason}", list(&names))
            }
            Self::Queued { turn } => format!("Waiting: {turn}"),
            Self::Completing { .. } => {
                "The canary got all traffic and is watched before completion".to_owned()
            }
            Self::Promoted { cause, .. } => format!("Promoted: {cause}"),
            Self::TriggerFired { trigger, detail, .. } => format!("The {trigger} fired: {detail}"),
            Self::TriggerCleared { trigger } => format!("The {trigger} does not hold any more"),
            Self::EvidenceMissing { source, detail } => {
                format!("The {source} says nothing for long: {detail}")
            }
            Self::EvidenceIncomplete { bundle, detail } => {
                format!("The evidence {bundle} of a decision is not complete: {detail}")
            }
            Self::DecisionMarked { decision, mark, reason } => {
                format!("The decision {decision} was {}: {reason}", mark.words())
            }
            Self::EvidenceReturned { source } => format!("The {source} says something again"),
            Self::Ready => "Ready to be promoted; waits for the other members of its train".to_owned(),
            Self::WatchEnded => {
                "The rollback window closed: the promoted version is judged no more".to_owned()
            }
            Self::WeightSet { weight_ppm, before_ppm, reason } => {
                format!("Weight set from {} to {}: {reason}", Percent(*before_ppm), Percent(*weight_ppm))
            }
            Self::Paused { reason } => format!("Paused: {reason}"),
            Self::Resumed { reason, weight_ppm, .. } if reason.is_empty() => {
                format!("Resumed at {}", Percent(*weight_ppm))
            }
            Self::Resumed { reason, weight_ppm, .. } => {
                format!("Resumed at {}: {reason}", Percent(*weight_ppm))
            }
            Self::HandedOver { reason } => {
                format!("Handed over, all users are on the baseline's endpoint: {reason}")
            }
            Self::RollbackStage { record, .. } => record.to_string(),
            Self::Superseded { by } => format!("Rollout {by} took over"),
            Self::Begun { weight_ppm } => {
                format!("What stands before the start is done; warming up at {}", Percent(*weight_ppm))
            }
            Self::HookStarted(run) => format!("Hook {run} began"),
            Self::HookEnded(end) => ended(end),
            Self::Approved { approval, run, reason } => approved(*approval, run.as_ref(), reason),
        }
    }
}

fn ended(end: &HookEnd) -> String {
    let HookEnd { run, outcome, attempts, output } = end;
    let verb = match outcome {
        HookOutcome::Succeeded => "succeeded",
        HookOutcome::Failed => "failed",
    };
    let tried = if *attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
    // The last line says most often what it was.
    let last = output.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let said: String = last.chars().take(200).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    format!("Hook {run} {verb}{tried}{said}")
}

fn approved(approval: Approval, run: Option<&HookRun>, reason: &str) -> String {
    let run = run.map(HookRun::to_string).unwrap_or_default();
    match approval {
        Approval::DataLoss => format!("Approved that schema changes lose data: {reason}"),
        Approval::RetryHook => format!("Approved that hook {run} runs again: {reason}"),
        Approval::Drained => format!("Told that nothing goes to the canary any more: {reason}"),
        Approval::SkipHook => format!("Approved to go on without hook {run}: {reason}"),
    }
}

/// `; cart, home cannot work without search`: nothing where there are none.
impl std::fmt::Display for Dependents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut by_needs = BTreeMap::<&Vec<String>, Vec<String>>::new();
        self.0.iter().for_each(|(name, needs)| by_needs.entry(needs).or_default().push(name.clone()));
        by_needs.into_iter().try_for_each(|(needs, names)| {
            write!(formatter, "; {} cannot work without {}", list(&names), list(needs))
        })
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ComponentsRegressed { components } => write!(formatter, "{} regressed", list(components)),
            Self::BlocksAtFault { component, blocks } => {
                write!(formatter, "{component} regressed, and its block {} is at fault", list(blocks))
            }
            Self::VersionRegressed => formatter.write_str("the canary regressed"),
            Self::Told { source, findings } => {
                let told = match source {
                    serin_analysis::streams::Source::Behaviour => "users of the canary fare worse",
                    serin_analysis::streams::Source::Logs => "the canary's logs tell of harm",
                };
                write!(formatter, "{told}: {}", findings.join("; "))
            }
            Self::CoarseComponent { component } => {
                write!(formatter, "{component} regressed, whose rollback undoes the whole version")
            }
            Self::CoarseDependent { component, regressed } => {
                let regressed = list(regressed);
                write!(
                    formatter,
                    "{regressed} regressed, without which {component} cannot work, whose rollback undoes the whole version"
                )
            }
            Self::TooManyComponents { components, dependents, traffic_ppm, beyond } => {
                let is_regressed = |name: &&String| !dependents.0.contains_key(*name);
                let regressed: Vec<String> = components.iter().filter(is_regressed).cloned().collect();
                let together = if dependents.0.is_empty() { "," } else { "; all together" };
                let (regressed, traffic) = (list(&regressed), Percent(*traffic_ppm));
                let beyond = match beyond {
                    Beyond::Traffic => format!("{traffic} of the traffic"),
                    Beyond::BusinessWeight { business_weight_ppm } => {
                        format!("{} of the business weight", Percent(*business_weight_ppm))
                    }
                    Beyond::Components => format!("{} components", components.len()),
                };
                write!(formatter, "{regressed} regressed{dependents}{together} {beyond}")
            }
            Self::OtherService { returned } => {
                write!(formatter, "{} returned to the baseline", list(returned))
            }
            Self::Predicted { components, signal } => formatter.write_str(&predicted(components, *signal)),
            Self::Policy { name, values } => {
                write!(formatter, "policy {name} asks for it{}", read(values))
            }
            Self::Trigger { trigger, component, detail } => {
                let of = component.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
                write!(formatter, "the trigger {trigger}{of} fired: {detail}")
            }
            Self::Unhealthy { check, component, detail } => {
                let whose = component.as_deref().unwrap_or("the canary");
                write!(formatter, "{whose} is unhealthy by the check {check}: {detail}")
            }
            Self::LimitSustained { breach } => write!(formatter, "for too long at full weight, {breach}"),
            Self::WithinLimits => formatter.write_str("at full weight long enough and within all limits"),
            Self::ArmsRegressed { arms } => {
                write!(formatter, "{} regressed beside the control", list(arms))
            }
            Self::AllArmsStopped => formatter.write_str("all arms were stopped"),
            Self::DurationOver { duration_s } => {
                write!(formatter, "it ran for {}", Time(std::time::Duration::from_secs(*duration_s)))
            }
            Self::Train { train, because } => write!(formatter, "{because} ({train})"),
            Self::Person { reason } => formatter.write_str(reason),
            Self::HookFailed { point, name } => write!(formatter, "hook {name} ({point}) failed"),
        }
    }
}
