//! The YAML form of the plan, before its rules are checked.

mod identity;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::raw as proto;

use super::behaviour::RawBehaviour;
use super::blocks::FlagValue;
use super::calendar::RawCalendar;
use super::concurrency::RawConcurrency;
use super::dependencies::Dependency;
use super::escalation::RawEscalation;
use super::failures::RawFailure;
use super::gradual::RawRollback;
use super::health::RawHealth;
use super::hooks::RawHooks;
use super::impact::RawImpact;
use super::learned::RawLearned;
use super::logs::RawLogs;
use super::migrations::RawMigrations;
use super::policies::RawPolicy;
use super::prediction::RawPrediction;
use super::quantity::{Proportion, Rate, Span};
use super::queries::RawQuery;
use super::quota::RawQuota;
use super::taken::ObservedCalls;
use super::triggers::RawTriggers;
use super::window::RawRollbackWindow;

pub(super) use identity::{Anonymous, Identity};

/// A rollout: what is rolled out, in which steps and within which limits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// Name of the service: letters, digits, '.', '_', '-', at most 64.
    pub(super) service: String,
    /// What it is. Default: rollout.
    #[serde(default)]
    pub(super) kind: Kind,
    /// Label of the version that carries the traffic now, at most 128 bytes. In an experiment the control arm's.
    pub(super) baseline: String,
    /// Label of the version on trial, at most 128 bytes; not the baseline's. Needed in a rollout.
    #[serde(default)]
    pub(super) canary: Option<String>,
    /// Arms of an experiment beside the control, 1 to 8. Their weights leave the control at least 5%.
    #[serde(default)]
    pub(super) arms: Option<Vec<Arm>>,
    /// What people call the control arm of an experiment, a name as an arm's. Default: baseline.
    #[serde(default)]
    pub(super) control: Option<String>,
    /// How long an experiment runs, 1s to 30d: then all users return to the baseline. Absent: until a person ends it.
    #[serde(default)]
    pub(super) duration: Option<Span>,
    /// Probability with which each interval of an experiment holds the true value at all times, 50% to 99.99%. Default: 95%.
    #[serde(default)]
    pub(super) confidence: Option<Proportion>,
    /// Host names of the service's requests, '*.example.com' for all below a domain. Absent: every host that no other
    /// service claims.
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    /// Where users and sessions are read from. Absent: every request draws its version at random.
    #[serde(default)]
    pub(super) identity: Identity,
    /// Requests that are sent to a version before the weights are asked.
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
    /// Routes of the service that are judged, and rolled back, on their own.
    #[serde(default)]
    pub(super) components: Vec<Component>,
    /// What calls between components mean that traces showed before the rollout was created. `stay`: they tell which
    /// component is likely at fault, and move nothing. `move`: the caller cannot work without what it calls, unless that would
    /// lead back. `ignore`: nothing. What `depends_on` says of two components holds. Default: stay.
    #[serde(default)]
    pub(super) observed_calls: Option<ObservedCalls>,
    /// The steps, weights rising, at most 100. Not together with `initial_weight`, `increment`, `max_weight` and `evaluation`.
    #[serde(default)]
    pub(super) steps: Option<Vec<Step>>,
    /// Weight of the first step. Default: 5%.
    #[serde(default)]
    pub(super) initial_weight: Option<Proportion>,
    /// What each step adds. Default: 10%.
    #[serde(default)]
    pub(super) increment: Option<Proportion>,
    /// Highest weight while the baseline runs beside the canary. Default: 100%.
    #[serde(default)]
    pub(super) max_weight: Option<Proportion>,
    /// Shortest time at each step. Default: 10m.
    #[serde(default)]
    pub(super) evaluation: Option<Span>,
    /// Time at the first weight before evidence speaks for promotion; rollback is armed. Default: 5m.
    #[serde(default)]
    pub(super) warm_up: Option<Span>,
    /// Time at full weight before completion. Default: 15m.
    #[serde(default)]
    pub(super) promotion: Option<Span>,
    /// Outcomes that count as failures, each once: for the comparison with the baseline, the limits and the forecast. Default:
    /// server_error, timeout, connect_failure, reset, overload. Without client_error and cancelled in it, those never
    /// roll back or hold anything.
    #[serde(default)]
    pub(super) failures: Option<Vec<RawFailure>>,
    /// Absolute limits of the canary. While one is exceeded, nothing is promoted.
    #[serde(default)]
    pub(super) limits: Limits,
    /// How much worse than the baseline the canary may be.
    #[serde(default)]
    pub(super) margins: Margins,
    /// What the canary must not become, and what is done when that is in sight.
    #[serde(default)]
    pub(super) forecast: Option<Forecast>,
    /// Logs of the service as evidence beside its requests: lines that only the canary writes, or writes more often. Absent:
    /// they are none.
    #[serde(default)]
    pub(super) logs: Option<RawLogs>,
    /// What people do on the pages of the service, as their browsers tell. Absent: it is not counted.
    #[serde(default)]
    pub(super) behaviour: Option<RawBehaviour>,
    /// What was predicted of the release, as `serin gate --plan` writes it: a likely rollback begins smaller and is looked at longer.
    #[serde(default)]
    pub(super) prediction: Option<RawPrediction>,
    /// What finished rollouts taught, as `serin learn plan` writes it. Absent: the defaults hold.
    #[serde(default)]
    pub(super) learned: Option<RawLearned>,
    /// What control charts show beside the verdicts.
    #[serde(default)]
    pub(super) charts: Option<Charts>,
    /// Highest probability that a canary within the margins is rolled back, once per rollout. 0.0001% to 20%. Default: 1%.
    #[serde(default)]
    pub(super) false_rollback: Option<Proportion>,
    /// Highest probability that a canary at the margin is promoted. 0.0001% to 20%. Default: 1%.
    #[serde(default)]
    pub(super) wrong_promotion: Option<Proportion>,
    /// From where on several regressed components, with what goes along, mean the whole version: a part of the traffic, or
    /// several limits. Default: 30%.
    #[serde(default)]
    pub(super) escalation: Option<RawEscalation>,
    /// How long what was undone may take to help: until then the component concerned is not judged again, and nothing is
    /// promoted. 1s to 10m. Default: 10s.
    #[serde(default)]
    pub(super) recovery: Option<Span>,
    /// The time after each start, step and promotion in which automatic rollback is prioritised.
    #[serde(default)]
    pub(super) rollback_window: Option<RawRollbackWindow>,
    /// Values from outside, by name, at most 64: what triggers and policies ask for. Names: letters, digits, '.', '_', '-', at
    /// most 64.
    #[serde(default)]
    pub(super) queries: BTreeMap<String, RawQuery>,
    /// Conditions that undo, hold or tell when they hold for a while. None is on unless it is named.
    #[serde(default)]
    pub(super) triggers: Option<RawTriggers>,
    /// What is asked whether it lives.
    #[serde(default)]
    pub(super) health: Option<RawHealth>,
    /// False: what would be rolled back is held and reported instead. Default: true.
    #[serde(default)]
    pub(super) automatic_rollback: Option<bool>,
    /// What a team decides beside these rules, at most 8. The strictest answer counts: `rollback` and `hold` act, `promote` ends a
    /// step of a healthy canary early, and nothing overrides a regression, a hold or missing data.
    #[serde(default)]
    pub(super) policies: Option<Vec<RawPolicy>>,
    /// Shortest time of a step that a policy's `promote` may end early. Default: 1m.
    #[serde(default)]
    pub(super) minimum_evaluation: Option<Span>,
    /// Windows of time that forbid, hold, or tighten limits.
    #[serde(default)]
    pub(super) calendar: Option<RawCalendar>,
    /// What harms mean for the business beside `business_weight`, at most 32 rules; the first that fits counts.
    #[serde(default)]
    pub(super) impact: Vec<RawImpact>,
    /// How the whole version returns to the baseline.
    #[serde(default)]
    pub(super) rollback: Option<RawRollback>,
    /// A quota that lowers or holds the weight while it is nearly used up.
    #[serde(default)]
    pub(super) quota: Option<RawQuota>,
    /// The group of rollouts in which this one takes its turn.
    #[serde(default)]
    pub(super) concurrency: Option<RawConcurrency>,
    /// What others are asked to do at named points.
    #[serde(default)]
    pub(super) hooks: Option<RawHooks>,
    /// Schema changes of the release, with their way back.
    #[serde(default)]
    pub(super) migrations: Option<RawMigrations>,
}

impl Plan {
    /// Whether the plan has a component of this name.
    pub(super) fn has_component(&self, name: &str) -> bool {
        self.components.iter().any(|component| component.name == name)
    }
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanKind")]
pub(super) enum Kind {
    /// Replaces the baseline by a canary, step by step.
    #[default]
    Rollout,
    /// Compares arms at fixed weights. None is promoted.
    Experiment,
}

/// An arm of an experiment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanArm")]
pub(super) struct Arm {
    /// Name, unique: letters, digits, '.', '_', '-', at most 64; not `baseline`. Envoy's routes ask for it in `x-serin-arm`.
    pub(super) name: String,
    /// Label of the version that it runs, at most 128 bytes. The baseline's own: an A/A test.
    pub(super) version: String,
    /// Part of the users.
    pub(super) weight: Proportion,
}

/// Sends some requests to a version, before the weights are asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanRule")]
pub(super) struct Rule {
    /// Which requests.
    pub(super) when: proto::Condition,
    /// Where to: `baseline` or an arm. Default: canary.
    #[serde(default)]
    pub(super) arm: Option<String>,
    /// Part of the matching users, sessions or requests that the rule takes. Default: 100%.
    #[serde(default)]
    pub(super) share: Option<Proportion>,
}

/// A route of the service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanComponent")]
pub(super) struct Component {
    /// Name, unique: letters, digits, '.', '_', '-', at most 64. Not `unmatched`, not `overflow`.
    pub(super) name: String,
    /// Which requests belong to it: those that any of these matches.
    pub(super) matches: Vec<proto::Match>,
    /// What a rollback of it undoes. Absent: what its routes say when the rollout is created, else medium, the component
    /// alone. `fine`: the blocks of it that are shown to be at fault; where none is, or where that did not help, the
    /// component alone.
    #[serde(default)]
    pub(super) granularity: Option<proto::Granularity>,
    /// Blocks of its code, at most 32. Only of a component of granularity `fine`.
    #[serde(default)]
    pub(super) blocks: Vec<Block>,
    /// Its share of the error budget beside the other components, above 0, at most 1000. Absent: what its routes say when
    /// the rollout is created, else 1.
    #[serde(default)]
    pub(super) business_weight: Option<f64>,
    /// Components that its new code needs, of this plan or, as `SERVICE/COMPONENT`, of another service. When one of them is
    /// returned to the baseline, so is this one, unless `on_rollback` says otherwise: `disable` switches its feature off,
    /// `stay` leaves it. No cycles but by `stay`. Absent: what its routes say when the rollout is created; `[]`: nothing.
    #[serde(default)]
    pub(super) depends_on: Option<Vec<Dependency>>,
    /// Flag that switches its feature on and off, unique in the plan like a block's name. Off is version `off`. Needed for
    /// `on_rollback: disable`.
    #[serde(default)]
    pub(super) feature: Option<String>,
    /// Who answers for it: a team, an address; 1 to 128 bytes without control characters. It is shown and decides nothing.
    /// Absent: what its routes say.
    #[serde(default)]
    pub(super) owner: Option<String>,
}

impl Component {
    pub(super) fn granularity(&self) -> proto::Granularity {
        self.granularity.unwrap_or_default()
    }
}

/// A block of code, switched by a flag.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanBlock")]
pub(super) struct Block {
    /// Name, unique in the plan: letters, digits, '.', '_', '-', at most 64. The key of its flag, and what failures name.
    pub(super) name: String,
    /// Version that the canary runs, at most 128 bytes.
    pub(super) current: String,
    /// Versions before that, newest first, 1 to 10. A rollback of the block returns to the first.
    pub(super) previous: Vec<String>,
    /// Values of the flag by version, for example `{v7: true, v6: false}`. Default: the version itself.
    #[serde(default)]
    pub(super) values: BTreeMap<String, FlagValue>,
}

/// One step.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanStep")]
pub(super) struct Step {
    /// Canary weight, above the one before. Only the last may be 100%: it is the completion.
    pub(super) weight: Proportion,
    /// Shortest time at this weight. Default: `evaluation`'s; at 100% `promotion`'s.
    #[serde(default)]
    pub(super) bake: Option<Span>,
}

/// Absolute limits of the canary, judged over the last 60 seconds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanLimits")]
pub(super) struct Limits {
    /// Lowest part of the requests that the service answers: that do not end as one of `failures`. Default: 95%.
    #[serde(default)]
    pub(super) success_rate: Option<Proportion>,
    /// Highest part of the requests that end as one of `failures`. Default: 1%.
    #[serde(default)]
    pub(super) error_rate: Option<Proportion>,
    /// Highest 99th percentile of latency, 1ms to 1h. Default: 1000ms.
    #[serde(default)]
    pub(super) latency_p99: Option<Span>,
    /// Requests within 60 seconds before the limits speak, 1 to 1000000. Default: 50.
    #[serde(default)]
    pub(super) min_requests: Option<u64>,
    /// How long a limit must be exceeded at full weight, where no baseline runs beside the canary, before the version is
    /// rolled back. Evidence without a baseline has to grow for half of it, at least for 3s. 1s to 1h. Default: 2m.
    #[serde(default)]
    pub(super) sustained: Option<Span>,
    /// Highest error rate in times the baseline's, 1 to 1000. Absent: any.
    #[serde(default)]
    pub(super) error_ratio: Option<f64>,
    /// Highest 99th percentile of latency in times the baseline's, 1 to 1000. Absent: any.
    #[serde(default)]
    pub(super) latency_ratio: Option<f64>,
    /// Lowest part of the requests that the canary's weight lets expect beside the baseline's; only where weights alone split
    /// the traffic. Absent: any.
    #[serde(default)]
    pub(super) throughput_ratio: Option<Proportion>,
    /// Fewest requests a second of the canary, as 10rps. Absent: any.
    #[serde(default)]
    pub(super) throughput_min: Option<Rate>,
}

/// How much worse than the baseline the canary may be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanMargins")]
pub(super) struct Margins {
    /// Highest ratio of the error rates, 1 to 10. Default: 1.1.
    #[serde(default)]
    pub(super) error_ratio: Option<f64>,
    /// Added to that, 0% to 10%. Default: 0.05%.
    #[serde(default)]
    pub(super) error_absolute: Option<Proportion>,
    /// Part by which latencies may be longer, 0% to 100%. Default: 10%.
    #[serde(default)]
    pub(super) latency_ratio: Option<Proportion>,
}

/// What the canary must not become beside the baseline, judged by where it is going.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanForecast")]
pub(super) struct Forecast {
    /// Part by which the median and the 90th percentile of latency may be longer, 1% to 100%. Default: 30%.
    #[serde(default)]
    pub(super) latency_ratio: Option<Proportion>,
    /// Part of the requests that may fail beyond the baseline's, 0.1% to 50%. Default: 1%.
    #[serde(default)]
    pub(super) error_absolute: Option<Proportion>,
    /// True: what will almost surely exceed them within two minutes, or will within five with evidence against it, is rolled
    /// back beforehand. `false_rollback` does not cover that. False: it is held and reported. Default: false.
    #[serde(default)]
    pub(super) rollback: Option<bool>,
}

/// What control charts show beside the verdicts. They undo and hold nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanCharts")]
pub(super) struct Charts {
    /// Run rules that are watched beside the EWMA and the CUSUM. Default: none.
    #[serde(default)]
    pub(super) rules: ChartRules,
}

/// Run rules of control charts. Each has false signals of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanChartRules")]
pub(super) enum ChartRules {
    /// None.
    #[default]
    None,
    /// The four of Western Electric.
    WesternElectric,
    /// The eight of Nelson.
    Nelson,
}
