//! `serin rollout …`.

#[cfg(test)]
mod schema;
mod screen;
mod view;
mod watch;

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;
use serin_proto::admin::v1::Approval;

use crate::arguments::{Rollout as Command, Wait};
use crate::client::{Client, Undone};
use crate::commands::plan;
use crate::failure::{Failure, Kind};
use crate::model::Rollout;
use crate::output::{Output, percent};

/// The JSON form of `list`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Rollouts {
    rollouts: Vec<Rollout>,
}

#[expect(clippy::too_many_lines, reason = "a case for each command")]
pub(super) async fn run(client: &Client, command: Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::Create { file, paused, override_windows, wait } => {
            let mut rollout = create(client, &file, paused || override_windows.is_some()).await?;
            if let Some(reason) = override_windows {
                client.override_windows(rollout.id.clone(), reason.clone()).await?;
                rollout = client.resume(rollout.id, reason).await?;
            }
            let done = if paused { "created, held at 0 % until `serin rollout resume`" } else { "created" };
            if !wait.wait {
                return output.show(&rollout, || view::created(&rollout, done));
            }
            view::taken(&rollout).iter().for_each(|line| output.note(line));
            act(client, &rollout, done, &wait, output).await
        }
        Command::List { service, limit } => list(client, service, limit, output).await,
        Command::Status { target } => {
            let rollout = client.rollout_of(&target.id).await?;
            output.show(&rollout, || view::status(&rollout, SystemTime::now()))
        }
        Command::Watch { target, within, plain } => {
            if output.is_json() || plain || !screen::is_possible() {
                return watch::run(client, target.id, within.within, output).await;
            }
            screen::run(client, target.id, within.within, output).await
        }
        Command::SetWeight { target, weight, reason } => {
            let rollout = client.set_weight(target.id, weight.ppm, reason.reason).await?;
            let done = format!("set to {}, held until `serin rollout resume`", percent(rollout.weight_ppm));
            output.show(&rollout, || view::done(&rollout, &done))
        }
        Command::Pause { target, reason } => {
            let rollout = client.pause(target.id, reason.reason).await?;
            let done = match rollout.experiment {
                Some(_) => "paused; all users are on the control until `serin rollout resume`",
                None => "paused; automatic rollback stays armed",
            };
            output.show(&rollout, || view::done(&rollout, done))
        }
        Command::Resume { target, reason } => {
            let rollout = client.resume(target.id, reason.unwrap_or_default()).await?;
            output.show(&rollout, || view::done(&rollout, "resumed"))
        }
        Command::Promote { target, reason, wait } => {
            let rollout = client.promote(target.id, reason.reason).await?;
            act(client, &rollout, "promotion asked for", &wait, output).await
        }
        Command::HandOver { target, reason } => {
            let rollout = client.hand_over(target.id, reason.reason).await?;
            let done = format!("{} handed over to the baseline's endpoint", rollout.canary_version);
            output.show(&rollout, || view::done(&rollout, &done))
        }
        Command::OverrideWindows { target, reason } => {
            let rollout = client.override_windows(target.id, reason.reason).await?;
            output.show(&rollout, || view::done(&rollout, "goes on in spite of the windows that are open"))
        }
        Command::Rollback { target, component, block, arm, reason } => {
            let done = match (&component, &block, &arm) {
                (Some(component), _, _) => format!("component {component} returned to the baseline"),
                (None, Some(block), _) => format!("block {block} returned to its previous version"),
                (None, None, Some(arm)) => format!("arm {arm} stopped, its users returned to the control"),
                (None, None, None) => "returned to the baseline".to_owned(),
            };
            let scope = Undone {
                component: component.unwrap_or_default(),
                block: block.unwrap_or_default(),
                arm: arm.unwrap_or_default(),
            };
            let rollout = client.rollback(target.id, scope, reason.reason).await?;
            output.show(&rollout, || view::done(&rollout, &done))
        }
        Command::Approve { target, data_loss, retry_hook, drained, reason, .. } => {
            let (approval, done) = match (data_loss, retry_hook, drained) {
                (true, ..) => (Approval::DataLoss, "schema changes may lose data"),
                (_, true, _) => (Approval::RetryHook, "the hook runs again"),
                (_, _, true) => (Approval::Drained, "what waits for the canary to drain goes on"),
                (false, false, false) => (Approval::SkipHook, "goes on without the hook"),
            };
            let rollout = client.approve(target.id, approval, reason.reason).await?;
            output.show(&rollout, || view::done(&rollout, done))
        }
    }
}

/// Says what was done, or watches what comes of it.
async fn act(
    client: &Client,
    rollout: &Rollout,
    done: &str,
    wait: &Wait,
    output: Output,
) -> Result<(), Failure> {
    if wait.wait {
        return watch::run(client, rollout.id.clone(), wait.within, output).await;
    }
    output.show(rollout, || view::done(rollout, done))
}

/// The server judges the plan. What it refuses is shown in the file, where the same rules find the place.
async fn create(client: &Client, file: &Path, paused: bool) -> Result<Rollout, Failure> {
    let text = plan::read(file)?;
    match client.create(text.clone(), paused).await {
        Err(failure) if failure.kind() == Kind::PlanInvalid => {
            Err(plan::parse(file, &text).err().unwrap_or(failure))
        }
        other => other,
    }
}

async fn list(client: &Client, service: Option<String>, limit: u32, output: Output) -> Result<(), Failure> {
    let answer = Rollouts { rollouts: client.rollouts(service.clone().unwrap_or_default(), limit).await? };
    let shown = answer.rollouts.len();
    output.show(&answer, || view::list(&answer.rollouts, service.as_deref(), SystemTime::now()))?;
    if u32::try_from(shown).unwrap_or(u32::MAX) >= limit {
        output.note(&format!("Older rollouts may exist: these are the newest {shown}; see --limit."));
    }
    Ok(())
}
