//! Where the newest rollout of each service stands.
//!
//! What is one of several names (phase, reason for holding) has a series that is 1; verdicts are numbers, because they have an order.

use std::fmt::Error;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::ConstGauge;
use serin_analysis::Verdict;

use super::{gauge, integer, member};
use crate::snapshot::Snapshot;
use crate::words;

/// Names of the phases, as in the admin contract.
pub(super) const PHASES: [&str; 8] = [
    "warming_up",
    "progressing",
    "paused",
    "completing",
    "rolling_back",
    "promoted",
    "rolled_back",
    "failed",
];
/// In place of a reason for holding.
const NO_HOLD: &str = "none";

type Encoder<'a> = DescriptorEncoder<'a>;

pub(super) fn encode(encoder: &mut Encoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    named(encoder, rollouts)?;
    each(
        encoder,
        rollouts,
        "rollout_weight_ratio",
        "Canary weight of the newest rollout of each service",
        |one| f64::from(one.weight_ppm) / 1e6,
    )?;
    let help = "Components that were returned to the baseline";
    each(encoder, rollouts, "rollout_components_rolled_back", help, |one| {
        count(one.components.iter().filter(|component| component.rolled_back).count())
    })?;
    each(encoder, rollouts, "rollout_risk_score", "Risk of the whole version, from 0 to 100", |one| {
        one.risk
    })?;
    each(encoder, rollouts, "rollout_step", "Step of the plan, from 1", |one| f64::from(one.step) + 1.0)?;
    each(encoder, rollouts, "rollout_steps", "Steps of the plan", |one| f64::from(one.steps))?;
    let help = "When phase, step or weight last changed, in seconds of Unix";
    each(encoder, rollouts, "rollout_changed_timestamp_seconds", help, |one| {
        Duration::from_secs(one.changed_at.second()).as_secs_f64()
    })?;
    verdicts(encoder, rollouts)
}

/// Which rollout it is, its phase, and why it holds.
fn named(encoder: &mut Encoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let one = ConstGauge::new(1_i64);
    let mut family = gauge(encoder, "rollout_info", "The newest rollout of each service and its versions")?;
    for rollout in rollouts {
        let labels = [
            ("service", rollout.service.as_str()),
            ("rollout", rollout.id.as_str()),
            ("baseline", rollout.baseline_version.as_str()),
            ("canary", rollout.canary_version.as_str()),
        ];
        member(&mut family, &labels, &one)?;
    }
    let mut family =
        gauge(encoder, "rollout_phase", "Whether the newest rollout of a service is in a phase")?;
    for rollout in rollouts {
        for phase in PHASES {
            let is = integer(u64::from(words::phase(rollout.phase) == phase));
            member(&mut family, &[("service", &rollout.service), ("phase", phase)], &ConstGauge::new(is))?;
        }
    }
    let help = "Why the newest rollout of a service holds; reason none: it does not, or a person stopped it";
    let mut family = gauge(encoder, "rollout_hold", help)?;
    for rollout in rollouts {
        let reason = rollout.hold.unwrap_or(NO_HOLD);
        member(&mut family, &[("service", &rollout.service), ("reason", reason)], &one)?;
    }
    Ok(())
}

/// A number of each rollout.
fn each(
    encoder: &mut Encoder<'_>,
    rollouts: &[Arc<Snapshot>],
    name: &str,
    help: &str,
    value: impl Fn(&Snapshot) -> f64,
) -> Result<(), Error> {
    let mut family = gauge(encoder, name, help)?;
    for rollout in rollouts {
        member(&mut family, &[("service", rollout.service.as_str())], &ConstGauge::new(value(rollout)))?;
    }
    Ok(())
}

fn verdicts(encoder: &mut Encoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let help = "Verdict: 0 inconclusive, 1 healthy, 2 regressed; component is empty for the whole version";
    let mut family = gauge(encoder, "rollout_verdict", help)?;
    for rollout in rollouts {
        let parts = rollout.components.iter().map(|part| (part.name.as_str(), part.verdict));
        for (component, verdict) in std::iter::once(("", rollout.verdict)).chain(parts) {
            let number = match verdict {
                Verdict::Inconclusive => 0_i64,
                Verdict::Healthy => 1,
                Verdict::Regressed => 2,
            };
            let labels = [("service", rollout.service.as_str()), ("component", component)];
            member(&mut family, &labels, &ConstGauge::new(number))?;
        }
    }
    Ok(())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
