//! `serin predict history`: finished rollouts of a server, as `predict train` reads them.
//!
//! A row holds what was known before the rollout alone: when it began, how the service fared before, and the measures that `serin gate`
//! wrote into its plan. What was counted while it ran is left out: it is kept for the last minutes, which a rollout that was undone
//! early and one that was promoted differ in, so a model would learn how rollouts end and not why.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use serde_json::Number;
use serin_learning::outcome::{Decided, Truth};

use crate::client::Client;
use crate::commands::finished::{self, Finished};
use crate::failure::Failure;
use crate::output::Output;

/// Deployments of a service before, of which the rollbacks are counted.
const RECENT: usize = 10;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;

pub(super) async fn run(
    client: &Client,
    service: Option<String>,
    within: Range<u64>,
    out: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let mut deployments = Vec::new();
    for decisions in finished::decided(client, service.unwrap_or_default()).await? {
        let Some(finished) = Finished::of(&decisions, finished::now()) else { continue };
        let evidence = finished.evidence(client).await?;
        let plan = evidence.plan()?;
        let prediction = plan.as_ref().and_then(|plan| plan.prediction());
        deployments.push(Deployment {
            rollout: finished.decision.rollout_id.clone(),
            service: finished.decision.service.clone(),
            at: evidence.began()?.unwrap_or(finished.at),
            ended_at: finished.at,
            rolled_back: rolled_back(&finished),
            measures: prediction.map(|prediction| prediction.measures.clone()).unwrap_or_default(),
        });
    }
    let lines = lines(deployments, &within)?;
    finished::tell(&lines, lines.lines().count(), out, output)
}

/// A false alarm was no rollback that the release was to blame for. `None`: nobody knows yet.
fn rolled_back(finished: &Finished<'_>) -> Option<bool> {
    match (finished.label.as_ref().map(|label| label.truth), finished.decided) {
        (Some(truth), _) => Some(truth == Truth::Harmful),
        (None, Decided::RolledBack) => Some(true),
        (None, Decided::Promoted) => None,
    }
}

/// One finished rollout.
#[derive(Clone, Debug)]
struct Deployment {
    rollout: String,
    service: String,
    /// When it began, seconds since the Unix epoch.
    at: u64,
    ended_at: u64,
    rolled_back: Option<bool>,
    measures: BTreeMap<String, Number>,
}

/// A row of the history.
#[derive(Debug, Serialize)]
struct Row<'d> {
    rollout: &'d str,
    at: u64,
    service: &'d str,
    rolled_back: Option<bool>,
    #[serde(flatten)]
    measures: BTreeMap<String, Number>,
}

/// A row a line, in the order of time, for those that began `within`. Earlier ones tell how the service fared before.
fn lines(mut deployments: Vec<Deployment>, within: &Range<u64>) -> Result<String, Failure> {
    deployments.sort_by(|one, other| (one.at, &one.rollout).cmp(&(other.at, &other.rollout)));
    let mut lines = String::new();
    let told = deployments.iter().enumerate().filter(|(_, deployment)| within.contains(&deployment.at));
    for (position, deployment) in told {
        let before = deployments.get(..position).unwrap_or_default();
        let mut measures = derived(deployment, before);
        // What the pipeline measured by itself goes first.
        measures.extend(deployment.measures.clone());
        for role in ["rollout", "at", "service", "rolled_back"] {
            measures.remove(role);
        }
        let Deployment { rollout, service, at, rolled_back, .. } = deployment;
        let row = Row { rollout, at: *at, service, rolled_back: *rolled_back, measures };
        let line = serde_json::to_string(&row).map_err(|error| Failure::usage(error.to_string()))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    Ok(lines)
}

/// What the time and the service's earlier deployments tell. Times of day are those of UTC.
fn derived(deployment: &Deployment, before: &[Deployment]) -> BTreeMap<String, Number> {
    let Deployment { service, at, .. } = deployment;
    let earlier: Vec<&Deployment> =
        before.iter().filter(|other| other.service == *service && other.ended_at <= *at).collect();
    let recent = earlier.iter().rev().take(RECENT);
    let undone = recent.filter(|other| other.rolled_back == Some(true)).count();
    let mut measures = BTreeMap::from([
        ("hour".to_owned(), Number::from(at % DAY_S / HOUR_S)),
        // 1970-01-01 was a Thursday.
        ("weekday".to_owned(), Number::from((at / DAY_S + 3) % 7 + 1)),
        ("recent_rollbacks".to_owned(), Number::from(undone)),
    ]);
    if let Some(last) = earlier.last() {
        let hours = at.saturating_sub(last.at) as f64 / HOUR_S as f64;
        measures.extend(Number::from_f64(hours).map(|hours| ("hours_since_deploy".to_owned(), hours)));
    }
    measures
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use serin_predictor::table::{Format, Layout, Table};

    use super::*;

    fn deployment(rollout: &str, service: &str, at: u64, rolled_back: Option<bool>) -> Deployment {
        let (rollout, service) = (rollout.to_owned(), service.to_owned());
        Deployment { rollout, service, at, ended_at: at + 600, rolled_back, measures: BTreeMap::new() }
    }

    #[test]
    fn a_row_tells_what_was_known_before_and_the_predictor_reads_it() {
        // 2026-01-02 is a Friday.
        let friday = 1_767_312_000;
        let mut last = deployment("r3", "shop", friday + 9 * HOUR_S, Some(false));
        last.measures = BTreeMap::from([
            ("files".to_owned(), Number::from(24)),
            ("hour".to_owned(), Number::from(17)),
            ("at".to_owned(), Number::from(1)),
        ]);
        let all = || {
            vec![
                last.clone(),
                deployment("r1", "shop", friday + HOUR_S, Some(true)),
                deployment("r2", "cart", friday + 2 * HOUR_S, None),
            ]
        };
        let whole = lines(all(), &(0..u64::MAX)).unwrap();
        let later = lines(all(), &(friday + 2 * HOUR_S..u64::MAX)).unwrap();
        assert_eq!(later, whole.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>());
        let rows: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            rows,
            [
                json!({"rollout": "r1", "at": friday + HOUR_S, "service": "shop", "rolled_back": true,
                       "hour": 1, "weekday": 5, "recent_rollbacks": 0}),
                json!({"rollout": "r2", "at": friday + 2 * HOUR_S, "service": "cart", "rolled_back": null,
                       "hour": 2, "weekday": 5, "recent_rollbacks": 0}),
                json!({"rollout": "r3", "at": friday + 9 * HOUR_S, "service": "shop", "rolled_back": false,
                       "hour": 17, "weekday": 5, "recent_rollbacks": 1, "hours_since_deploy": 8.0, "files": 24}),
            ]
        );
        let table = Table::read(&whole, Format::Json, &Layout::default()).unwrap();
        assert_eq!(table.labels(), [Some(true), None, Some(false)]);
        assert_eq!(table.unused(), ["rollout"]);
    }
}
