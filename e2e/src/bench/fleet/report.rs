//! The result, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::envoy::Sent;
use super::{Options, Used};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    envoys: u32,
    components: u32,
    seconds: u64,
    /// Batches that were acknowledged, warm-up included.
    reports: u64,
    /// Of these, how often one had to be sent again.
    repeated: u64,
    /// Requests in them. Each was counted once.
    requests: u64,
    /// CPU time of the control plane per second.
    control_plane_cores: f64,
    /// Per batch, in microseconds.
    control_plane_us_per_report: f64,
    /// Most memory it had resident, in bytes.
    control_plane_memory_bytes: u64,
    /// From a batch's first sending to its acknowledgement, in milliseconds.
    report_wait_ms: Quantiles,
    /// From the start of the fault's first second to the decision. Absent: not before the end.
    fault_to_decision_ms: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Quantiles {
    median: f64,
    p99: f64,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        mut sent: Sent,
        used: &Used,
        memory_bytes: u64,
        decided: Option<Duration>,
    ) -> Self {
        sent.waits.sort_unstable();
        let wait = |share: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let index = (share * sent.waits.len() as f64) as usize;
            sent.waits.get(index.min(sent.waits.len().saturating_sub(1))).map_or(f64::NAN, milliseconds)
        };
        let cores = used.cpu.as_secs_f64() / used.elapsed.as_secs_f64();
        Self {
            envoys: options.envoys,
            components: options.components,
            seconds: options.seconds,
            reports: sent.waits.len() as u64,
            repeated: sent.repeated,
            requests: sent.requests,
            control_plane_cores: cores,
            control_plane_us_per_report: cores * 1e6 / f64::from(options.envoys),
            control_plane_memory_bytes: memory_bytes,
            report_wait_ms: Quantiles { median: wait(0.5), p99: wait(0.99) },
            fault_to_decision_ms: decided.as_ref().map(milliseconds),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { envoys, components, reports, repeated, requests, .. } = self;
        writeln!(formatter, "{envoys} Envoys × {components} components, each reporting every second")?;
        writeln!(
            formatter,
            "reports              {reports}, sent again {repeated}; {requests} requests, all counted once"
        )?;
        writeln!(
            formatter,
            "control plane        {:.2} cores, {:.0} µs per report, {:.0} MiB",
            self.control_plane_cores,
            self.control_plane_us_per_report,
            self.control_plane_memory_bytes as f64 / f64::from(1 << 20),
        )?;
        let Quantiles { median, p99 } = self.report_wait_ms;
        writeln!(formatter, "report acknowledged  median {median:.0} ms, 99th percentile {p99:.0} ms")?;
        match self.fault_to_decision_ms {
            Some(milliseconds) => writeln!(formatter, "fault to decision    {milliseconds:.0} ms"),
            None => writeln!(formatter, "fault to decision    none before the end"),
        }
    }
}

fn milliseconds(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
