//! `serin rollout watch`, and `--wait` of other commands: a line at every change, an exit code at the end.

use std::time::Duration;

use crate::client::Client;
use crate::commands::rollout::view;
use crate::failure::{Failure, Kind};
use crate::model::{Experiment, Phase, Rollout, Verdict};
use crate::output::{Output, Sheet, duration};

/// Ends with the rollout: well when it was promoted, else with a failure that says how it ended.
pub(super) async fn run(
    client: &Client,
    id: String,
    within: Option<Duration>,
    output: Output,
) -> Result<(), Failure> {
    let following = follow(client, id.clone(), output);
    match within {
        None => following.await,
        Some(limit) => {
            tokio::time::timeout(limit, following).await.unwrap_or_else(|_| Err(not_ended(&id, limit)))
        }
    }
}

/// The time that was given is over.
pub(super) fn not_ended(id: &str, limit: Duration) -> Failure {
    Failure::new(Kind::TimeIsUp, format!("{id}: has not ended within {}", duration(limit)))
        .advise("the rollout goes on; look at `serin rollout status`")
}

async fn follow(client: &Client, id: String, output: Output) -> Result<(), Failure> {
    let mut watch = client.watch(id);
    let mut shown = None;
    loop {
        let rollout = watch.next().await?;
        let face = Face::of(&rollout);
        if shown.as_ref() != Some(&face) {
            output.show(&rollout, || Sheet::of(&view::change(&rollout)))?;
            shown = Some(face);
        }
        if rollout.phase.is_terminal() {
            return end(&rollout);
        }
    }
}

/// What the end of a rollout means to whoever waited for it.
pub(super) fn end(rollout: &Rollout) -> Result<(), Failure> {
    let failure = |kind, how: &str| {
        Err(Failure::new(kind, format!("{} {how}", rollout.id))
            .advise(format!("`serin rollout status {0}` and `serin events {0}` say why", rollout.id)))
    };
    match rollout.phase {
        // An experiment ends so, unless none of its arms is left.
        Phase::RolledBack if rollout.experiment.as_ref().is_some_and(|one| one.has_unstopped_arm()) => Ok(()),
        Phase::RolledBack if rollout.experiment.is_some() => {
            failure(Kind::RolledBack, "ended: all its arms were stopped")
        }
        Phase::RolledBack => failure(Kind::RolledBack, "was rolled back"),
        Phase::Failed => failure(Kind::RolloutFailed, "failed"),
        Phase::Promoted
        | Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Unknown => Ok(()),
    }
}

/// What of a rollout is a change when it differs: not the counts, which differ every second.
#[derive(Eq, PartialEq)]
struct Face {
    revision: u64,
    phase: Phase,
    weight_ppm: u32,
    step: u32,
    verdict: Verdict,
    components: Vec<(bool, Verdict)>,
    conclusions: Vec<String>,
}

impl Face {
    fn of(rollout: &Rollout) -> Self {
        Self {
            revision: rollout.revision,
            phase: rollout.phase,
            weight_ppm: rollout.weight_ppm,
            step: rollout.step,
            verdict: rollout.verdict,
            components: rollout.components.iter().map(|part| (part.rolled_back, part.verdict)).collect(),
            conclusions: rollout.experiment.as_ref().map(Experiment::conclusions).unwrap_or_default(),
        }
    }
}
