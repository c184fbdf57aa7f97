//! What a plan means for the engine.

use std::collections::BTreeMap;

use serin_analysis::config::{ForecastLimits, Limits, Margins};
use serin_analysis::risk::{Impacts, SourceWeights};
use serin_analysis::streams::{Sources, Streams};
use serin_analysis::{ComponentSpec, ConfigError, EngineConfig, RawEngineConfig};
use serin_proto::assignment::{UNMATCHED, Weight};

use crate::plan::{Calendar, Impact};
use crate::{Plan, UnixMillis, plan};

/// Least time for which evidence must grow where no baseline runs beside the canary, in seconds.
const SUSTAINED_MIN_S: u64 = 3;

pub(super) fn specs(plan: &Plan, unplanned: &[String]) -> Vec<ComponentSpec> {
    let planned = plan.components().map(|component| ComponentSpec {
        name: component.name.to_owned(),
        weight: component.business_weight,
        blocks: component.blocks.iter().map(|block| block.name.clone()).collect(),
    });
    let further = unplanned.iter().map(|name| ComponentSpec::new(name.as_str()));
    planned.chain([ComponentSpec::new(UNMATCHED)]).chain(further).collect()
}

fn share(weight: Weight) -> f64 {
    f64::from(weight.ppm()) / 1e6
}

/// Margins as the engine takes them.
pub(super) fn of_engine(margins: &plan::Margins) -> Margins {
    Margins {
        error_ratio: margins.error_ratio,
        error_absolute: share(margins.error_absolute),
        latency_ratio: share(margins.latency_ratio),
    }
}

/// The sources of evidence and their parts.
fn sources(plan: &Plan) -> Sources {
    let mut weights = SourceWeights::default();
    if let Some(learned) = plan.learned() {
        weights.0.metrics = share(learned.weights.metrics);
    }
    if let Some(logs) = plan.logs() {
        weights.0.logs = share(logs.weight);
    }
    if let Some(behaviour) = plan.behaviour() {
        weights.0.behaviour = share(behaviour.weight);
    }
    let (behaviour, logs) = (plan.behaviour().is_some(), plan.logs().is_some());
    Sources::new(share(plan.false_rollback()), weights, behaviour, logs)
}

/// What is made of logs and users. `None`: nothing.
pub(super) fn streams(plan: &Plan) -> Option<Streams> {
    if plan.logs().is_none() && plan.behaviour().is_none() {
        return None;
    }
    let fall = plan.behaviour().map_or(0.0, |behaviour| share(behaviour.conversion));
    let (margins, confidences) =
        plan.learned().map(|learned| (learned.margins, learned.confidences.clone())).unwrap_or_default();
    let mut streams = Streams::new(sources(plan), RawEngineConfig::default().horizon_s)
        .with_least_conversion(1.0 - fall)
        .with_margins(margins)
        .with_confidences(confidences);
    if !plan.splits_by_weight_alone() {
        // People who are chosen for the canary are unlike others, whatever it does.
        streams.stop_profile();
    }
    Some(streams)
}

/// What harms mean for the business at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Business {
    components: BTreeMap<String, f64>,
    impact: Impact,
}

impl Business {
    /// Components mean what their weights say, relative to the one that means most.
    pub(super) fn of(plan: &Plan, specs: &[ComponentSpec]) -> Self {
        let most = specs.iter().map(|spec| spec.weight).fold(0.0, f64::max);
        let components = specs.iter().map(|spec| (spec.name.clone(), spec.weight / most));
        Self { components: components.collect(), impact: plan.impact().clone() }
    }

    pub(super) fn at(&self, calendar: &Calendar, now: UnixMillis) -> Impacts {
        Impacts::new(self.components.clone(), self.impact.at(calendar, now))
    }
}

pub(super) fn config(plan: &Plan) -> Result<EngineConfig, ConfigError> {
    let margins = of_engine(plan.margins());
    let plan_forecast = plan.forecast();
    let forecast = ForecastLimits {
        latency_ratio: share(plan_forecast.latency_ratio),
        error_absolute: share(plan_forecast.error_absolute),
        rollback: plan_forecast.rollback,
    };
    let plan_limits = plan.limits();
    let limits = Limits {
        error_rate: share(plan_limits.error_rate).min(1.0 - share(plan_limits.success_rate)),
        latency_p99_us: u64::try_from(plan_limits.latency_p99.as_micros()).unwrap_or(u64::MAX),
    };
    // Of the time for which a limit must be exceeded before the version is rolled back, the minute that is looked at takes
    // one half by default; evidence has no such minute.
    let sustained_s = (plan_limits.sustained.as_secs() / 2).max(SUSTAINED_MIN_S);
    EngineConfig::try_from(RawEngineConfig {
        // The arms of an experiment share the budget, so that it holds for all of them together.
        alpha: sources(plan).metrics_alpha() / plan.experiment().map_or(1.0, |one| one.arms().len() as f64),
        beta: share(plan.wrong_promotion()),
        margins,
        failures: *plan.failures(),
        limits: Some(limits),
        forecast,
        sustained_s,
        chart_rules: plan.chart_rules(),
        ..RawEngineConfig::default()
    })
}
