//! One recording: reports as they were merged, as lines of a trace.

use serin_analysis::{Arm, LatencyHistogram, Outcomes};
use serin_proto::admin::v1 as proto;
use serin_proto::fleet::v1 as fleet;
use serin_trace::{Line, Merged, SampledHost};
use tonic::Streaming;

use super::refusal::Refusal;
use crate::failure::{Failure, Kind};

/// What is recorded.
pub(crate) enum Wanted {
    /// An active rollout.
    Rollout(String),
    /// The active or next rollout of a service.
    Service(String),
}

/// A recording that runs.
pub(crate) struct Recording {
    stream: Streaming<proto::RecordResponse>,
    server: String,
}

/// What one report told about the rollout.
pub(crate) struct Report {
    pub(crate) rollout: String,
    pub(crate) lines: Vec<Line>,
}

impl Recording {
    pub(super) fn new(stream: Streaming<proto::RecordResponse>, server: String) -> Self {
        Self { stream, server }
    }

    /// The next report; `None` when the recording is over.
    pub(crate) async fn next(&mut self) -> Result<Option<Report>, Failure> {
        match self.stream.message().await {
            Ok(Some(response)) => report(response).map(Some).ok_or_else(|| {
                Failure::new(Kind::Refused, format!("{} sent a report that cannot be read", self.server))
                    .advise("check that client and server are of compatible versions")
            }),
            Ok(None) => Ok(None),
            Err(status) => Err(Refusal::new(&status, &self.server).into()),
        }
    }
}

/// `None`: the report makes no sense.
fn report(response: proto::RecordResponse) -> Option<Report> {
    let at = response.merged_at?;
    let at_ms = u64::try_from(at.seconds).ok()? * 1_000 + u64::try_from(at.nanos).ok()? / 1_000_000;
    let told = Told {
        merged: Merged {
            at_ms,
            epoch: response.epoch,
            complete_until: response.complete_until_second,
            open: 0,
            host_sample: response.host_sample.max(1),
            hosts: Vec::new(),
        },
        weight_ppm: response.weight_ppm,
        node: response.node,
    };
    let mut lines = Vec::new();
    for stratum in response.strata {
        for counts in stratum.arms {
            let arm = match counts.arm.as_str() {
                "baseline" => Arm::Baseline,
                "canary" => Arm::Canary,
                _ => continue,
            };
            lines.push(told.line(stratum.start_second, &stratum.component, arm, counts)?);
        }
    }
    if lines.is_empty() && told.merged.complete_until > 0 {
        // It told that nothing happened, which lets a second close.
        let t = told.merged.complete_until - 1;
        lines.push(told.line(t, "unmatched", Arm::Baseline, fleet::ArmCounts::default())?);
    }
    Some(Report { rollout: response.rollout_id, lines })
}

/// What a report says about all its lines.
struct Told {
    merged: Merged,
    weight_ppm: u32,
    node: String,
}

impl Told {
    fn line(&self, t: u64, component: &str, arm: Arm, counts: fleet::ArmCounts) -> Option<Line> {
        let hosts = counts.hosts.into_iter().map(|host| {
            Some(SampledHost {
                host: host.address,
                requests: host.requests,
                failed: host.errors,
                latency: latency(&host.latency_hdr)?,
            })
        });
        Some(Line {
            t,
            component: component.to_owned(),
            arm,
            started: counts.started,
            outcomes: outcomes(&counts.outcomes.unwrap_or_default()),
            latency: latency(&counts.latency_hdr)?,
            host: None,
            weight_ppm: Some(self.weight_ppm),
            signals: std::collections::BTreeMap::new(),
            node: Some(self.node.clone()),
            merged: Some(Merged {
                open: counts.open,
                hosts: hosts.collect::<Option<_>>()?,
                ..self.merged.clone()
            }),
        })
    }
}

fn latency(bytes: &[u8]) -> Option<LatencyHistogram> {
    if bytes.is_empty() { Some(LatencyHistogram::new()) } else { LatencyHistogram::from_v2_bytes(bytes).ok() }
}

fn outcomes(wire: &fleet::OutcomeCounts) -> Outcomes {
    Outcomes {
        ok: wire.ok,
        client_error: wire.client_error,
        server_error: wire.server_error,
        timeout: wire.timeout,
        connect_failure: wire.connect_failure,
        reset: wire.reset,
        overload: wire.overload,
        cancelled: wire.cancelled,
    }
}
