//! Triggers, queries and health checks.

use serin_proto::admin::v1 as api;
use serin_rollout::outside::{HealthReading, Outside, QueryReading, TriggerReading};

use super::timestamp;

pub(super) fn outside(outside: &Outside) -> Vec<api::OutsideReading> {
    let triggers = outside.triggers.iter().map(trigger);
    triggers.chain(outside.queries.iter().map(query)).chain(outside.health.iter().map(health)).collect()
}

fn trigger(one: &TriggerReading) -> api::OutsideReading {
    api::OutsideReading {
        kind: "trigger".to_owned(),
        name: one.name.clone(),
        state: one.state.name().to_owned(),
        text: one.text.clone(),
        since: Some(timestamp(one.since)),
        component: one.component.clone().unwrap_or_default(),
        action: one.action.name().to_owned(),
        value: one.value,
        silent: one.overdue,
        ..api::OutsideReading::default()
    }
}

fn query(one: &QueryReading) -> api::OutsideReading {
    let text = match (&one.error, one.value) {
        (Some(error), _) => error.clone(),
        (None, Some(value)) => format!("its value is {value}"),
        (None, None) => "no value comes".to_owned(),
    };
    api::OutsideReading {
        kind: "query".to_owned(),
        name: one.name.clone(),
        state: if one.value.is_some() { "value" } else { "nothing" }.to_owned(),
        text,
        age_s: one.age_s,
        value: one.value,
        silent: one.silent,
        ..api::OutsideReading::default()
    }
}

fn health(one: &HealthReading) -> api::OutsideReading {
    api::OutsideReading {
        kind: "health_check".to_owned(),
        name: one.check.clone(),
        state: one.state.name().to_owned(),
        text: one.text.clone(),
        since: Some(timestamp(one.since)),
        component: one.component.clone().unwrap_or_default(),
        action: one.action.name().to_owned(),
        age_s: one.age_s,
        confidence: one.confidence,
        silent: one.silent,
        ..api::OutsideReading::default()
    }
}
