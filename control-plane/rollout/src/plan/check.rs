//! From the YAML form to the checked plan.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serin_analysis::chart::RuleSet;
use serin_proto::assignment::{self, Weight, raw as proto};

use super::dependencies::Dependencies;
use super::error::{PlanError, PlanErrors, PlanRule};
use super::quantity::{DURATION, PERCENTAGE, Proportion, RATE, Rate, Span};
use super::{
    Experiment, Forecast, Limits, Margins, Plan, assignment::template, behaviour, beside, blocks, bounds,
    calendar, concurrency, escalation, experiment, failures, gradual, health, hooks, impact, learned, logs,
    migrations, policies, prediction, queries, quota, raw, schedule, tags, triggers, window,
};
use crate::text::{Percent, Time};
use crate::yaml::{self, Misshapen, Places};

pub(super) fn parse(yaml: &str) -> Result<Plan, PlanErrors> {
    read_alone(yaml, |raw, findings| checked(yaml, raw, findings))
}

/// Reads a document that holds a part of a plan.
pub(super) fn read_alone<R: DeserializeOwned, T>(
    yaml: &str,
    check: impl FnOnce(R, &mut Findings) -> T,
) -> Result<T, PlanErrors> {
    if yaml.len() > bounds::YAML_BYTES {
        let rule = PlanRule::TooLong { limit: bounds::YAML_BYTES };
        return Err(PlanErrors(vec![PlanError { field: String::new(), rule, line: 0, column: 0 }]));
    }
    let raw = shape(yaml)?;
    let mut findings = Findings { places: Places::of(yaml), errors: Vec::new() };
    let found = check(raw, &mut findings);
    findings.finish(found)
}

/// What was found wrong so far.
pub(super) struct Findings {
    places: Places,
    errors: Vec<PlanError>,
}

impl Findings {
    pub(super) fn add(&mut self, field: &str, rule: PlanRule) {
        let (line, column) = self.places.find(field);
        self.errors.push(PlanError { field: field.to_owned(), rule, line, column });
    }

    pub(super) fn len(&self) -> usize {
        self.errors.len()
    }

    /// `value`, after noting whether it is outside its range.
    pub(super) fn range<T: PartialOrd + ToString>(&mut self, field: &str, value: T, min: T, max: T) -> T {
        if !(value >= min && value <= max) {
            self.add(field, PlanRule::Range { min: min.to_string(), max: max.to_string() });
        }
        value
    }

    /// The value that is given, else the default.
    pub(super) fn weight(
        &mut self,
        field: &str,
        given: Option<&Proportion>,
        default_ppm: u32,
        range_ppm: (u32, u32),
    ) -> Weight {
        let default = weight(default_ppm);
        let Some(given) = given else { return default };
        let Some(value) = given.value() else {
            let found = match given {
                Proportion::Text(text) => text.chars().take(64).collect(),
                Proportion::Ppm(ppm) => format!("{ppm} ppm"),
            };
            self.add(field, PlanRule::Form { found, expected: PERCENTAGE });
            return default;
        };
        let (min, max) = (weight(range_ppm.0), weight(range_ppm.1));
        if value < min || value > max {
            let rule = PlanRule::Range { min: Percent(min).to_string(), max: Percent(max).to_string() };
            self.add(field, rule);
        }
        value
    }

    /// The value that is given, else the default.
    pub(super) fn duration(
        &mut self,
        field: &str,
        given: Option<&Span>,
        default: Duration,
        range: (Duration, Duration),
    ) -> Duration {
        let Some(given) = given else { return default };
        let Some(value) = given.value() else {
            let found = given.0.chars().take(64).collect();
            self.add(field, PlanRule::Form { found, expected: DURATION });
            return default;
        };
        if value < range.0 || value > range.1 {
            let rule = PlanRule::Range { min: Time(range.0).to_string(), max: Time(range.1).to_string() };
            self.add(field, rule);
        }
        value
    }

    /// Requests in a thousand seconds.
    pub(super) fn rate(&mut self, field: &str, given: &Rate) -> u64 {
        given.value().unwrap_or_else(|| {
            let found = given.0.chars().take(64).collect();
            self.add(field, PlanRule::Form { found, expected: RATE });
            1
        })
    }

    fn finish<T>(mut self, found: T) -> Result<T, PlanErrors> {
        if self.errors.is_empty() {
            return Ok(found);
        }
        self.errors.sort_by_key(|error| (error.line, error.column));
        Err(PlanErrors(self.errors))
    }
}

fn shape<R: DeserializeOwned>(yaml: &str) -> Result<R, PlanErrors> {
    yaml::read(yaml).map_err(|Misshapen { field, message, place: (line, column) }| {
        PlanErrors(vec![PlanError { field, rule: PlanRule::Syntax { message }, line, column }])
    })
}

#[expect(clippy::too_many_lines, reason = "a line for each field")]
fn checked(yaml: &str, raw: raw::Plan, findings: &mut Findings) -> Plan {
    version("baseline", &raw.baseline, findings);
    let experiment = experiment::check(&raw, findings);
    let canary = canary(&raw, findings);
    let mut schedule = schedule::check(&raw, experiment.as_ref(), findings);
    let prediction = prediction::check(raw.prediction.as_ref(), experiment.is_some(), findings);
    if let Some(prediction) = &prediction {
        prediction.shape(&mut schedule.steps);
    }
    let range = (Duration::ZERO, bounds::DURATION);
    let warm_up = findings.duration("warm_up", raw.warm_up.as_ref(), minutes(5), range);
    if experiment.as_ref().and_then(Experiment::duration).is_some_and(|duration| duration <= warm_up) {
        findings.add("duration", PlanRule::WithinWarmUp { warm_up: Time(warm_up).to_string() });
    }
    let probability = |field, given: &Option<Proportion>, findings: &mut Findings| {
        findings.weight(field, given.as_ref(), 10_000, (1, 200_000))
    };
    let calendar = calendar::check(raw.calendar.as_ref(), findings);
    let dependencies = Dependencies::check(&raw.components, findings);
    let learned = learned::check(raw.learned.as_ref(), findings);
    let queries = queries::check(&raw, findings);
    let triggers = triggers::check(&raw, &queries, findings);
    let health = health::check(&raw, findings);
    let business_weights = raw.components.iter().enumerate().map(|(index, component)| {
        let field = format!("components[{index}].business_weight");
        let value = component.business_weight.unwrap_or(1.0);
        findings.range(&field, value, 0.001, 1_000.0)
    });
    Plan {
        source: yaml.to_owned(),
        business_weights: business_weights.collect(),
        said: tags::check(&raw.components, findings),
        owners: raw.components.iter().map(|component| component.owner.clone()).collect(),
        blocks: blocks::check(&raw.components, findings),
        needed_services: dependencies.services(),
        dependencies,
        observed_calls: raw.observed_calls.unwrap_or_default(),
        taken: Vec::new(),
        steps: schedule.steps,
        warm_up,
        promotion: schedule.promotion,
        failures: failures::check(raw.failures.as_deref(), findings),
        limits: limits(&raw.limits, findings),
        margins: margins(&raw.margins, findings),
        forecast: forecast(raw.forecast.as_ref(), findings),
        logs: logs::check(raw.logs.as_ref(), learned.as_ref(), findings),
        behaviour: behaviour::check(&raw, learned.as_ref(), findings),
        learned,
        prediction,
        chart_rules: chart_rules(raw.charts.as_ref().map(|charts| charts.rules).unwrap_or_default()),
        false_rollback: probability("false_rollback", &raw.false_rollback, findings),
        wrong_promotion: probability("wrong_promotion", &raw.wrong_promotion, findings),
        escalation: escalation::check(raw.escalation.as_ref(), findings),
        features: raw.components.iter().map(|component| component.feature.clone()).collect(),
        recovery: findings.duration(
            "recovery",
            raw.recovery.as_ref(),
            Duration::from_secs(10),
            (Duration::from_secs(1), minutes(10)),
        ),
        rollback_window: window::check(&raw, findings),
        beside: beside::check(&raw.limits, findings),
        policies: policies::check(raw.policies.as_deref(), findings),
        minimum_evaluation: findings.duration(
            "minimum_evaluation",
            raw.minimum_evaluation.as_ref(),
            minutes(1),
            (Duration::ZERO, bounds::DURATION),
        ),
        impact: impact::check(&raw, experiment.is_some(), &calendar, findings),
        calendar,
        gradual: gradual::check(raw.rollback.as_ref(), findings),
        quota: quota::check(raw.quota.as_ref(), &queries, findings),
        concurrency: concurrency::check(raw.concurrency.as_ref(), findings),
        queries,
        triggers,
        health,
        automatic_rollback: raw.automatic_rollback.unwrap_or(true),
        hooks: hooks::check(raw.hooks.as_ref(), findings),
        migrations: migrations::check(raw.migrations.as_ref(), findings),
        service: raw.service.clone(),
        baseline: raw.baseline.clone(),
        canary,
        experiment,
        template: template(raw, findings),
    }
}

/// The version on trial. Empty in an experiment.
fn canary(raw: &raw::Plan, findings: &mut Findings) -> String {
    match &raw.canary {
        Some(canary) => {
            version("canary", canary, findings);
            if raw.baseline == *canary {
                findings.add("canary", PlanRule::SameVersion);
            }
        }
        None if raw.kind == raw::Kind::Rollout => {
            findings.add("canary", PlanRule::Missing { name: "canary" });
        }
        None => {}
    }
    raw.canary.clone().unwrap_or_default()
}

pub(super) fn version(field: &str, label: &str, findings: &mut Findings) {
    let visible = label.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if label.is_empty() {
        findings.add(field, PlanRule::Empty);
    } else if label.len() > bounds::VERSION_BYTES {
        findings.add(field, PlanRule::TooLong { limit: bounds::VERSION_BYTES });
    } else if !visible {
        let found = label.chars().take(64).collect();
        findings.add(field, PlanRule::Form { found, expected: "visible ASCII without spaces" });
    }
}

fn limits(raw: &raw::Limits, findings: &mut Findings) -> Limits {
    let hour = Duration::from_hours(1);
    let success_rate =
        findings.weight("limits.success_rate", raw.success_rate.as_ref(), 950_000, (0, 1_000_000));
    let error_rate = findings.weight("limits.error_rate", raw.error_rate.as_ref(), 10_000, (0, 1_000_000));
    let latency_p99 = findings.duration(
        "limits.latency_p99",
        raw.latency_p99.as_ref(),
        Duration::from_secs(1),
        (Duration::from_millis(1), hour),
    );
    let min_requests = findings.range("limits.min_requests", raw.min_requests.unwrap_or(50), 1, 1_000_000);
    let sustained = findings.duration(
        "limits.sustained",
        raw.sustained.as_ref(),
        minutes(2),
        (Duration::from_secs(1), hour),
    );
    Limits { success_rate, error_rate, latency_p99, min_requests, sustained }
}

fn margins(raw: &raw::Margins, findings: &mut Findings) -> Margins {
    let error_ratio = findings.range("margins.error_ratio", raw.error_ratio.unwrap_or(1.1), 1.0, 10.0);
    let error_absolute =
        findings.weight("margins.error_absolute", raw.error_absolute.as_ref(), 500, (0, 100_000));
    let latency_ratio =
        findings.weight("margins.latency_ratio", raw.latency_ratio.as_ref(), 100_000, (0, 1_000_000));
    Margins { error_ratio, error_absolute, latency_ratio }
}

fn forecast(raw: Option<&raw::Forecast>, findings: &mut Findings) -> Forecast {
    let (latency, errors) =
        raw.map(|raw| (raw.latency_ratio.as_ref(), raw.error_absolute.as_ref())).unwrap_or_default();
    let latency_ratio = findings.weight("forecast.latency_ratio", latency, 300_000, (10_000, 1_000_000));
    let error_absolute = findings.weight("forecast.error_absolute", errors, 10_000, (1_000, 500_000));
    let rollback = raw.and_then(|raw| raw.rollback).unwrap_or(false);
    Forecast { latency_ratio, error_absolute, rollback }
}

const fn chart_rules(raw: raw::ChartRules) -> RuleSet {
    match raw {
        raw::ChartRules::None => RuleSet::None,
        raw::ChartRules::WesternElectric => RuleSet::WesternElectric,
        raw::ChartRules::Nelson => RuleSet::Nelson,
    }
}

/// For constants of this module, which are all below the whole.
fn weight(ppm: u32) -> Weight {
    Weight::from_ppm(ppm).unwrap_or(Weight::FULL)
}

pub(super) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Notes what the filters would refuse.
pub(super) fn accept(service: proto::Service, findings: &mut Findings, name: impl Fn(&str) -> String) {
    if let Err(error) = assignment::Service::try_from(service) {
        findings.add(&name(&error.field), PlanRule::Assignment(error.rule));
    }
}
