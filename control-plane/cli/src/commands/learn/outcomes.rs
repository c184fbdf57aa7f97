//! `serin learn outcomes`: finished rollouts of a server, as `learn retrain` reads them.
//!
//! What each stream counted, the plan and the statistics are in the evidence of the decision that ended a rollout.

use std::path::Path;

use serin_analysis::risk::BySource;
use serin_analysis::streams::{Observed, SourceRisk, SourcesRisk};
use serin_evidence::documents::name;
use serin_learning::outcome::{Decided, FINDINGS_MAX, Outcome, Outcomes, Said, Seen};
use serin_rollout::{Judgement, Plan};

use crate::client::Client;
use crate::commands::finished::{self, Finished};
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(
    client: &Client,
    service: Option<String>,
    out: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let (mut outcomes, mut left_out) = (Vec::new(), 0_u64);
    for decisions in finished::decided(client, service.unwrap_or_default()).await? {
        let Some(finished) = Finished::of(&decisions, finished::now()) else { continue };
        match outcome(&finished, client).await? {
            Some(outcome) => outcomes.push(outcome),
            None => left_out += 1,
        }
    }
    let outcomes = Outcomes::of(outcomes);
    if left_out > 0 {
        output.note(&format!("{left_out} rollouts are left out: only their requests were looked at"));
    }
    finished::tell(&outcomes.to_lines(), outcomes.len(), out, output)
}

/// With what its evidence holds. `None`: neither logs nor users were looked at.
async fn outcome(finished: &Finished<'_>, client: &Client) -> Result<Option<Outcome>, Failure> {
    let evidence = finished.evidence(client).await?;
    let judgement: Option<Option<Judgement>> = evidence.document(name::STATISTICS)?;
    let Some(sources) = judgement.flatten().and_then(|judgement| judgement.sources) else {
        return Ok(None);
    };
    let Some(plan) = evidence.plan()? else { return Ok(None) };
    let streams: Vec<Observed> = evidence.document(name::STREAMS)?.unwrap_or_default();
    let began = evidence.began()?.unwrap_or(finished.at);
    let ppm = |weight: serin_proto::assignment::Weight| f64::from(weight.ppm()) / 1e6;
    Ok(Some(Outcome {
        rollout: finished.decision.rollout_id.clone(),
        service: finished.decision.service.clone(),
        ended_at: finished.at,
        decided: finished.decided,
        label: finished.label.clone(),
        alpha: ppm(plan.false_rollback()),
        least_conversion: 1.0 - plan.behaviour().map_or(0.05, |behaviour| ppm(behaviour.conversion)),
        progress: progress(&plan, finished.decided, finished.at.saturating_sub(began)),
        said: said(&sources),
        seen: seen(streams),
    }))
}

fn said(sources: &SourcesRisk) -> BySource<Said> {
    let of = |source: &SourceRisk| Said { weight: source.weight, log_evidence: source.log_evidence };
    let BySource { metrics, behaviour, logs } = &sources.by_source;
    BySource { metrics: of(metrics), behaviour: of(behaviour), logs: of(logs) }
}

/// The part of the planned time after which a rollout ended.
fn progress(plan: &Plan, decided: Decided, lasted_s: u64) -> f64 {
    let planned: u64 = plan.steps().iter().map(|step| step.bake.as_secs()).sum();
    if decided == Decided::Promoted || planned == 0 {
        return 1.0;
    }
    (lasted_s.max(1) as f64 / planned as f64).clamp(1e-6, 1.0)
}

/// The harms, the strongest evidence first.
fn seen(mut streams: Vec<Observed>) -> Vec<Seen> {
    streams.retain(|stream| stream.is_harmful);
    streams.sort_by(|one, other| other.log_evidence.total_cmp(&one.log_evidence));
    let seen = streams.into_iter().take(FINDINGS_MAX).map(|stream| {
        let Observed { kind, share, log_evidence, events, exposures, is_harmful: _ } = stream;
        Seen { kind, share, log_evidence, events, exposures }
    });
    seen.collect()
}
