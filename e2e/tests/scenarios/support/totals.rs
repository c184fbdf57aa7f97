//! What a fleet reported, merged as the contract says: a (node, epoch, seq) counts once.

use std::collections::BTreeMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serin_proto::fleet::v1::{ArmCounts, Gaps, OutcomeCounts, ReportRequest};

/// Component and arm of the service `shop`.
pub(crate) type Series = (String, String);

/// Sums of one series.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) started: u64,
    pub(crate) outcomes: [u64; 8],
    /// Values in the latency histograms.
    pub(crate) latencies: u64,
}

/// Names of [`Counts::outcomes`], in order.
pub(crate) const OUTCOMES: [&str; 8] =
    ["ok", "client_error", "server_error", "timeout", "connect_failure", "reset", "overload", "cancelled"];

impl Counts {
    pub(crate) fn finished(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// The sum of one outcome, by name.
    pub(crate) fn outcome(&self, name: &str) -> u64 {
        let index = OUTCOMES.iter().position(|known| *known == name).unwrap();
        self.outcomes[index]
    }

    fn add(&mut self, arm: &ArmCounts) {
        self.started += arm.started;
        let OutcomeCounts {
            ok,
            client_error,
            server_error,
            timeout,
            connect_failure,
            reset,
            overload,
            cancelled,
        } = arm.outcomes.unwrap_or_default();
        let counts = [ok, client_error, server_error, timeout, connect_failure, reset, overload, cancelled];
        self.outcomes.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        self.latencies += recorded(&arm.latency_hdr);
    }

    fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.latencies += other.latencies;
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, count)| *sum += count);
    }
}

/// Values in an encoded histogram, read by the reference implementation.
fn recorded(bytes: &[u8]) -> u64 {
    if bytes.is_empty() {
        return 0;
    }
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &*bytes).unwrap();
    histogram.len()
}

/// One life of one VM.
#[derive(Clone)]
pub(crate) struct Vm {
    pub(crate) node: String,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) heard: Instant,
    pub(crate) started: u64,
    seq: u64,
    batch: Vec<u8>,
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { node, epoch, generation, heard, started, seq, .. } = self;
        let silent_ms = heard.elapsed().as_millis();
        write!(
            formatter,
            "{node}/{epoch:x}: generation {generation}, seq {seq}, {started} started, silent for {silent_ms} ms"
        )
    }
}

/// Everything that was reported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) counts: BTreeMap<Series, Counts>,
    /// Page views.
    pub(crate) views: BTreeMap<Series, u64>,
    pub(crate) gaps: Gaps,
    pub(crate) vms: Vec<Vm>,
    /// Batches that came again.
    pub(crate) repeated: u64,
    /// Where a filter broke the contract.
    pub(crate) violations: Vec<String>,
}

impl Totals {
    /// Merges a report, unless it was merged before.
    pub(crate) fn merge(&mut self, report: &ReportRequest) {
        if report.node.is_empty() || report.epoch == 0 || report.seq == 0 {
            self.violations.push(format!("a report without node, epoch or seq: {report:?}"));
        }
        let batch = report.batch.as_ref().map(prost::Message::encode_to_vec).unwrap_or_default();
        let known = self
            .vms
            .iter_mut()
            .find(|vm| (vm.epoch, vm.node.as_str()) == (report.epoch, report.node.as_str()));
        if let Some(vm) = known {
            (vm.heard, vm.generation) = (Instant::now(), report.generation);
            if vm.seq == report.seq {
                self.repeated += 1;
                if vm.batch != batch {
                    self.violations.push(format!("batch {} of {:x} changed", vm.seq, vm.epoch));
                }
                return;
            }
            if vm.seq + 1 != report.seq {
                self.violations.push(format!("{:x} went from batch {} to {}", vm.epoch, vm.seq, report.seq));
            }
            (vm.seq, vm.batch) = (report.seq, batch);
        } else {
            self.vms.push(Vm {
                node: report.node.clone(),
                epoch: report.epoch,
                generation: report.generation,
                heard: Instant::now(),
                started: 0,
                seq: report.seq,
                batch,
            });
        }
        self.add(report);
    }

    fn add(&mut self, report: &ReportRequest) {
        let Some(batch) = &report.batch else { return };
        let mut started = 0;
        for stratum in &batch.strata {
            for arm in &stratum.arms {
                started += arm.started;
                let series = (stratum.component.clone(), arm.arm.clone());
                self.counts.entry(series).or_default().add(arm);
            }
        }
        for counts in &batch.behaviour {
            *self.views.entry((counts.component.clone(), counts.arm.clone())).or_default() += counts.views;
        }
        if let Some(vm) = self.vms.iter_mut().find(|vm| vm.epoch == report.epoch && vm.node == report.node) {
            vm.started += started;
        }
        if let Some(gaps) = &batch.gaps {
            self.gaps.dropped_strata += gaps.dropped_strata;
            self.gaps.dropped_requests += gaps.dropped_requests;
            self.gaps.overflow_requests += gaps.overflow_requests;
            self.gaps.unseen_requests += gaps.unseen_requests;
            self.gaps.refused_batches += gaps.refused_batches;
            self.gaps.malformed_beacons += gaps.malformed_beacons;
            self.gaps.bot_beacons += gaps.bot_beacons;
            self.gaps.unattributed_beacons += gaps.unattributed_beacons;
        }
    }

    /// All series that fit, added up.
    pub(crate) fn sum(&self, mut wanted: impl FnMut(&str, &str) -> bool) -> Counts {
        let mut sum = Counts::default();
        self.counts
            .iter()
            .filter(|((component, arm), _)| wanted(component, arm))
            .for_each(|(_, counts)| sum.merge(counts));
        sum
    }

    /// All series, added up.
    pub(crate) fn all(&self) -> Counts {
        self.sum(|_, _| true)
    }
}
