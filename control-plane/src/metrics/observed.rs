//! State that is read when somebody scrapes.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use serin_rollout::outside::HealthState;

use crate::assignment::Board;
use crate::clock;
use crate::fleet::report::named;
use crate::fleet::{Fleet, nodes};
use crate::snapshot::{Directory, ROLLOUTS_MAX, Snapshot};

#[derive(Debug)]
pub(super) struct Observed {
    pub(super) fleet: Arc<Fleet>,
    pub(super) directory: Arc<Directory>,
    pub(super) board: Arc<Board>,
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let rollouts = self.directory.list(None, ROLLOUTS_MAX);
        by_phase(&mut encoder, &rollouts)?;
        let current: Vec<_> = rollouts.into_iter().filter(|rollout| rollout.current).collect();
        weights(&mut encoder, &current)?;
        evidence(&mut encoder, &current)?;
        health(&mut encoder, &current)?;
        self.assignment(&mut encoder)?;
        self.nodes(&mut encoder)?;
        self.requests(&mut encoder)
    }
}

/// Names of the phases, as in the admin contract.
const PHASES: [&str; 7] =
    ["warming_up", "progressing", "paused", "completing", "promoted", "rolled_back", "failed"];

fn by_phase(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let mut family = gauge(encoder, "rollouts", "Rollouts in memory, by phase")?;
    for phase in PHASES {
        let count = rollouts.iter().filter(|rollout| crate::words::phase(rollout.phase) == phase).count();
        member(&mut family, &[("phase", phase)], &ConstGauge::new(integer(count as u64)))?;
    }
    Ok(())
}

fn weights(encoder: &mut DescriptorEncoder<'_>, rollouts: &[Arc<Snapshot>]) -> Result<(), Error> {
    let mut family =
        gauge(encoder, "rollout_weight_ratio", "Canary weight of the newest rollout of each service")?;
    for rollout in rollouts {
        let weight = f64::from(rollout.weight_ppm) / 1e6;
        member(&mut family, &[("service", rollout.service.as_str())], &ConstGauge::new(weight))?;
    }
    let mut family =
        gauge(encoder, "rollout_components_rolled_back", "Components that were returned to the baseline")?;
    for rollout in rollouts {
        let count = rollout.components.iter().filter(|component| component.rolled_back).count();
        member(
            &mut family,
            &[("service", rollout.service.as_str())],
            &ConstGauge::new(integer(count as u64)),
        )?;
    }
    Ok(())
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
    mut visit: impl FnMut(&[(&str, &str)], &crate::snapshot::Reason) -> Result<(), Error>,
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

impl Observed {
    fn assignment(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let generation = self.board.newest().generation;
        let spread = self.fleet.nodes().spread(generation, clock::now(), self.fleet.live_within());
        let help = "Generation of the assignment on offer";
        plain(encoder, "assignment_generation", help, integer(generation))?;
        plain(encoder, "vms", "VMs that live", i64::from(spread.known))?;
        let help = "Living VMs that apply the assignment on offer";
        plain(encoder, "vms_applied", help, i64::from(spread.applied))?;
        plain(encoder, "nodes_connected", "Envoys with an open stream", i64::from(spread.connected))?;
        let help = "Connected Envoys that acknowledged the assignment on offer";
        plain(encoder, "nodes_acknowledged", help, i64::from(spread.acknowledged))
    }

    fn nodes(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let nodes = self.fleet.nodes();
        let now = clock::now();
        let reporting =
            nodes.iter().filter(|(_, node)| node.live(now, nodes::LIVE_WITHIN).next().is_some()).count();
        drop(nodes);
        let help = "Envoys that reported within 15 seconds";
        plain(encoder, "nodes_reporting", help, integer(reporting as u64))
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let totals = self.fleet.accounts.totals();
        let help = "Requests that finished, as the fleet reported them; survives restarts";
        let mut family = counter(encoder, "requests_finished", help)?;
        for (series, counts) in &totals {
            for (outcome, count) in named(&counts.outcomes).into_iter().filter(|(_, count)| *count > 0) {
                let (service, component) = (series.service.as_str(), series.component.as_str());
                let labels = [
                    ("service", service),
                    ("component", component),
                    ("arm", &series.arm),
                    ("outcome", outcome),
                ];
                member(&mut family, &labels, &ConstCounter::new(count))?;
            }
        }
        let help = "Requests that started, as the fleet reported them; survives restarts";
        let mut family = counter(encoder, "requests_started", help)?;
        for (series, counts) in &totals {
            let (service, component) = (series.service.as_str(), series.component.as_str());
            let labels = [("service", service), ("component", component), ("arm", series.arm.as_str())];
            member(&mut family, &labels, &ConstCounter::new(counts.started))?;
        }
        Ok(())
    }
}

fn gauge<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)
}

fn counter<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Counter)
}

fn plain(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> Result<(), Error> {
    ConstGauge::new(value).encode(gauge(encoder, name, help)?)
}

fn member(
    family: &mut MetricEncoder<'_>,
    labels: &[(&str, &str)],
    value: &impl EncodeMetric,
) -> Result<(), Error> {
    value.encode(family.encode_family(&Labels(labels))?)
}

#[derive(Debug)]
struct Labels<'a>(&'a [(&'a str, &'a str)]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>) -> Result<(), Error> {
        self.0.encode(encoder)
    }
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
