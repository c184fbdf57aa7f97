//! The first act: a version without faults is promoted by the control plane alone.

use std::time::{Duration, Instant};

use anyhow::Result;
use serin_proto::admin::v1::Phase;

use super::control::Control;
use super::live;
use super::report::Good;
use super::shop::{self, Shop};

/// Its plan.
const PLAN: &str = include_str!("../../demo/v2.yaml");
/// How long a promotion may take.
const DEADLINE: Duration = Duration::from_secs(150);

/// Creates the rollout and waits for its end. Nobody helps it.
pub(super) async fn play(control: &Control, shop: &Shop) -> Result<Good> {
    let start = Instant::now();
    control.create(PLAN).await?;
    let ended = control.until(DEADLINE, |rollout| is_terminal(rollout.phase())).await?;
    let seconds = ended.is_some().then(|| start.elapsed().as_secs_f64());
    // So that the live view tells the end before the next act begins.
    tokio::time::sleep(live::LOOK * 2).await;
    let stats = shop.canary().stats();
    Ok(Good {
        outcome: ended.as_ref().map_or("undecided", |rollout| live::phase(rollout.phase())).to_owned(),
        seconds,
        canary_requests: stats.total(|_| true),
        canary_requests_failed: stats.total(shop::is_failure),
    })
}

fn is_terminal(phase: Phase) -> bool {
    match phase {
        Phase::Promoted | Phase::RolledBack | Phase::Failed => true,
        Phase::Unspecified
        | Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused
        | Phase::Completing
        | Phase::RollingBack => false,
    }
}
