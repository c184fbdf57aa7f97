//! The live view: one line about now, and one for each entry of the journal.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Result;
use serin_proto::admin::v1::{Phase, Rollout, Verdict};
use tokio::time::{Instant, MissedTickBehavior};

use super::Scene;
use super::control::Control;
use super::report::percent;
use crate::load::{Key, Summary};

/// Between two looks at the journal.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// Looks between two lines on a terminal: one second.
const LOOKS_PER_LINE: u64 = 5;
/// Seconds between two lines elsewhere, while nothing happens.
const QUIET_LINE_EVERY_S: u64 = 5;
/// Seconds after an entry of the journal during which each second is worth a line.
const BUSY_S: u64 = 3;

/// Shows what happens, and the journal from the entry after `sequence` on, until it is dropped. Ends only when the
/// control plane cannot be asked any more.
pub(super) async fn show(scene: Scene<'_>, mut sequence: u64) -> Result<Infallible> {
    let Scene { screen, control, load, began, services, .. } = scene;
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut looks, mut busy_until) = (0_u64, 0);
    let mut before = (Instant::now(), load.snapshot());
    loop {
        ticks.tick().await;
        for event in control.events_after(sequence).await? {
            sequence = event.sequence;
            let seconds = event.at.duration_since(began).unwrap_or_default().as_secs_f64();
            let of = if services.len() > 1 { format!("{:<19}", event.service()) } else { String::new() };
            screen.line(&format!("{seconds:>6.1} s  {of}{}  ({})", event.text, event.actor));
            busy_until = looks / LOOKS_PER_LINE + BUSY_S;
        }
        looks += 1;
        if !looks.is_multiple_of(LOOKS_PER_LINE) {
            continue;
        }
        let second = looks / LOOKS_PER_LINE;
        let now = (Instant::now(), load.snapshot());
        if let Ok(rollouts) = rollouts(control, services).await {
            let clock = began.elapsed().unwrap_or_default().as_secs_f64();
            let worth_a_line = second.is_multiple_of(QUIET_LINE_EVERY_S) || second <= busy_until;
            let text = match rollouts.as_slice() {
                [rollout] => line(rollout, &before, &now),
                rollouts => line_of_several(rollouts, &before, &now),
            };
            screen.live(&format!("{clock:>6.1} s  {text}"), worth_a_line);
        }
        before = now;
    }
}

async fn rollouts(control: &Control, services: &[&str]) -> Result<Vec<Rollout>> {
    let mut rollouts = Vec::new();
    for service in services {
        rollouts.push(control.rollout_of(service).await?);
    }
    Ok(rollouts)
}

/// Where each of several rollouts stands.
fn line_of_several(rollouts: &[Rollout], before: &(Instant, Summary), now: &(Instant, Summary)) -> String {
    let since = |wanted: &dyn Fn(&Key) -> bool| now.1.total(wanted).saturating_sub(before.1.total(wanted));
    let seconds = (now.0 - before.0).as_secs_f64().max(0.001);
    let (all, failed) = (since(&|_| true), since(&|key| key.status.is_failure()));
    let mut text = format!("{:>5.0} req/s ({failed} failed)", all as f64 / seconds);
    for rollout in rollouts {
        let (service, weight) = (&rollout.service, percent(rollout.weight_ppm));
        text.push_str(&format!("   {service} {weight:<5} {}", phase(rollout.phase())));
    }
    text
}

/// What happened between two looks at the load, and what the control plane says of it.
fn line(rollout: &Rollout, before: &(Instant, Summary), now: &(Instant, Summary)) -> String {
    let seconds = (now.0 - before.0).as_secs_f64().max(0.001);
    let since = |wanted: &dyn Fn(&Key) -> bool| now.1.total(wanted).saturating_sub(before.1.total(wanted));
    let all = since(&|_| true);
    let arm = |version: &str| {
        let answered = since(&|key| key.version.as_deref() == Some(version));
        let failed = since(&|key| key.version.as_deref() == Some(version) && key.status.is_failure());
        format!("{version} {answered:>4} ({failed} failed)")
    };
    format!(
        "{:>5.0} req/s   {}   {}   weight {:<6} {}, {}",
        all as f64 / seconds,
        arm(&rollout.baseline_version),
        arm(&rollout.canary_version),
        percent(rollout.weight_ppm),
        phase(rollout.phase()),
        verdict(rollout),
    )
}

/// The phase as the command line names it.
pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Unspecified => "unknown",
        Phase::WarmingUp => "warming_up",
        Phase::Progressing => "progressing",
        Phase::Paused => "paused",
        Phase::Completing => "completing",
        Phase::RollingBack => "rolling_back",
        Phase::Promoted => "promoted",
        Phase::RolledBack => "rolled_back",
        Phase::Failed => "failed",
    }
}

fn verdict(rollout: &Rollout) -> String {
    let word = match rollout.verdict() {
        Verdict::Unspecified => "no verdict",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Healthy => "healthy",
        Verdict::Regressed => "regressed",
    };
    let back: Vec<&str> = rollout
        .components
        .iter()
        .filter(|component| component.rolled_back)
        .map(|component| component.name.as_str())
        .collect();
    if back.is_empty() { word.to_owned() } else { format!("{word}; {} on the baseline", back.join(", ")) }
}
