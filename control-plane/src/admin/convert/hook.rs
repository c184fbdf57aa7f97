//! Hooks as the contract tells them.

use serin_proto::admin::v1 as api;
use serin_rollout::{Answer, HookOutcome, HookState};

use super::timestamp;

pub(super) fn hook(hook: &HookState) -> api::HookRun {
    let end = hook.end.as_ref();
    let state = match end.map(|end| (end.outcome, end.answer)) {
        None => "running",
        Some((HookOutcome::Succeeded, _)) => "succeeded",
        Some((HookOutcome::Failed, Some(Answer::Skip))) => "skipped",
        Some((HookOutcome::Failed, Some(Answer::Retry) | None)) => "failed",
    };
    api::HookRun {
        point: hook.run.point.name().to_owned(),
        name: hook.run.name.clone(),
        occurrence: hook.run.occurrence,
        round: hook.run.round,
        started_at: Some(timestamp(hook.started_at)),
        state: state.to_owned(),
        ended_at: end.map(|end| timestamp(end.at)),
        attempts: end.map(|end| end.attempts).unwrap_or_default(),
        said: end.map(|end| end.said.clone()).unwrap_or_default(),
    }
}
