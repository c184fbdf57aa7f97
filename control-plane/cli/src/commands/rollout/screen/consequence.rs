//! What an act does, in sentences, before a person confirms it: which users move where, which components, and what needs
//! them. It says what is known and what is not; the server decides, and may refuse.

use std::collections::{BTreeMap, BTreeSet};

use super::dialog::{Dialog, Kind};
use crate::model::{Experiment, Known, KnownComponent, Rollout};
use crate::output::percent;

const WHOLE_PPM: u32 = 1_000_000;
/// Names that a sentence lists; of more it says how many.
const LISTED: usize = 8;

/// The consequence, a sentence each.
pub(super) fn consequence(dialog: &Dialog, rollout: &Rollout, known: Option<&Known>) -> Vec<String> {
    match (&dialog.kind, &rollout.experiment) {
        (Kind::Pause, None) => pause(rollout),
        (Kind::Resume, None) => resume(rollout),
        (Kind::Promote, None) => promote(rollout),
        (Kind::SetWeight, None) => set_weight(rollout, dialog.ppm()),
        (Kind::RollBack { row: Some(row), is_whole: false }, None) => component(rollout, row, known),
        (Kind::RollBack { .. }, None) => version(rollout, known),
        (Kind::Pause, Some(_)) => vec![format!(
            "All users of the arms, {} of all, get the control, {}, until it is resumed.",
            percent(rollout.weight_ppm),
            rollout.baseline_version
        )],
        (Kind::Resume, Some(experiment)) => resume_experiment(experiment),
        (Kind::RollBack { row: Some(row), is_whole: false }, Some(experiment)) => {
            arm(rollout, row, experiment)
        }
        (Kind::RollBack { .. }, Some(_)) => vec![
            format!(
                "The experiment ends: all users of its arms, {} of all, get the control, {}, from now on.",
                percent(rollout.weight_ppm),
                rollout.baseline_version
            ),
            "It cannot be taken back; its results stay.".to_owned(),
        ],
        // Refused before a dialog opens.
        (Kind::Promote | Kind::SetWeight, Some(_)) => Vec::new(),
    }
}

fn pause(rollout: &Rollout) -> Vec<String> {
    vec![
        format!(
            "Nobody moves: {} of the users stay on {}, {} on {}.",
            percent(rollout.weight_ppm),
            rollout.canary_version,
            rest(rollout),
            rollout.baseline_version
        ),
        "It goes no step further until it is resumed. Automatic rollback stays armed.".to_owned(),
    ]
}

fn resume(rollout: &Rollout) -> Vec<String> {
    let moves = if rollout.weight_ppm == 0 {
        format!("The first users get {}: as many as the plan's first weight says.", rollout.canary_version)
    } else {
        format!("Nobody moves at once: {} stays at {}.", rollout.canary_version, percent(rollout.weight_ppm))
    };
    let next = "The step is evaluated afresh. Where that is healthy, the plan gives the canary more users by itself.";
    vec![moves, next.to_owned()]
}

fn promote(rollout: &Rollout) -> Vec<String> {
    let mut says = vec![
        format!(
            "The other {} of the users move from {} to {}, all at once, whatever the verdict. It is {} now, at risk {:.0} \
             of 100.",
            rest(rollout),
            rollout.baseline_version,
            rollout.canary_version,
            rollout.verdict.label(),
            rollout.risk
        ),
        format!(
            "No step of the plan is waited for. {} is one command away: b rolls back.",
            rollout.baseline_version
        ),
    ];
    says.extend(stay_behind(rollout));
    says
}

fn set_weight(rollout: &Rollout, ppm: Result<u32, String>) -> Vec<String> {
    let Ok(ppm) = ppm else {
        return vec![format!(
            "{} has {} of the users now. It then holds at the new weight until it is resumed.",
            rollout.canary_version,
            percent(rollout.weight_ppm)
        )];
    };
    let (now, canary, baseline) = (rollout.weight_ppm, &rollout.canary_version, &rollout.baseline_version);
    let moves = match ppm.cmp(&now) {
        std::cmp::Ordering::Greater => format!(
            "{} of the users move from {baseline} to {canary}; nobody who is on {canary} moves back.",
            percent(ppm - now)
        ),
        std::cmp::Ordering::Less => format!(
            "{} of the users move from {canary} back to {baseline}; nobody else moves.",
            percent(now - ppm)
        ),
        std::cmp::Ordering::Equal => format!("Nobody moves: {canary} has {} already.", percent(now)),
    };
    let mut says = vec![
        moves,
        format!("It then holds at {} until it is resumed. Automatic rollback stays armed.", percent(ppm)),
    ];
    says.extend(stay_behind(rollout));
    says
}

fn version(rollout: &Rollout, known: Option<&Known>) -> Vec<String> {
    let components: Vec<&str> = rollout.components.iter().map(|one| one.name.as_str()).collect();
    let mut says = vec![
        format!(
            "All users of {}, {} of all, return to {}, for every component. A plan that returns gradually does so in \
             stages.",
            rollout.canary_version,
            percent(rollout.weight_ppm),
            rollout.baseline_version
        ),
        "The rollout ends with it: for another try, a new one is created.".to_owned(),
    ];
    says.push(match known {
        None => UNKNOWN.to_owned(),
        Some(known) => {
            let others = needing(rollout, &components, known);
            let others: Vec<&String> = others.iter().filter(|name| name.contains('/')).collect();
            if others.is_empty() {
                "No component of another service is known to need it.".to_owned()
            } else {
                format!(
                    "What needs it in other services returns too, is switched off or stays, as their plans say: {}.",
                    list(&others)
                )
            }
        }
    });
    says
}

fn component(rollout: &Rollout, name: &str, known: Option<&Known>) -> Vec<String> {
    let (canary, baseline) = (&rollout.canary_version, &rollout.baseline_version);
    let is_back = rollout.components.iter().any(|one| one.name == name && one.rolled_back);
    if is_back {
        return vec![format!("{name} was rolled back already: nothing changes.")];
    }
    let mut says = vec![
        format!(
            "For {name} the users of {canary}, {} of all, get {baseline}. For the other components they stay on {canary}, \
             and the rollout goes on.",
            percent(rollout.weight_ppm)
        ),
        "It stays so until the rollout ends.".to_owned(),
    ];
    says.push(match known {
        None => UNKNOWN.to_owned(),
        Some(known) => {
            let others = needing(rollout, &[name], known);
            if others.is_empty() {
                format!("No other component is known to need {name}.")
            } else {
                let all: Vec<&String> = others.iter().collect();
                format!(
                    "What needs it returns too, is switched off or stays, as the plan says: {}.",
                    list(&all)
                )
            }
        }
    });
    says
}

fn arm(rollout: &Rollout, name: &str, experiment: &Experiment) -> Vec<String> {
    let Some(arm) = experiment.arms.iter().find(|arm| arm.name == name) else { return Vec::new() };
    if arm.stopped_because.is_some() {
        return vec![format!("{name} was stopped already: nothing changes.")];
    }
    let others =
        experiment.arms.iter().filter(|other| other.name != name && other.stopped_because.is_none()).count();
    let mut says = vec![format!(
        "The users of {name} ({}), {} of all, return to the control, {}. Nobody else moves.",
        arm.version,
        percent(arm.weight_ppm),
        rollout.baseline_version
    )];
    says.push(if others == 0 {
        "It is the last arm: the experiment ends.".to_owned()
    } else {
        format!("The experiment goes on with {others} other arms. The arm cannot be started again.")
    });
    says
}

fn resume_experiment(experiment: &Experiment) -> Vec<String> {
    let running = experiment.arms.iter().filter(|arm| arm.stopped_because.is_none());
    let arms: Vec<String> =
        running.map(|arm| format!("{} {}", arm.name, percent(arm.planned_weight_ppm))).collect();
    vec![format!("The arms get their users back: {}.", list(&arms.iter().collect::<Vec<_>>()))]
}

const UNKNOWN: &str = "What needs it is not known yet: the server is being asked.";

fn rest(rollout: &Rollout) -> String {
    percent(WHOLE_PPM.saturating_sub(rollout.weight_ppm))
}

/// Components that were rolled back, and so stay.
fn stay_behind(rollout: &Rollout) -> Option<String> {
    let back = rollout.components.iter().filter(|one| one.rolled_back);
    let names: Vec<&String> = back.map(|one| &one.name).collect();
    (!names.is_empty())
        .then(|| format!("Rolled back and staying on {}: {}.", rollout.baseline_version, list(&names)))
}

fn list(names: &[&String]) -> String {
    let shown: Vec<&str> = names.iter().take(LISTED).map(|name| name.as_str()).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What is known to need `names` of this rollout's service, directly or through others: `NAME`, or `SERVICE/NAME` of another
/// service.
fn needing(rollout: &Rollout, names: &[&str], known: &Known) -> BTreeSet<String> {
    let path = |component: &KnownComponent, needed: &str| {
        if needed.contains('/') { needed.to_owned() } else { format!("{}/{needed}", component.service) }
    };
    let mut dependents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for component in known.components.iter().filter(|component| component.rollout_id.is_some()) {
        for needed in &component.depends_on {
            let own = format!("{}/{}", component.service, component.name);
            dependents.entry(path(component, needed)).or_default().push(own);
        }
    }
    let begin: BTreeSet<String> = names.iter().map(|name| format!("{}/{name}", rollout.service)).collect();
    let (mut reached, mut open) = (BTreeSet::new(), begin.iter().cloned().collect::<Vec<_>>());
    while let Some(at) = open.pop() {
        for dependent in dependents.get(&at).into_iter().flatten() {
            if !begin.contains(dependent) && reached.insert(dependent.clone()) {
                open.push(dependent.clone());
            }
        }
    }
    let own = format!("{}/", rollout.service);
    reached.into_iter().map(|name| name.strip_prefix(&own).map(str::to_owned).unwrap_or(name)).collect()
}
