//! Triggers, queries and health checks of a plan, in words.

use serde::Serialize;
use serin_rollout::Plan;
use serin_rollout::plan::{Bound, Check, Condition, Probe, Query, QuerySource, Trigger, TriggerAction};

use crate::output::{Sheet, duration};

/// What a plan asks for beside the comparison.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    triggers: Vec<Named>,
    queries: Vec<Named>,
    health_checks: Vec<Named>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Named {
    name: String,
    text: String,
}

impl Shown {
    pub(super) fn of(plan: &Plan) -> Self {
        let health = plan.health();
        let every = duration(health.interval);
        let checks = health.checks.iter().map(|check| Named {
            name: check.name.clone(),
            text: format!(
                "{}, every {every}; {} failures in a row {}",
                asked(check),
                health.unhealthy_after,
                does(check.action, check.component.as_deref())
            ),
        });
        Self {
            triggers: plan.triggers().iter().map(trigger).collect(),
            queries: plan.queries().iter().map(query).collect(),
            health_checks: checks.collect(),
        }
    }

    pub(super) fn lines(&self, sheet: &mut Sheet) {
        for (title, all) in [
            ("Triggers (without data they hold)", &self.triggers),
            ("Queries", &self.queries),
            ("Health checks", &self.health_checks),
        ] {
            if all.is_empty() {
                continue;
            }
            sheet.blank();
            sheet.line(title);
            for Named { name, text } in all {
                sheet.line(&format!("  {name}: {text}"));
            }
        }
    }
}

fn does(action: TriggerAction, component: Option<&str>) -> String {
    match (action, component) {
        (TriggerAction::Rollback, None) => "undo the version".to_owned(),
        (TriggerAction::Rollback, Some(component)) => format!("undo {component}"),
        (TriggerAction::Hold, _) => "hold".to_owned(),
        (TriggerAction::Notify, _) => "tell".to_owned(),
    }
}

fn trigger(trigger: &Trigger) -> Named {
    let lasting = duration(trigger.hold_for);
    let condition = match &trigger.condition {
        Condition::ErrorRatio { above, floor } => {
            format!("an error rate above {above} times the baseline's, which counts as {floor} at the least")
        }
        Condition::LatencyRatio { quantile, above } => {
            format!("a {} % quantile of latency above {above} times the baseline's", quantile * 100.0)
        }
        Condition::SuccessRate { below } => format!("a success rate below {below}"),
        Condition::ThroughputRatio { below } => {
            format!("fewer than {below} of the requests that its weight lets expect")
        }
        Condition::Overload { above } => format!("more than {above} requests refused for load"),
        Condition::Query { query, bound: Bound::Above(limit) } => format!("query {query} above {limit}"),
        Condition::Query { query, bound: Bound::Below(limit) } => format!("query {query} below {limit}"),
    };
    let counts = matches!(trigger.condition, Condition::Overload { .. });
    let time = format!("{} {lasting}", if counts { "within" } else { "for" });
    let does = does(trigger.action, trigger.component.as_deref());
    let verb = does.replacen("undo ", "undoes ", 1).replacen("hold", "holds", 1).replacen("tell", "tells", 1);
    let ahead = trigger.ahead.map(|ahead| format!(", or in sight within {},", duration(ahead.within)));
    let text = format!("{condition} {time}{} {verb}", ahead.unwrap_or_default());
    Named { name: trigger.name.clone(), text }
}

fn query(query: &Query) -> Named {
    let source = match &query.source {
        QuerySource::Prometheus { target, promql } => {
            format!("asks Prometheus {target} every {}: {promql}", duration(query.every))
        }
        QuerySource::Otlp(asked) => {
            let wanted: Vec<String> =
                asked.matching.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!(
                "reads {} of {}{} over {} every {}",
                asked.read.name(),
                asked.metric,
                wanted.concat(),
                duration(asked.over),
                duration(query.every)
            )
        }
        QuerySource::Webhook => "waits for values that are posted".to_owned(),
        QuerySource::Alert { labels } => {
            let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("waits for alerts with {}", labels.join(", "))
        }
    };
    let (stale, alert) = (duration(query.stale_after), duration(query.alert_after));
    let text = format!("{source}; a value is none after {stale}, and silence is told after {alert}");
    Named { name: query.name.clone(), text }
}

fn asked(check: &Check) -> String {
    let of = |probe: &Probe| match probe {
        Probe::Http(probe) => probe.url.clone(),
        Probe::Grpc(probe) => format!("gRPC health of {}", probe.address),
        Probe::Tcp(probe) => format!("a connection to {}", probe.address),
        Probe::Postgres(probe) => format!("a query of database {}", probe.database),
        Probe::Kafka(probe) => format!("topic {} of Kafka {}", probe.topic, probe.cluster),
        Probe::Prometheus(probe) => format!("a query of Prometheus {}", probe.target),
    };
    match &check.baseline {
        Some(baseline) => format!("{}, beside {} of the baseline", of(&check.canary), of(baseline)),
        None => of(&check.canary),
    }
}
