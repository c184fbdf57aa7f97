//! What was predicted of the release: a likely rollback begins smaller and is looked at longer.
//!
//! The first weight is what is risked before anything is known, and a longer bake is what finds small harms; both follow from the
//! probability alone, so the same plan always gives the same steps. No probability makes a rollout quicker, and none stops it: that is
//! the gate's.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;
use serin_proto::assignment::Weight;

use super::blocks::is_name;
use super::check::Findings;
use super::error::PlanRule;
use super::quantity::Proportion;
use super::{Step, bounds};

/// Measures of a release at most.
const MEASURES_MAX: usize = 64;
/// A first step is made no smaller than this, in parts per million.
const LEAST_PPM: u32 = 1_000;

/// As it is written. `serin gate --plan` writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanPrediction")]
pub(super) struct RawPrediction {
    /// Probability that the release will be rolled back, 0% to 100%. The first step's weight is `1 - p` of what is given, though no less
    /// than 0.1%, and each step bakes `1 + 2p` times as long.
    rollback: Proportion,
    /// The model that says so, for people: letters, digits, '.', '_', '-', at most 64.
    model: Option<String>,
    /// What the release was measured by: at most 64 numbers by name. They change nothing, and stay in the journal, so that
    /// `serin predict history` can tell a later model what this release was like.
    #[serde(default)]
    measures: BTreeMap<String, Number>,
}

/// What was predicted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleasePrediction {
    /// Probability of a rollback.
    pub rollback: Weight,
    /// The model that says so. Empty: not told.
    pub model: String,
    /// What the release was measured by, by name.
    pub measures: BTreeMap<String, Number>,
}

/// `None`: nothing was predicted.
pub(super) fn check(
    raw: Option<&RawPrediction>,
    is_experiment: bool,
    findings: &mut Findings,
) -> Option<ReleasePrediction> {
    let RawPrediction { rollback, model, measures } = raw?;
    if is_experiment {
        findings.add("prediction", PlanRule::NotHere { because: "an experiment has no steps" });
    }
    if let Some(model) = model.as_ref().filter(|model| !is_name(model)) {
        let found = model.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("prediction.model", PlanRule::Form { found, expected });
    }
    if measures.len() > MEASURES_MAX {
        findings.add("prediction.measures", PlanRule::TooLong { limit: MEASURES_MAX });
    }
    if let Some(name) = measures.keys().find(|name| !is_name(name)) {
        let found = name.chars().take(64).collect();
        let expected = "a name made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("prediction.measures", PlanRule::Form { found, expected });
    }
    let rollback = findings.weight("prediction.rollback", Some(rollback), 0, (0, 1_000_000));
    let (model, measures) = (model.clone().unwrap_or_default(), measures.clone());
    Some(ReleasePrediction { rollback, model, measures })
}

impl ReleasePrediction {
    /// The steps of a plan for such a release.
    pub(super) fn shape(&self, steps: &mut [Step]) {
        let probability = u64::from(self.rollback.ppm());
        if let Some(first) = steps.first_mut() {
            let given = first.weight.ppm();
            let smaller = u64::from(given) * (1_000_000 - probability) / 1_000_000;
            let smaller = u32::try_from(smaller).unwrap_or(given).max(LEAST_PPM.min(given));
            first.weight = Weight::from_ppm(smaller).unwrap_or(first.weight);
        }
        for step in steps {
            let bake_ms = u64::try_from(step.bake.as_millis()).unwrap_or(u64::MAX);
            let longer_ms = bake_ms.saturating_add(bake_ms.saturating_mul(2 * probability) / 1_000_000);
            step.bake = Duration::from_millis(longer_ms).min(bounds::DURATION).max(step.bake);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Plan;

    const PLAN: &str = "service: shop\nbaseline: v1\ncanary: v2\nsteps: [{weight: 10%, bake: 10m}, {weight: 50%, bake: 20m}]\n";

    fn steps(yaml: &str) -> Vec<(u32, u64)> {
        let plan = Plan::parse(&format!("{PLAN}{yaml}")).unwrap();
        plan.steps().iter().map(|step| (step.weight.ppm(), step.bake.as_secs())).collect()
    }

    #[test]
    fn a_likely_rollback_begins_smaller_and_is_looked_at_longer() {
        assert_eq!(steps(""), [(100_000, 600), (500_000, 1_200)]);
        assert_eq!(steps("prediction: {rollback: 0%}"), steps(""));
        assert_eq!(steps("prediction: {rollback: 35%, model: m-1}"), [(65_000, 1_020), (500_000, 2_040)]);
        assert_eq!(steps("prediction: {rollback: 100%}"), [(1_000, 1_800), (500_000, 3_600)]);
    }

    #[test]
    fn measures_of_the_release_are_kept_and_change_no_step() {
        let measured = "prediction: {rollback: 35%, measures: {files: 24, entropy: 3.8}}";
        assert_eq!(steps(measured), steps("prediction: {rollback: 35%}"));
        let plan = Plan::parse(&format!("{PLAN}{measured}")).unwrap();
        let kept = &plan.prediction().unwrap().measures;
        assert_eq!(kept.get("entropy").and_then(|number| number.as_f64()), Some(3.8));
        assert_eq!(kept.get("files").and_then(|number| number.as_f64()), Some(24.0));
        let many: String = (0..65).map(|number| format!("m{number}: 1, ")).collect();
        let refused = Plan::parse(&format!("{PLAN}prediction: {{rollback: 5%, measures: {{{many}}}}}"));
        assert!(refused.unwrap_err().to_string().contains("prediction.measures"));
    }

    #[test]
    fn a_first_step_below_the_least_stays() {
        let plan = "service: shop\nbaseline: v1\ncanary: v2\nsteps: [{weight: 0.05%, bake: 1m}]\nprediction: {rollback: 90%}";
        assert_eq!(Plan::parse(plan).unwrap().steps()[0].weight.ppm(), 500);
    }

    #[test]
    fn what_is_no_probability_is_refused_with_its_field() {
        for (yaml, field) in [
            ("prediction: {rollback: 120%}", "prediction.rollback"),
            ("prediction: {}", "rollback"),
            ("prediction: {rollback: 5%, model: 'a b'}", "prediction.model"),
            ("prediction: {rollback: 5%, measures: {'a b': 1}}", "prediction.measures"),
            ("prediction: {rollback: 5%, measures: {files: many}}", "files"),
            ("prediction: {rollback: 5%, measures: {files: .nan}}", "files"),
        ] {
            let errors = Plan::parse(&format!("{PLAN}{yaml}")).unwrap_err().to_string();
            assert!(errors.contains(field), "{yaml}: {errors}");
        }
    }
}
