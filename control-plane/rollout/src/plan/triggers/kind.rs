//! What each trigger judges, which fields it takes and what it is without them.

use std::time::Duration;

use super::{
    Ahead, Bound, Condition, Quantity, RawTrigger, RawTriggers, Trigger, TriggerAction, default_for,
    range_of_for,
};
use crate::Severity;
use crate::plan::blocks::is_name;
use crate::plan::check::{Findings, minutes};
use crate::plan::error::PlanRule;
use crate::plan::queries::Query;
use crate::plan::raw;

/// A trigger by what it judges.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Kind {
    ErrorRatio,
    LatencyRatio,
    SuccessRate,
    ThroughputRatio,
    SecurityEvents,
    DataIntegrity,
    Memory,
    CircuitBreaker,
    Custom,
}

const NAMED: [Kind; 8] = [
    Kind::ErrorRatio,
    Kind::LatencyRatio,
    Kind::SuccessRate,
    Kind::ThroughputRatio,
    Kind::SecurityEvents,
    Kind::DataIntegrity,
    Kind::Memory,
    Kind::CircuitBreaker,
];

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ErrorRatio => "error_ratio",
            Self::LatencyRatio => "latency_ratio",
            Self::SuccessRate => "success_rate",
            Self::ThroughputRatio => "throughput_ratio",
            Self::SecurityEvents => "security_events",
            Self::DataIntegrity => "data_integrity",
            Self::Memory => "memory",
            Self::CircuitBreaker => "circuit_breaker",
            Self::Custom => "custom",
        }
    }

    /// The limit without one that is given.
    const fn bound(self) -> Option<Bound> {
        match self {
            Self::ErrorRatio => Some(Bound::Above(1.5)),
            Self::LatencyRatio => Some(Bound::Above(2.0)),
            Self::SuccessRate => Some(Bound::Below(0.95)),
            Self::ThroughputRatio => Some(Bound::Below(0.5)),
            Self::SecurityEvents | Self::DataIntegrity => Some(Bound::Above(0.0)),
            Self::Memory => Some(Bound::Above(0.95)),
            Self::CircuitBreaker => Some(Bound::Above(10.0)),
            Self::Custom => None,
        }
    }

    /// Seconds for which it must hold without a time that is given.
    const fn hold_for(self, from_query: bool) -> u64 {
        match self {
            Self::ErrorRatio | Self::LatencyRatio | Self::Memory => 300,
            Self::CircuitBreaker if from_query => 0,
            Self::CircuitBreaker => 300,
            Self::SuccessRate => 180,
            Self::ThroughputRatio => 600,
            Self::SecurityEvents | Self::DataIntegrity => 0,
            Self::Custom => 60,
        }
    }

    const fn needs_query(self) -> bool {
        matches!(self, Self::SecurityEvents | Self::DataIntegrity | Self::Memory | Self::Custom)
    }

    /// Highest limit that makes sense.
    const fn highest(self) -> f64 {
        match self {
            Self::SuccessRate | Self::ThroughputRatio => 1.0,
            Self::ErrorRatio | Self::LatencyRatio => 1_000.0,
            Self::SecurityEvents
            | Self::DataIntegrity
            | Self::Memory
            | Self::CircuitBreaker
            | Self::Custom => f64::MAX,
        }
    }
}

pub(super) fn is_named(name: &str) -> bool {
    NAMED.iter().any(|kind| kind.name() == name)
}

pub(super) fn named(raw: &RawTriggers) -> impl Iterator<Item = (Kind, Option<&RawTrigger>)> {
    let given = [
        &raw.error_ratio,
        &raw.latency_ratio,
        &raw.success_rate,
        &raw.throughput_ratio,
        &raw.security_events,
        &raw.data_integrity,
        &raw.memory,
        &raw.circuit_breaker,
    ];
    NAMED.into_iter().zip(given).map(|(kind, given)| (kind, given.as_ref()))
}

/// `None`: what is missing is noted.
pub(super) fn check(
    kind: Kind,
    field: &str,
    raw: &RawTrigger,
    (plan, queries): (&raw::Plan, &[Query]),
    findings: &mut Findings,
) -> Option<Trigger> {
    let found_before = findings.len();
    refuse(kind, field, raw, findings);
    let name = name(kind, field, raw, findings)?;
    if let Some(component) = raw.component.as_ref().filter(|one| !plan.has_component(one)) {
        let rule = PlanRule::UnknownComponent { name: component.chars().take(64).collect() };
        findings.add(&format!("{field}.component"), rule);
    }
    let query = query(kind, field, raw, (plan, queries), findings)?;
    let bound = bound(kind, field, raw, findings)?;
    let condition = condition(kind, field, raw, (query, bound), findings);
    let from_query = condition.query().is_some();
    let (given, named) = match (kind, from_query) {
        (Kind::CircuitBreaker, false) => (raw.within.as_ref(), "within"),
        _ => (raw.hold_for.as_ref(), "for"),
    };
    let default = default_for(kind.hold_for(from_query));
    let hold_for = findings.duration(&format!("{field}.{named}"), given, default, range_of_for(from_query));
    let ahead = ahead(field, raw, from_query, findings);
    let min_requests = raw.min_requests.unwrap_or(50);
    let min_requests = findings.range(&format!("{field}.min_requests"), min_requests, 1, 1_000_000);
    let action = raw.action.unwrap_or_default();
    let severity = raw.severity.unwrap_or(match action {
        TriggerAction::Rollback => Severity::Critical,
        TriggerAction::Hold => Severity::Warning,
        TriggerAction::Notify => Severity::Info,
    });
    let component = raw.component.clone();
    let trigger = Trigger { name, condition, hold_for, ahead, severity, action, component, min_requests };
    (findings.len() == found_before).then_some(trigger)
}

/// How far it looks ahead, which only what reads a query can.
fn ahead(field: &str, raw: &RawTrigger, from_query: bool, findings: &mut Findings) -> Option<Ahead> {
    let refused = [
        ("ahead", raw.ahead.is_some() && !from_query),
        ("collection", raw.collection.is_some() && raw.ahead.is_none()),
    ];
    for (name, _) in refused.into_iter().filter(|(_, refused)| *refused) {
        let because = if name == "ahead" {
            "only a trigger on a query looks ahead"
        } else {
            "it says how `ahead` looks"
        };
        findings.add(&format!("{field}.{name}"), PlanRule::NotHere { because });
    }
    raw.ahead.as_ref()?;
    let (least, most, hour) = (minutes(1), minutes(360), minutes(60));
    let within = findings.duration(&format!("{field}.ahead"), raw.ahead.as_ref(), least, (least, most));
    let collection = raw.collection.as_ref();
    let collection =
        findings.duration(&format!("{field}.collection"), collection, Duration::ZERO, (Duration::ZERO, hour));
    Some(Ahead { within, collection })
}

fn name(kind: Kind, field: &str, raw: &RawTrigger, findings: &mut Findings) -> Option<String> {
    match (kind, &raw.name) {
        (Kind::Custom, Some(name)) if is_name(name) => Some(name.clone()),
        (Kind::Custom, Some(name)) => {
            let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
            let found = name.chars().take(64).collect();
            findings.add(&format!("{field}.name"), PlanRule::Form { found, expected });
            None
        }
        (Kind::Custom, None) => {
            findings.add(field, PlanRule::Missing { name: "name" });
            None
        }
        (kind, _) => Some(kind.name().to_owned()),
    }
}

/// Fields that say nothing of this trigger.
fn refuse(kind: Kind, field: &str, raw: &RawTrigger, findings: &mut Findings) {
    const ANOTHER: &str = "this trigger does not take it";
    let in_path = !kind.needs_query() && raw.query.is_none();
    let counts = kind == Kind::CircuitBreaker && raw.query.is_none();
    let refused = [
        ("name", kind != Kind::Custom && raw.name.is_some()),
        ("quantile", kind != Kind::LatencyRatio && raw.quantile.is_some()),
        ("floor", kind != Kind::ErrorRatio && raw.floor.is_some()),
        ("within", !counts && raw.within.is_some()),
        ("for", counts && raw.hold_for.is_some()),
        ("min_requests", !in_path && raw.min_requests.is_some()),
        ("query", !kind.needs_query() && kind != Kind::CircuitBreaker && raw.query.is_some()),
    ];
    for (name, _) in refused.iter().filter(|(_, refused)| *refused) {
        findings.add(&format!("{field}.{name}"), PlanRule::NotHere { because: ANOTHER });
    }
}

/// `Some(None)`: it needs none.
fn query(
    kind: Kind,
    field: &str,
    raw: &RawTrigger,
    (plan, queries): (&raw::Plan, &[Query]),
    findings: &mut Findings,
) -> Option<Option<String>> {
    match &raw.query {
        None if kind.needs_query() => {
            findings.add(field, PlanRule::Missing { name: "query" });
            None
        }
        None => Some(None),
        Some(query) => {
            if !plan.queries.contains_key(query) {
                let name = query.chars().take(64).collect();
                findings.add(&format!("{field}.query"), PlanRule::UnknownQuery { name });
                return None;
            }
            // What is wrong with the query itself is noted there.
            queries.iter().find(|one| one.name == *query).map(|one| Some(one.name.clone()))
        }
    }
}

fn bound(kind: Kind, field: &str, raw: &RawTrigger, findings: &mut Findings) -> Option<Bound> {
    let mut read = |name: &str, given: &Quantity| {
        let field = format!("{field}.{name}");
        let Some(value) = given.value() else {
            let Quantity::Text(text) = given else { return None };
            let found = text.chars().take(64).collect();
            findings.add(&field, PlanRule::Form { found, expected: "a number, or a percentage such as 95%" });
            return None;
        };
        if kind != Kind::Custom && !(value >= 0.0 && value <= kind.highest()) {
            let max =
                if kind.highest() < f64::MAX { kind.highest().to_string() } else { "any number".to_owned() };
            findings.add(&field, PlanRule::Range { min: "0".to_owned(), max });
        }
        Some(value)
    };
    let wrong_side = match (kind.bound(), &raw.above, &raw.below) {
        (Some(Bound::Above(_)), _, Some(_)) => Some("below"),
        (Some(Bound::Below(_)), Some(_), _) => Some("above"),
        _ => None,
    };
    if let Some(name) = wrong_side {
        findings
            .add(&format!("{field}.{name}"), PlanRule::NotHere { because: "this trigger does not take it" });
        return None;
    }
    match (&raw.above, &raw.below) {
        (Some(above), None) => read("above", above).map(Bound::Above),
        (None, Some(below)) => read("below", below).map(Bound::Below),
        (None, None) if kind.bound().is_some() => kind.bound(),
        _ => {
            findings.add(field, PlanRule::OneOf { names: "`above` and `below`" });
            None
        }
    }
}

fn condition(
    kind: Kind,
    field: &str,
    raw: &RawTrigger,
    (query, bound): (Option<String>, Bound),
    findings: &mut Findings,
) -> Condition {
    if let Some(query) = query {
        return Condition::Query { query, bound };
    }
    let limit = bound.limit();
    let share = |weight: serin_proto::assignment::Weight| f64::from(weight.ppm()) / 1e6;
    match kind {
        Kind::LatencyRatio => {
            let field = format!("{field}.quantile");
            let quantile = findings.weight(&field, raw.quantile.as_ref(), 990_000, (500_000, 999_000));
            Condition::LatencyRatio { quantile: share(quantile), above: limit }
        }
        Kind::SuccessRate => Condition::SuccessRate { below: limit },
        Kind::ThroughputRatio => Condition::ThroughputRatio { below: limit },
        Kind::CircuitBreaker => Condition::Overload { above: limit as u64 },
        Kind::ErrorRatio | Kind::SecurityEvents | Kind::DataIntegrity | Kind::Memory | Kind::Custom => {
            let field = format!("{field}.floor");
            let floor = findings.weight(&field, raw.floor.as_ref(), 1_000, (100, 100_000));
            Condition::ErrorRatio { above: limit, floor: share(floor) }
        }
    }
}
