//! What an experiment shows: totals, and how each arm differs from the control.

use serde::{Deserialize, Serialize};
use serin_analysis::interval::compare;
use serin_analysis::{ArmTotals, Comparison, Conclusion, Difference, Overdispersion};
use serin_proto::assignment::{UNMATCHED, Weight};

use super::ExperimentEvaluation;
use crate::Plan;
use crate::evaluation::config;

/// One component, or the service as a whole.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ComponentResult {
    /// Its name. `None`: the service as a whole.
    pub component: Option<String>,
    /// What the control counted in all.
    pub control: Seen,
    /// The arms, in the order of the plan.
    pub arms: Vec<ArmResult>,
}

/// One arm beside the control.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ArmResult {
    /// Name of the arm.
    pub name: String,
    /// What it counted.
    pub seen: Seen,
    /// How it differs from the control while both ran, by requests of more than some 20 seconds ago.
    pub comparison: Comparison,
}

/// Counts since the experiment began.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Seen {
    /// Requests started.
    pub requests: u64,
    /// Of these, those that failed by fault of the service.
    pub failed: u64,
    /// Median latency in µs of those that did not fail. `None`: there were none.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
}

impl ArmResult {
    /// What the intervals say, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let Comparison { error_rate, p50, p90, p99 } = self.comparison;
        let latency = [("at the median", p50), ("at p90", p90), ("at p99", p99)];
        if error_rate.is_none() && latency.iter().all(|(_, one)| one.is_none()) {
            return "nothing to compare yet".to_owned();
        }
        let rated = |better: &str, worse: &str, conclusion| match conclusion {
            Conclusion::Better => Some(better.to_owned()),
            Conclusion::Worse => Some(worse.to_owned()),
            Conclusion::Undecided => None,
        };
        let fails = error_rate.and_then(|one| rated("fails less", "fails more", one.conclusion));
        let by = |wanted: Conclusion, word: &str| {
            let is_so = |one: Option<Difference>| one.is_some_and(|one| one.conclusion == wanted);
            let places: Vec<&str> =
                latency.iter().filter(|(_, one)| is_so(*one)).map(|(place, _)| *place).collect();
            (!places.is_empty()).then(|| format!("{word} {}", places.join(" and ")))
        };
        let said = [fails, by(Conclusion::Better, "faster"), by(Conclusion::Worse, "slower")];
        let said: Vec<String> = said.into_iter().flatten().collect();
        if said.is_empty() { "no difference is shown yet".to_owned() } else { said.join(", ") }
    }
}

impl From<&ArmTotals> for Seen {
    fn from(totals: &ArmTotals) -> Self {
        Self {
            requests: totals.requests(),
            failed: totals.failed(),
            p50_us: totals.p50_us(),
            p90_us: totals.p90_us(),
            p99_us: totals.p99_us(),
        }
    }
}

/// The service first, then the components in the order of the plan, and `unmatched` if it has requests.
pub(super) fn results(evidence: &ExperimentEvaluation, plan: &Plan) -> Vec<ComponentResult> {
    let Some(experiment) = plan.experiment() else { return Vec::new() };
    let covered = f64::from(experiment.confidence().ppm()) / f64::from(Weight::FULL.ppm());
    let configured = config(plan).map_or(Overdispersion::NONE, |config| Overdispersion::from(&config));
    let one = |component: Option<&str>| {
        let arms = evidence.arms.iter().map(|arm| {
            let totals = arm.totals.settled(component).cloned().unwrap_or_default();
            let control = evidence.track.beside(arm.stretches, component);
            let varies = arm.varies.of(component).unwrap_or(configured);
            let comparison = compare(&control, &totals, 1.0 - covered, varies);
            let seen = Seen::from(&arm.totals.all(component));
            ArmResult { name: arm.name.clone(), seen, comparison }
        });
        let arms: Vec<ArmResult> = arms.collect();
        let control = Seen::from(&evidence.track.all(component));
        ComponentResult { component: component.map(str::to_owned), control, arms }
    };
    let named = plan.components().map(|component| Some(component.name));
    let all = [None].into_iter().chain(named).map(one);
    let unmatched = one(Some(UNMATCHED));
    let is_seen = unmatched.control.requests > 0 || unmatched.arms.iter().any(|arm| arm.seen.requests > 0);
    all.chain(is_seen.then_some(unmatched)).collect()
}
