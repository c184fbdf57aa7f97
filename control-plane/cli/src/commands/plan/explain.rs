//! A valid plan in words, and as JSON.

mod asked;
mod experiment;
mod hooks;
mod outside;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serin_analysis::Category;
use serin_analysis::chart::RuleSet;
use serin_rollout::plan::{Forecast, Limits, Margins};
use serin_rollout::{Granularity, Plan, plan};

use super::detection::Detection;
use crate::output::{Sheet, duration, percent};

/// What a plan does, with every default filled in.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    valid: bool,
    service: String,
    baseline_version: String,
    /// Empty in an experiment.
    canary_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment: Option<experiment::Shown>,
    /// Empty: every host that no other service claims.
    hosts: Vec<String>,
    components: Vec<Component>,
    #[serde(rename = "warm_up_ms", serialize_with = "milliseconds")]
    warm_up: Duration,
    first_weight_ppm: u32,
    steps: Vec<Step>,
    #[serde(rename = "promotion_ms", serialize_with = "milliseconds")]
    promotion: Duration,
    /// Time until promotion if every step goes on as soon as it may.
    #[serde(rename = "shortest_total_ms", serialize_with = "milliseconds")]
    shortest_total: Duration,
    failures: Vec<Category>,
    limits: ShownLimits,
    margins: ShownMargins,
    forecast: ShownForecast,
    chart_rules: RuleSet,
    false_rollback_ppm: u32,
    wrong_promotion_ppm: u32,
    escalation: ShownEscalation,
    #[serde(rename = "recovery_ms", serialize_with = "milliseconds")]
    recovery: Duration,
    rollback_window: ShownWindow,
    automatic_rollback: bool,
    #[serde(flatten)]
    asked: asked::Asked,
    /// Absent: the traffic was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    detection: Option<Detection>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hooks: Vec<hooks::Hook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    migrations: Option<hooks::Schema>,
    #[serde(flatten)]
    outside: outside::Shown,
    #[serde(flatten)]
    told: told::Shown,
    /// Whether users or sessions keep what they get.
    #[serde(skip)]
    has_identity: bool,
}

#[derive(Debug, Serialize)]
struct ShownWindow {
    /// 0: there is none.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    duration: Duration,
    outside: f64,
}

#[derive(Debug, Serialize)]
struct Component {
    name: String,
    granularity: Granularity,
    business_weight: f64,
    depends_on: Vec<String>,
    /// What returns to the baseline with it, since it cannot work without it.
    dependents: Vec<String>,
    /// What is switched off with it, for the same reason.
    disabled: Vec<String>,
    /// Its blocks, each with the version that a rollback returns to.
    blocks: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct ShownEscalation {
    traffic_ppm: u32,
    business_weight_ppm: u32,
    components: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Step {
    weight_ppm: u32,
    #[serde(rename = "bake_ms", serialize_with = "milliseconds")]
    bake: Duration,
}

#[derive(Debug, Serialize)]
struct ShownLimits {
    success_rate_ppm: u32,
    error_rate_ppm: u32,
    #[serde(rename = "latency_p99_ms", serialize_with = "milliseconds")]
    latency_p99: Duration,
    min_requests: u64,
    #[serde(rename = "sustained_ms", serialize_with = "milliseconds")]
    sustained: Duration,
}

#[derive(Debug, Serialize)]
struct ShownMargins {
    error_ratio: f64,
    error_absolute_ppm: u32,
    latency_ratio_ppm: u32,
}

#[derive(Debug, Serialize)]
struct ShownForecast {
    latency_ratio_ppm: u32,
    error_absolute_ppm: u32,
    rollback: bool,
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl From<&Limits> for ShownLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            success_rate_ppm: limits.success_rate.ppm(),
            error_rate_ppm: limits.error_rate.ppm(),
            latency_p99: limits.latency_p99,
            min_requests: limits.min_requests,
            sustained: limits.sustained,
        }
    }
}

impl From<&Margins> for ShownMargins {
    fn from(margins: &Margins) -> Self {
        Self {
            error_ratio: margins.error_ratio,
            error_absolute_ppm: margins.error_absolute.ppm(),
            latency_ratio_ppm: margins.latency_ratio.ppm(),
        }
    }
}

impl From<&Forecast> for ShownForecast {
    fn from(forecast: &Forecast) -> Self {
        Self {
            latency_ratio_ppm: forecast.latency_ratio.ppm(),
            error_absolute_ppm: forecast.error_absolute.ppm(),
            rollback: forecast.rollback,
        }
    }
}

impl Explained {
    pub(super) fn of(plan: &Plan, detection: Option<Detection>) -> Self {
        let steps: Vec<Step> =
            plan.steps().iter().map(|step| Step { weight_ppm: step.weight.ppm(), bake: step.bake }).collect();
        let baked: Duration = steps.iter().map(|step| step.bake).sum();
        let components = plan.components().map(|component| {
            let name = component.name.to_owned();
            let mut undone = plan.undone_with(&BTreeSet::from([name.clone()]));
            undone.moved.remove(&name);
            let fallback = |block: &plan::Block| (block.name.clone(), block.fallback().to_owned());
            Component {
                granularity: component.granularity,
                business_weight: component.business_weight,
                depends_on: plan.depends_on(&name).map(|(needed, _)| needed.to_owned()).collect(),
                dependents: undone.moved.into_iter().collect(),
                disabled: undone.disabled.into_iter().collect(),
                blocks: component.blocks.iter().map(fallback).collect(),
                name,
            }
        });
        Self {
            valid: true,
            service: plan.service().to_owned(),
            baseline_version: plan.baseline().to_owned(),
            canary_version: plan.canary().to_owned(),
            experiment: plan.experiment().map(experiment::Shown::of),
            hosts: plan.hosts().to_vec(),
            components: components.collect(),
            warm_up: plan.warm_up(),
            first_weight_ppm: plan.first_weight().ppm(),
            steps,
            promotion: plan.promotion(),
            shortest_total: plan.warm_up() + baked + plan.promotion(),
            failures: plan.failures().categories().collect(),
            limits: plan.limits().into(),
            margins: plan.margins().into(),
            forecast: plan.forecast().into(),
            chart_rules: plan.chart_rules(),
            false_rollback_ppm: plan.false_rollback().ppm(),
            wrong_promotion_ppm: plan.wrong_promotion().ppm(),
            escalation: ShownEscalation {
                traffic_ppm: plan.escalation().traffic.ppm(),
                business_weight_ppm: plan.escalation().business_weight.ppm(),
                components: plan.escalation().components,
            },
            recovery: plan.recovery(),
            rollback_window: ShownWindow {
                duration: plan.rollback_window().duration,
                outside: plan.rollback_window().outside,
            },
            automatic_rollback: plan.automatic_rollback(),
            asked: asked::Asked::of(plan),
            detection,
            hooks: hooks::hooks(plan),
            migrations: plan.migrations().map(hooks::Schema::of),
            outside: outside::Shown::of(plan),
            told: told::Shown::of(plan),
            has_identity: plan.has_identity(),
        }
    }

    pub(super) fn sheet(&self, file: &str) -> Sheet {
        if let Some(experiment) = &self.experiment {
            return experiment.sheet(file, self);
        }
        let mut sheet = Sheet::default();
        sheet.line(&format!(
            "{file} is a valid plan: {} goes from {} to {}.",
            self.service, self.baseline_version, self.canary_version
        ));
        sheet.line(&self.takes());
        self.steps(&mut sheet);
        self.judgement(&mut sheet);
        self.told.sheet(&mut sheet);
        self.asked.sheet(&mut sheet);
        self.components(&mut sheet);
        if let Some(detection) = &self.detection {
            detection.sheet(&mut sheet);
        }
        hooks::sheet(&self.hooks, &mut sheet);
        if let Some(migrations) = &self.migrations {
            migrations.sheet(&mut sheet);
        }
        self.outside.lines(&mut sheet);
        sheet
    }

    fn takes(&self) -> String {
        match self.hosts.as_slice() {
            [] => "It takes the requests of every host that no other service claims.".to_owned(),
            hosts => format!("It takes the requests of {}.", hosts.join(", ")),
        }
    }

    fn steps(&self, sheet: &mut Sheet) {
        sheet.blank();
        sheet.line("Steps");
        let first = percent(self.first_weight_ppm);
        if !self.warm_up.is_zero() {
            let warm_up = duration(self.warm_up);
            sheet.line(&format!(
                "  warm-up  {first} for {warm_up}; a rollback is possible, a step forward is not"
            ));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let (weight, bake) = (percent(step.weight_ppm), duration(step.bake));
            sheet.line(&format!("  step {:<3} {weight} for at least {bake}", index + 1));
        }
        let promotion = duration(self.promotion);
        sheet.line(&format!(
            "  full     100% for at least {promotion}, within the limits; then it is promoted"
        ));
        sheet.line(&format!("  total    at least {}", duration(self.shortest_total)));
        sheet.line(
            "A step ends when its time is over and the canary is shown to be healthy. Missing data holds.",
        );
    }

    fn judgement(&self, sheet: &mut Sheet) {
        let Self { limits, margins, .. } = self;
        sheet.blank();
        sheet.line("Beside the baseline, the canary is healthy while");
        sheet.line(&format!(
            "  its error rate is at most {} times the baseline's plus {}",
            margins.error_ratio,
            percent(margins.error_absolute_ppm)
        ));
        let failures: Vec<&str> = self.failures.iter().map(|failure| failure.name()).collect();
        sheet.line(&format!("  (errors are {})", failures.join(", ")));
        sheet.line(&format!("  its latencies are at most {} longer", percent(margins.latency_ratio_ppm)));
        sheet.line(&format!(
            "  (a healthy canary is rolled back with probability at most {}, one at the margin promoted with {})",
            percent(self.false_rollback_ppm),
            percent(self.wrong_promotion_ppm)
        ));
        sheet.blank();
        sheet.line(&format!("Limits of the canary, over 60s with at least {} requests", limits.min_requests));
        sheet.line(&format!(
            "  success rate at least {}, error rate at most {}, 99th percentile of latency at most {}",
            percent(limits.success_rate_ppm),
            percent(limits.error_rate_ppm),
            duration(limits.latency_p99)
        ));
        self.asked.limits(sheet);
        sheet.line("  While one is exceeded, nothing goes forward.");
        sheet.blank();
        let ShownForecast { latency_ratio_ppm, error_absolute_ppm, rollback } = self.forecast;
        sheet.line("Forecast, five minutes ahead");
        sheet.line(&format!(
            "  a canary that will be {} slower than the baseline, or fail {} more of its requests, is {}",
            percent(latency_ratio_ppm),
            percent(error_absolute_ppm),
            if rollback { "rolled back if that is nearly sure, else held" } else { "held" }
        ));
        sheet.blank();
        let rules = match self.chart_rules {
            RuleSet::None => "no run rules",
            RuleSet::WesternElectric => "Western Electric's run rules",
            RuleSet::Nelson => "Nelson's run rules",
        };
        sheet.line(&format!("Control charts of both arms: EWMA, CUSUM and {rules}; shown only"));
        sheet.blank();
        self.rollback(sheet);
    }

    fn rollback(&self, sheet: &mut Sheet) {
        if !self.automatic_rollback {
            sheet.line("Automatic rollback is off: a worse canary is held and reported.");
            return;
        }
        sheet.line("Automatic rollback");
        sheet.line("  of a component, when it is shown to be worse; of the version, when the version is,");
        let ShownEscalation { traffic_ppm, business_weight_ppm, components } = self.escalation;
        let mut beyond = vec![format!("carry more than {} of the traffic", percent(traffic_ppm))];
        if business_weight_ppm < 1_000_000 {
            beyond.push(format!("more than {} of the business weight", percent(business_weight_ppm)));
        }
        beyond.extend(components.map(|most| format!("are more than {most}")));
        sheet.line(&format!("  when several worse components {},", beyond.join(" or ")));
        let sustained = duration(self.limits.sustained);
        sheet.line(&format!("  or when a limit is exceeded for {sustained} at full weight"));
        self.window(sheet);
        self.asked.stages(sheet);
    }

    fn window(&self, sheet: &mut Sheet) {
        let ShownWindow { duration: lasts, outside } = self.rollback_window;
        if lasts.is_zero() {
            sheet.line("  at all times alike; after the promotion nothing is judged");
            return;
        }
        let lasts = duration(lasts);
        sheet.line(&format!(
            "  quickest for {lasts} after each start, step, promotion and weight set by hand; later at {outside} times the"
        ));
        sheet.line(&format!(
            "  odds, and {outside} times as long beyond a limit. For {lasts} after the promotion it is watched, and returns by itself"
        ));
    }

    fn components(&self, sheet: &mut Sheet) {
        sheet.blank();
        if self.components.is_empty() {
            sheet.line("No components: the service is judged, and rolled back, as a whole.");
            return;
        }
        sheet.line("Components");
        let rows = self.components.iter().map(|component| {
            [component.name.clone(), component.undoes(), component.business_weight.to_string()]
        });
        sheet.table(["NAME", "A ROLLBACK UNDOES", "BUSINESS WEIGHT"], rows);
    }
}

impl Component {
    fn undoes(&self) -> String {
        if self.granularity == Granularity::Coarse {
            return "the whole version".to_owned();
        }
        let also = self.dependents.iter().map(|name| format!(" and {name}"));
        let off = self.disabled.iter().map(|name| format!(", and switches {name} off"));
        let component = format!("this component{}", also.chain(off).collect::<String>());
        if self.blocks.is_empty() {
            return component;
        }
        let blocks: Vec<_> =
            self.blocks.iter().map(|(name, version)| format!("{name} to {version}")).collect();
        format!("the block at fault ({}), else {component}", blocks.join(", "))
    }
}
