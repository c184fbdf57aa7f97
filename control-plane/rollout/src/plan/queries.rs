//! Queries: values that the control plane asks for, or is told, beside what the filters report.
//!
//! A query names what is outside by a target of the server's configuration, so a plan holds no address and no secret of it.
//! PromQL is parsed when the plan is read, after its variables are filled in ([`template`]), so that a query which cannot work
//! never reaches a rollout. Nothing here asks anything.

mod metric;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use promql_parser::parser::{self, value::ValueType};
use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::quantity::Span;
use super::raw;
pub(super) use template::Names;

/// Queries of one plan.
pub(super) const QUERIES: usize = 64;
const TEXT_BYTES: usize = 4_096;
const LABELS: usize = 16;
const LABEL_BYTES: usize = 256;

/// A value from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Name, unique in the plan.
    pub name: String,
    /// Where its value comes from.
    pub source: QuerySource,
    /// Time between two questions. Of what is told and not asked for: nothing.
    pub every: Duration,
    /// Longest time for one answer.
    pub timeout: Duration,
    /// A value older than this is none.
    pub stale_after: Duration,
    /// How long it may have no value before people are told.
    pub alert_after: Duration,
}

/// Where the value of a query comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QuerySource {
    /// An instant query of a Prometheus server.
    Prometheus {
        /// Target in the server's configuration.
        target: String,
        /// The query, with its variables filled in.
        promql: String,
    },
    /// Somebody sends it.
    Webhook,
    /// Alertmanager sends alerts: 1 while one with these labels fires, else 0.
    Alert {
        /// Labels that the alert must have, `alertname` among them.
        labels: BTreeMap<String, String>,
    },
    /// What services send by OTLP.
    Otlp(serin_series::Query),
}

/// As it is written: exactly one of `promql`, `webhook`, `alert` and `otlp`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanQuery")]
pub(super) struct RawQuery {
    /// An instant query that gives one value. Within quotes, `$service`, `$baseline`, `$canary` and `$component` stand for the
    /// plan's names.
    promql: Option<String>,
    /// Prometheus server to ask: a target of the server's configuration. Default: main.
    prometheus: Option<String>,
    /// True: the value is posted to the control plane.
    webhook: Option<bool>,
    /// An alert that Alertmanager posts to the control plane: 1 while it fires, else 0.
    alert: Option<RawAlert>,
    /// A number of a metric that services send to the control plane by OTLP.
    otlp: Option<metric::RawMetric>,
    /// What `$component` stands for.
    component: Option<String>,
    /// Time between two questions, 1s to 1h. Default: 15s.
    every: Option<Span>,
    /// Longest time for an answer, 100ms to 60s. Default: 10s.
    timeout: Option<Span>,
    /// A value older than this is none, 2s to 1d. Default: three times `every`; of `webhook` and `alert` 5m.
    stale_after: Option<Span>,
    /// How long it may have no value before people are told, 10s to 1d. Default: 5m.
    alert_after: Option<Span>,
}

/// An alert of Alertmanager.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanAlertQuery")]
struct RawAlert {
    /// Its name, the label `alertname`.
    name: String,
    /// Other labels that it must have, with variables as in `promql`, but without quotes.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The queries of a plan, by name.
pub(super) fn check(raw: &raw::Plan, findings: &mut Findings) -> Vec<Query> {
    if raw.queries.len() > QUERIES {
        findings.add("queries", PlanRule::TooLong { limit: QUERIES });
    }
    raw.queries.iter().filter_map(|(name, query)| query.check(name, raw, findings)).collect()
}

impl RawQuery {
    fn check(&self, name: &str, raw: &raw::Plan, findings: &mut Findings) -> Option<Query> {
        let field = format!("queries.{name}");
        if !super::blocks::is_name(name) {
            let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
            findings.add(&field, PlanRule::Form { found: name.chars().take(64).collect(), expected });
        }
        if let Some(component) = self.component.as_ref().filter(|one| !raw.has_component(one)) {
            let rule = PlanRule::UnknownComponent { name: component.chars().take(64).collect() };
            findings.add(&format!("{field}.component"), rule);
        }
        let source = self.source(&field, &self.names(raw), findings)?;
        let second = Duration::from_secs(1);
        let of = |name: &str| format!("{field}.{name}");
        let every = findings.duration(&of("every"), self.every.as_ref(), 15 * second, (second, minutes(60)));
        let stale = match source {
            QuerySource::Prometheus { .. } | QuerySource::Otlp(_) => every * 3,
            QuerySource::Webhook | QuerySource::Alert { .. } => minutes(5),
        };
        let day = Duration::from_hours(24);
        Some(Query {
            name: name.to_owned(),
            source,
            every,
            timeout: findings.duration(
                &of("timeout"),
                self.timeout.as_ref(),
                10 * second,
                (second / 10, minutes(1)),
            ),
            stale_after: findings.duration(
                &of("stale_after"),
                self.stale_after.as_ref(),
                stale,
                (2 * second, day),
            ),
            alert_after: findings.duration(
                &of("alert_after"),
                self.alert_after.as_ref(),
                minutes(5),
                (10 * second, day),
            ),
        })
    }

    fn names<'a>(&'a self, raw: &'a raw::Plan) -> Names<'a> {
        Names {
            service: &raw.service,
            baseline: &raw.baseline,
            canary: raw.canary.as_deref().unwrap_or_default(),
            component: self.component.as_deref(),
        }
    }

    fn source(&self, field: &str, names: &Names<'_>, findings: &mut Findings) -> Option<QuerySource> {
        let webhook = self.webhook.unwrap_or(false);
        match (&self.promql, webhook, &self.alert, &self.otlp) {
            (Some(text), false, None, None) => {
                let promql = promql(&format!("{field}.promql"), text, names, findings)?;
                let target = self.prometheus.clone().unwrap_or_else(|| "main".to_owned());
                target_name(&format!("{field}.prometheus"), &target, findings);
                Some(QuerySource::Prometheus { target, promql })
            }
            (None, true, None, None) => Some(QuerySource::Webhook),
            (None, false, None, Some(metric)) => {
                Some(QuerySource::Otlp(metric.check(&format!("{field}.otlp"), names, findings)))
            }
            (None, false, Some(alert), None) => {
                let mut labels = labels(&format!("{field}.alert.labels"), &alert.labels, names, findings);
                text(&format!("{field}.alert.name"), &alert.name, LABEL_BYTES, findings);
                labels.insert("alertname".to_owned(), alert.name.clone());
                Some(QuerySource::Alert { labels })
            }
            _ => {
                findings
                    .add(field, PlanRule::OneOf { names: "`promql`, `webhook: true`, `alert` and `otlp`" });
                None
            }
        }
    }
}

/// The query as it is asked. `None`: it is wrong, which is noted.
pub(super) fn promql(field: &str, text: &str, names: &Names<'_>, findings: &mut Findings) -> Option<String> {
    self::text(field, text, TEXT_BYTES, findings);
    let filled = template::fill(text, names);
    let parsed = filled.and_then(|filled| {
        let parsed = parser::parse(&filled).map_err(|message| shortened(&message))?;
        match parsed.value_type() {
            ValueType::Vector | ValueType::Scalar => Ok(filled),
            ValueType::Matrix => Err("gives values over time: wrap it, for example in rate(...)".to_owned()),
            ValueType::String => Err("gives a text, not a number".to_owned()),
        }
    });
    parsed.map_err(|message| findings.add(field, PlanRule::Promql { message })).ok()
}

/// The parser repeats long inputs.
fn shortened(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    if line.chars().count() > 200 {
        format!("{}…", line.chars().take(200).collect::<String>())
    } else {
        line.to_owned()
    }
}

fn labels(
    field: &str,
    raw: &BTreeMap<String, String>,
    names: &Names<'_>,
    findings: &mut Findings,
) -> BTreeMap<String, String> {
    if raw.len() > LABELS {
        findings.add(field, PlanRule::TooLong { limit: LABELS });
    }
    let filled = raw.iter().map(|(name, value)| {
        let field = format!("{field}.{name}");
        text(&field, value, LABEL_BYTES, findings);
        let filled = template::plain(value, names).unwrap_or_else(|message| {
            findings.add(&field, PlanRule::Promql { message });
            String::new()
        });
        (name.clone(), filled)
    });
    filled.collect()
}

pub(super) fn target_name(field: &str, name: &str, findings: &mut Findings) {
    if !super::blocks::is_name(name) {
        let expected = "the name of a target: letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add(field, PlanRule::Form { found: name.chars().take(64).collect(), expected });
    }
}

pub(super) fn text(field: &str, text: &str, limit: usize, findings: &mut Findings) {
    if text.is_empty() {
        findings.add(field, PlanRule::Empty);
    } else if text.len() > limit {
        findings.add(field, PlanRule::TooLong { limit });
    }
}

#[cfg(test)]
mod tests;
