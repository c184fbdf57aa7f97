//! From the YAML form to the checked train.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{TrainError, TrainErrors};
use super::{After, Gate, Member, Milestone, PROMOTION, Reach, TrainPlan, When, bounds, raw};
use crate::Plan;
use crate::plan::percentage;
use crate::yaml::{self, Misshapen, Places};

const NAME: &str = "must be 1 to 64 letters, digits, '.', '_' and '-'";

pub(super) fn parse(yaml: &str, files: &BTreeMap<String, String>) -> Result<TrainPlan, TrainErrors> {
    let raw = shape(yaml)?;
    let mut findings = Findings { places: Places::of(yaml), errors: Vec::new() };
    let members = members(&raw, files, &mut findings);
    let together = raw.together;
    order(&members, &raw.members, together, &mut findings);
    let gates = gates(&raw.gates, &raw.members, together, &mut findings);
    if !is_name(&raw.name) {
        findings.add("name", NAME);
    }
    if !findings.errors.is_empty() {
        return Err(TrainErrors(findings.errors));
    }
    let named = raw.members.iter().filter(|member| !is_inline(&member.plan));
    let files = named.filter_map(|member| files.get_key_value(&member.plan));
    let reach = match raw.rollback {
        raw::Reach::All => Reach::All,
        raw::Reach::Dependents => Reach::Dependents,
        raw::Reach::Alone => Reach::Alone,
    };
    let files = files.map(|(name, text)| (name.clone(), text.clone())).collect();
    let members = members.into_iter().map(|(_, member)| member).collect();
    Ok(TrainPlan { source: yaml.to_owned(), files, name: raw.name, members, gates, reach, together })
}

pub(super) fn files_of(yaml: &str) -> Result<Vec<String>, TrainErrors> {
    let raw = shape(yaml)?;
    let mut findings = Findings { places: Places::of(yaml), errors: Vec::new() };
    if !check_size(&raw, &mut findings) {
        return Err(TrainErrors(findings.errors));
    }
    let members = raw.members.into_iter().map(|member| member.plan);
    let files: BTreeSet<String> = members.filter(|plan| !is_inline(plan)).collect();
    Ok(files.into_iter().collect())
}

/// A plan of one line is the name of its file.
fn is_inline(plan: &str) -> bool {
    plan.contains('\n')
}

fn shape(yaml: &str) -> Result<raw::Train, TrainErrors> {
    let one = |error| TrainErrors(vec![error]);
    if yaml.len() > bounds::YAML_BYTES {
        let rule = format!("exceeds the limit of {} bytes", bounds::YAML_BYTES);
        return Err(one(TrainError { field: String::new(), rule, line: 0, column: 0 }));
    }
    yaml::read::<raw::Train>(yaml).map_err(|misshapen| {
        let Misshapen { field, message: rule, place: (line, column) } = misshapen;
        one(TrainError { field, rule, line, column })
    })
}

struct Findings {
    places: Places,
    errors: Vec<TrainError>,
}

impl Findings {
    fn add(&mut self, field: &str, rule: impl Into<String>) {
        let (line, column) = self.places.find(field);
        self.errors.push(TrainError { field: field.to_owned(), rule: rule.into(), line, column });
    }
}

fn is_name(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    (1..=bounds::NAME_BYTES).contains(&text.len()) && text.chars().all(plain)
}

/// Whether there are as many members as a train may have.
fn check_size(raw: &raw::Train, findings: &mut Findings) -> bool {
    let is_right = (1..=bounds::MEMBERS).contains(&raw.members.len());
    if !is_right {
        findings.add("members", format!("must be 1 to {}, not {}", bounds::MEMBERS, raw.members.len()));
    }
    is_right
}

/// Those that are right, each with its position.
fn members(
    raw: &raw::Train,
    files: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Vec<(usize, Member)> {
    if !check_size(raw, findings) {
        return Vec::new();
    }
    let mut services = BTreeSet::new();
    let mut members = Vec::new();
    for (index, member) in raw.members.iter().enumerate() {
        let field = format!("members[{index}]");
        if !services.insert(&member.service) {
            findings
                .add(&format!("{field}.service"), "is given twice; a train has one member for each service");
        }
        let bad_region = |region: &String| {
            region.is_empty() || region.len() > bounds::NAME_BYTES || region.contains(char::is_control)
        };
        if member.region.as_ref().is_some_and(bad_region) {
            findings.add(&format!("{field}.region"), "must be 1 to 64 bytes without control characters");
        }
        let Some(plan) = plan(&field, member, files, findings) else { continue };
        let after = member.after.iter().enumerate();
        let after =
            after.filter_map(|(at, after)| milestone(&format!("{field}.after[{at}]"), after, findings));
        let after = after.collect();
        members.push((index, Member { plan, region: member.region.clone(), after }));
    }
    members
}

fn plan(
    field: &str,
    member: &raw::Member,
    files: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Option<Plan> {
    let of_plan = format!("{field}.plan");
    let (name, text) = match files.get(&member.plan) {
        _ if is_inline(&member.plan) => ("the plan", &member.plan),
        Some(text) => (member.plan.as_str(), text),
        None => {
            findings.add(&of_plan, format!("the file {:?} did not come with the train", member.plan));
            return None;
        }
    };
    let plan = match Plan::parse(text) {
        Ok(plan) => plan,
        Err(errors) => {
            errors.errors().iter().for_each(|error| findings.add(&of_plan, format!("{name}, {error}")));
            return None;
        }
    };
    if plan.service() != member.service {
        let rule = format!("its plan is of service {:?}", plan.service());
        findings.add(&format!("{field}.service"), rule);
    } else if plan.experiment().is_some() {
        findings.add(&of_plan, "is an experiment, which cannot be part of a train");
    } else {
        return Some(plan);
    }
    None
}

fn milestone(field: &str, raw: &raw::After, findings: &mut Findings) -> Option<After> {
    let (service, reaches) = match raw {
        raw::After::Service(service) => (service, Milestone::Promotion),
        raw::After::Milestone(raw::Milestone { service, step: Some(_), weight: Some(_) }) => {
            findings.add(field, format!("{service}: either step or weight can be given"));
            return None;
        }
        raw::After::Milestone(raw::Milestone { service, step: Some(step), .. }) => {
            match step.checked_sub(1) {
                Some(step) => (service, Milestone::Step(step)),
                None => {
                    findings.add(&format!("{field}.step"), "must be 1 or more");
                    return None;
                }
            }
        }
        raw::After::Milestone(raw::Milestone { service, weight: Some(text), .. }) => match percentage(text) {
            Some(weight) => (service, Milestone::Weight(weight)),
            None => {
                findings.add(&format!("{field}.weight"), "must be a percentage such as 25%");
                return None;
            }
        },
        raw::After::Milestone(raw::Milestone { service, .. }) => (service, Milestone::Promotion),
    };
    Some(After { service: service.clone(), reaches })
}

/// What stands in `after` can come true. Of a member whose own plan is wrong nothing more is said.
fn order(members: &[(usize, Member)], written: &[raw::Member], together: bool, findings: &mut Findings) {
    let find = |service: &str| members.iter().map(|(_, member)| member).find(|one| one.service() == service);
    let mut is_whole = true;
    for (index, member) in members {
        for (at, after) in member.after.iter().enumerate() {
            let rule = match (find(&after.service), after.reaches) {
                (None, _) if written.iter().any(|one| one.service == after.service) => {
                    is_whole = false;
                    continue;
                }
                (None, _) => format!("{:?} is no member of the train", after.service),
                (Some(_), _) if after.service == member.service() => {
                    "a member cannot come after itself".into()
                }
                (Some(_), Milestone::Promotion) if together => {
                    "with together: true none is promoted before all are ready; say a step or weight".into()
                }
                (Some(other), Milestone::Step(step)) if step as usize >= other.plan.steps().len() => {
                    format!("the plan of {} has {} steps", after.service, other.plan.steps().len())
                }
                (Some(_), _) => continue,
            };
            is_whole = false;
            findings.add(&format!("members[{index}].after[{at}]"), rule);
        }
    }
    if !is_whole {
        return;
    }
    let mut begun = BTreeSet::new();
    loop {
        let free = |member: &Member| member.after.iter().all(|after| begun.contains(&after.service));
        let next: Vec<_> =
            members.iter().filter(|(_, one)| !begun.contains(one.service()) && free(one)).collect();
        if next.is_empty() {
            break;
        }
        begun.extend(next.into_iter().map(|(_, member)| member.service().to_owned()));
    }
    if let Some((index, _)) = members.iter().find(|(_, one)| !begun.contains(one.service())) {
        findings
            .add(&format!("members[{index}].after"), "members wait for each other: none of them could begin");
    }
}

fn gates(raw: &[raw::Gate], members: &[raw::Member], together: bool, findings: &mut Findings) -> Vec<Gate> {
    if raw.len() > bounds::GATES {
        findings.add("gates", format!("must be at most {}", bounds::GATES));
        return Vec::new();
    }
    let mut gates: Vec<Gate> = Vec::new();
    for (index, gate) in raw.iter().enumerate() {
        let field = format!("gates[{index}].before");
        let is_member = members.iter().any(|member| member.service == gate.before);
        if !is_member && gate.before != PROMOTION {
            findings.add(&field, format!("{:?} is no member of the train, nor `promotion`", gate.before));
        }
        if !is_member && gate.before == PROMOTION && !together {
            findings.add(&field, "only a train with together: true is promoted in common");
        }
        let when = match gate.when {
            raw::When::AllHealthy => When::AllHealthy,
            raw::When::Approval => When::Approval,
        };
        let gate = Gate { before: is_member.then(|| gate.before.clone()), when };
        if gates.contains(&gate) {
            findings.add(&field, "is given twice for the same reason");
        }
        gates.push(gate);
    }
    gates
}
