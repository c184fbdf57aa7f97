//! State that is read when somebody scrapes.

mod behaviour;
mod evidence;
mod requests;
mod rollouts;

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::assignment::Board;
use crate::clock;
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
        rollouts::encode(&mut encoder, &current)?;
        evidence::encode(&mut encoder, &current)?;
        self.assignment(&mut encoder)?;
        self.nodes(&mut encoder)?;
        behaviour::encode(&mut encoder, &self.fleet.behaviour.counted())?;
        requests::encode(&mut encoder, self.fleet.accounts.totals(), &current)
    }
}

fn by_phase(encoder: &mut DescriptorEncoder<'_>, all: &[Arc<Snapshot>]) -> Result<(), Error> {
    let mut family = gauge(encoder, "rollouts", "Rollouts in memory, by phase")?;
    for phase in rollouts::PHASES {
        let count = all.iter().filter(|rollout| crate::words::phase(rollout.phase) == phase).count();
        member(&mut family, &[("phase", phase)], &ConstGauge::new(integer(count as u64)))?;
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
