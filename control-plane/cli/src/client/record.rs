//! One recording as lines of a trace: how the rollout stood, reports as they were merged, and what people did.

use std::collections::BTreeMap;

use serin_analysis::streams::{self, StreamCounts, StreamId};
use serin_analysis::{Arm, LatencyHistogram, Outcomes, UserMasks};
use serin_proto::admin::v1 as proto;
use serin_proto::fleet::v1 as fleet;
use serin_rollout::{Command, Order, RollbackScope, Weight};
use serin_trace::{Act, EVIDENCE_BYTES_MAX, Line, Logged, Merged, Record, SampledHost, Start, Streamed};
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
    /// The pieces of a start that came so far, joined.
    start: proto::RecordedStart,
}

/// What one response told about the rollout.
pub(crate) struct Told {
    pub(crate) rollout: String,
    pub(crate) records: Vec<Record>,
}

impl Recording {
    pub(super) fn new(stream: Streaming<proto::RecordResponse>, server: String) -> Self {
        Self { stream, server, start: proto::RecordedStart::default() }
    }

    /// What comes next; `None` when the recording is over.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, Failure> {
        match self.stream.message().await {
            Ok(Some(response)) => self.told(response).map(Some).ok_or_else(|| {
                Failure::new(Kind::Refused, format!("{} sent a report that cannot be read", self.server))
                    .advise("check that client and server are of compatible versions")
            }),
            Ok(None) => Ok(None),
            Err(status) => Err(Refusal::new(&status, &self.server).into()),
        }
    }

    /// `None`: the response makes no sense.
    fn told(&mut self, mut response: proto::RecordResponse) -> Option<Told> {
        let rollout = std::mem::take(&mut response.rollout_id);
        let records = match (response.start.take(), response.act.take()) {
            (Some(piece), _) => self.start(at_ms(&response)?, &rollout, piece)?,
            (None, Some(recorded)) => vec![act(at_ms(&response)?, recorded)?],
            (None, None) if !response.logged.is_empty() => logged(at_ms(&response)?, response.logged)?,
            (None, None) if !response.streams.is_empty() => streamed(at_ms(&response)?, response.streams)?,
            (None, None) if !response.outside_json.is_empty() => {
                vec![Record::Outside(serde_json::from_str(&response.outside_json).ok()?)]
            }
            (None, None) => report(response)?,
        };
        Some(Told { rollout, records })
    }

    /// Joins a piece with those before it; the last one gives all that there is to write. Evidence that is too large is not
    /// gathered further; as a start it is left out, and a replay says so.
    fn start(&mut self, at_ms: u64, rollout: &str, piece: proto::RecordedStart) -> Option<Vec<Record>> {
        let proto::RecordedStart { plan_yaml, state_json, evidence, last, last_tick_ms } = piece;
        self.start.plan_yaml.push_str(&plan_yaml);
        self.start.state_json.push_str(&state_json);
        if self.start.evidence.len() <= EVIDENCE_BYTES_MAX {
            self.start.evidence.extend_from_slice(&evidence);
        }
        if !last {
            return Some(Vec::new());
        }
        let proto::RecordedStart { plan_yaml: plan, state_json: state, evidence, .. } =
            std::mem::take(&mut self.start);
        let evidence = String::from_utf8(evidence).ok().filter(|evidence| !evidence.is_empty());
        let rollout = rollout.to_owned();
        let start = Start { at_ms, last_tick_ms, rollout, plan, state, evidence };
        Some(start.pieces().ok()?.into_iter().map(Record::Start).collect())
    }
}

fn at_ms(response: &proto::RecordResponse) -> Option<u64> {
    let at = response.merged_at?;
    Some(u64::try_from(at.seconds).ok()? * 1_000 + u64::try_from(at.nanos).ok()? / 1_000_000)
}

fn act(at_ms: u64, recorded: proto::RecordedAct) -> Option<Record> {
    let proto::RecordedAct { actor, reason, order } = recorded;
    let order = match order? {
        proto::recorded_act::Order::SetWeightPpm(ppm) => Order::SetWeight(Weight::from_ppm(ppm)?),
        proto::recorded_act::Order::Pause(_) => Order::Pause,
        proto::recorded_act::Order::Resume(_) => Order::Resume,
        proto::recorded_act::Order::Promote(_) => Order::Promote,
        proto::recorded_act::Order::HandOver(_) => Order::HandOver,
        proto::recorded_act::Order::OverrideWindows(_) => Order::OverrideWindows,
        proto::recorded_act::Order::RollbackComponent(name) => {
            let scope = if name.is_empty() { RollbackScope::Version } else { RollbackScope::Component(name) };
            Order::Rollback { scope }
        }
        proto::recorded_act::Order::RollbackBlock(name) => {
            Order::Rollback { scope: RollbackScope::Block(name) }
        }
    };
    Some(Record::Act(Act { at_ms, command: Command { order, actor, reason } }))
}

fn arm_of(name: &str) -> Option<Arm> {
    [Arm::Baseline, Arm::Canary].into_iter().find(|arm| arm.name() == name)
}

fn streamed(at_ms: u64, streams: Vec<proto::RecordedStream>) -> Option<Vec<Record>> {
    let record = |one: proto::RecordedStream| {
        let kind = streams::Kind::named(&one.kind)?;
        let counts = StreamCounts {
            id: StreamId { kind, component: one.component, name: one.name },
            second: one.second,
            arm: arm_of(&one.arm)?,
            events: one.events,
            exposures: one.exposures,
            is_harmful: one.harmful,
            samples: one.samples,
        };
        Some(Record::Stream(Streamed { at_ms, counts }))
    };
    streams.into_iter().map(record).collect()
}

fn logged(at_ms: u64, errors: Vec<proto::RecordedBlockErrors>) -> Option<Vec<Record>> {
    let mut lines = BTreeMap::<_, BTreeMap<_, _>>::new();
    for one in errors {
        let arm = arm_of(&one.arm)?;
        lines.entry((one.second, one.component, arm)).or_default().insert(one.block, one.errors);
    }
    let records = lines
        .into_iter()
        .map(|((t, component, arm), blocks)| Record::Logged(Logged { at_ms, t, component, arm, blocks }));
    Some(records.collect())
}

fn report(response: proto::RecordResponse) -> Option<Vec<Record>> {
    let told = Common {
        merged: Merged {
            at_ms: at_ms(&response)?,
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
    Some(lines.into_iter().map(Record::from).collect())
}

/// What a report says about all its lines.
struct Common {
    merged: Merged,
    weight_ppm: u32,
    node: String,
}

impl Common {
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
            signals: BTreeMap::new(),
            node: Some(self.node.clone()),
            users: UserMasks { seen: counts.users_seen, failed: counts.users_failed },
            blocks: counts.blocks.into_iter().map(|block| (block.block, block.errors)).collect(),
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
