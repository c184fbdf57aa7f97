//! What is known about the canary of each service: evidence, health, and how long both arms took in the last minute.

use std::fmt::Error;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::ConstGauge;
use serin_rollout::outside::HealthState;

use super::{gauge, member};
use crate::snapshot::{Reason, Snapshot};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    evidence(encoder, rollouts)?;
    health(encoder, rollouts)?;
    latency(encoder, rollouts)
}

/// Natural logarithm of the evidence against the canary, and where it counts as regressed.
fn evidence(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let help =
        "Natural logarithm of the evidence against the canary; component is empty for the whole version";
    let mut family = gauge(encoder, "rollout_log_evidence", help)?;
    each_reason(rollouts, |labels, reason| {
        member(&mut family, labels, &ConstGauge::new(reason.data.log_evidence))
    })?;
    let mut family =
        gauge(encoder, "rollout_log_threshold", "Log evidence at which the scope counts as regressed")?;
    each_reason(rollouts, |labels, reason| {
        member(&mut family, labels, &ConstGauge::new(reason.data.log_threshold))
    })
}

/// What health checks say: absent where they say nothing.
fn health(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let help =
        "Whether a health check says that the canary is healthy; component is empty for the whole version";
    let mut family = gauge(encoder, "component_health", help)?;
    for rollout in rollouts {
        for one in rollout.outside.health.iter().filter(|one| one.state != HealthState::Unknown) {
            let component = one.component.as_deref().unwrap_or_default();
            let labels = [
                ("service", rollout.service.as_str()),
                ("component", component),
                ("check", one.check.as_str()),
            ];
            let is_healthy = i64::from(one.state == HealthState::Healthy);
            member(&mut family, &labels, &ConstGauge::new(is_healthy))?;
        }
    }
    Ok(())
}

fn each_reason(
    rollouts: &[Arc<Snapshot>],
    mut visit: impl FnMut(&[(&str, &str)], &Reason) -> Result<(), Error>,
) -> Result<(), Error> {
    for rollout in rollouts {
        let whole = rollout.reasons.iter().map(|reason| ("", reason));
        let parts = rollout.components.iter();
        let parts = parts.flat_map(|part| part.reasons.iter().map(|reason| (part.name.as_str(), reason)));
        for (component, reason) in
            whole.chain(parts).filter(|(_, reason)| reason.data.log_threshold.is_finite())
        {
            let service = rollout.service.as_str();
            visit(&[("service", service), ("component", component), ("signal", reason.signal())], reason)?;
        }
    }
    Ok(())
}

/// Quantiles of the last minute. Absent where no request was seen, so that silence is not taken for speed.
fn latency(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let help = "Latency of the requests of the last minute, by quantile, rounded up by at most 1.6 %";
    let mut family = gauge(encoder, "component_latency_seconds", help)?;
    for rollout in rollouts {
        for component in &rollout.components {
            for one in &component.arms {
                let quantiles = [("0.5", one.summary.p50_us), ("0.99", one.summary.p99_us)];
                for (quantile, us) in quantiles {
                    let Some(us) = us else { continue };
                    let labels = [
                        ("service", rollout.service.as_str()),
                        ("component", component.name.as_str()),
                        ("arm", one.arm),
                        ("quantile", quantile),
                    ];
                    let seconds = Duration::from_micros(us).as_secs_f64();
                    member(&mut family, &labels, &ConstGauge::new(seconds))?;
                }
            }
        }
    }
    Ok(())
}
