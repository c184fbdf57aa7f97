//! The written form of an outcome, and its checks.

use serde::{Deserialize, Serialize};
use serin_analysis::increment::ByArm;
use serin_analysis::risk::BySource;
use serin_analysis::streams::Kind;

use super::{
    Decided, FINDINGS_MAX, LINE_BYTES_MAX, Label, NAME_BYTES_MAX, Outcome, Said, Seen, Teller, Truth,
};

/// The last second of the year 2099.
const LAST_SECOND: u64 = 4_102_444_799;
/// Events or exposures of a rollout.
const COUNT_MAX: u64 = 1_000_000_000_000_000;
/// Most evidence, either way, as a logarithm.
const LOG_EVIDENCE_MAX: f64 = 1e9;
/// What rounding may take from the sum of weights.
const ROUNDING: f64 = 1e-6;

/// One line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    rollout: String,
    service: String,
    ended_at: u64,
    decided: Decided,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Label>,
    alpha: f64,
    least_conversion: f64,
    progress: f64,
    sources: Sources,
    findings: Vec<Finding>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    metrics: Said,
    behaviour: Said,
    logs: Said,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    kind: Kind,
    share: f64,
    log_evidence: f64,
    events: Arms,
    exposures: Arms,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Arms {
    baseline: u64,
    canary: u64,
}

impl From<ByArm<u64>> for Arms {
    fn from(ByArm { baseline, canary }: ByArm<u64>) -> Self {
        Self { baseline, canary }
    }
}

impl From<Arms> for ByArm<u64> {
    fn from(Arms { baseline, canary }: Arms) -> Self {
        Self { baseline, canary }
    }
}

impl From<&Outcome> for Line {
    fn from(outcome: &Outcome) -> Self {
        let BySource { metrics, behaviour, logs } = outcome.said;
        let finding = |seen: &Seen| Finding {
            kind: seen.kind,
            share: seen.share,
            log_evidence: seen.log_evidence,
            events: seen.events.into(),
            exposures: seen.exposures.into(),
        };
        Self {
            rollout: outcome.rollout.clone(),
            service: outcome.service.clone(),
            ended_at: outcome.ended_at,
            decided: outcome.decided,
            label: outcome.label.clone(),
            alpha: outcome.alpha,
            least_conversion: outcome.least_conversion,
            progress: outcome.progress,
            sources: Sources { metrics, behaviour, logs },
            findings: outcome.seen.iter().map(finding).collect(),
        }
    }
}

/// A field and the rule that it breaks.
type Broken = (String, String);

/// Reads a line.
pub(super) fn read(line: &str) -> Result<Outcome, Broken> {
    let broken = |field: &str, rule: String| (field.to_owned(), rule);
    if line.len() > LINE_BYTES_MAX {
        return Err(broken("line", format!("is longer than {LINE_BYTES_MAX} bytes")));
    }
    let mut json = serde_json::Deserializer::from_str(line);
    let read: Line = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let said = error.inner().to_string();
        let rule = said.split(" at line ").next().unwrap_or_default().to_owned();
        (if path == "." { "line".to_owned() } else { path }, rule)
    })?;
    json.end().map_err(|_| broken("line", "holds more than one object".to_owned()))?;
    outcome(read)
}

fn outcome(line: Line) -> Result<Outcome, Broken> {
    name("rollout", &line.rollout)?;
    name("service", &line.service)?;
    rule(line.ended_at <= LAST_SECOND, "ended_at", "is not before the year 2100, in seconds")?;
    rule(line.alpha > 0.0 && line.alpha <= 0.5, "alpha", "is not above 0 and at most 0.5")?;
    rule((0.0..=1.0).contains(&line.least_conversion), "least_conversion", "is not from 0 to 1")?;
    rule(line.progress > 0.0 && line.progress <= 1.0, "progress", "is not above 0 and at most 1")?;
    if let Some(Label { truth, by, at }) = &line.label {
        let is_silence = *by == Teller::Default;
        let may_be = line.decided == Decided::Promoted && *truth == Truth::Harmless;
        rule(
            !is_silence || may_be,
            "label.by",
            "is default, which only says that what was promoted is harmless",
        )?;
        rule(*at >= line.ended_at, "label.at", "is before the end of the rollout")?;
        rule(*at <= LAST_SECOND, "label.at", "is not before the year 2100, in seconds")?;
        if let Teller::Person(person) = by {
            name("label.by.person", person)?;
        }
    }
    let Sources { metrics, behaviour, logs } = line.sources;
    for (field, said) in [("metrics", metrics), ("behaviour", behaviour), ("logs", logs)] {
        rule((0.0..=1.0).contains(&said.weight), &format!("sources.{field}.weight"), "is not from 0 to 1")?;
        evidence(&format!("sources.{field}.log_evidence"), said.log_evidence)?;
    }
    let sum = metrics.weight + behaviour.weight + logs.weight;
    rule((sum - 1.0).abs() <= ROUNDING, "sources", "have weights that do not sum to 1")?;
    rule(line.findings.len() <= FINDINGS_MAX, "findings", "are more than 64")?;
    let seen = line.findings.into_iter().enumerate().map(|(at, finding)| self::seen(at, finding));
    Ok(Outcome {
        seen: seen.collect::<Result<_, _>>()?,
        rollout: line.rollout,
        service: line.service,
        ended_at: line.ended_at,
        decided: line.decided,
        label: line.label,
        alpha: line.alpha,
        least_conversion: line.least_conversion,
        progress: line.progress,
        said: BySource { metrics, behaviour, logs },
    })
}

fn seen(at: usize, finding: Finding) -> Result<Seen, Broken> {
    let Finding { kind, share, log_evidence, events, exposures } = finding;
    let field = |name: &str| format!("findings[{at}].{name}");
    rule(kind.is_judged(), &field("kind"), "is not judged by itself")?;
    rule(share > 0.0 && share <= 1.0, &field("share"), "is not above 0 and at most 1")?;
    evidence(&field("log_evidence"), log_evidence)?;
    let arms = [(events.baseline, exposures.baseline), (events.canary, exposures.canary)];
    for (events, exposures) in arms {
        rule(exposures <= COUNT_MAX, &field("exposures"), "are more than can be")?;
        rule(events <= exposures, &field("events"), "are more than the exposures")?;
    }
    Ok(Seen { kind, share, log_evidence, events: events.into(), exposures: exposures.into() })
}

fn rule(holds: bool, field: &str, rule: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err((field.to_owned(), rule.to_owned())) }
}

fn evidence(field: &str, log_evidence: f64) -> Result<(), Broken> {
    rule(log_evidence.abs() <= LOG_EVIDENCE_MAX, field, "is no logarithm of evidence")
}

fn name(field: &str, name: &str) -> Result<(), Broken> {
    let is_name = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    rule(is_name, field, "is not a text of 1 to 200 bytes without control characters")
}
