//! One recording, from the queue that the rollouts' task fills to the stream that the caller reads.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::time::Duration;

use serin_proto::admin::v1::{
    RecordResponse, RecordedAct, RecordedBlockErrors, RecordedStart, RecordedStream, recorded_act,
};
use serin_proto::fleet::v1 as wire;
use serin_rollout::outside::Told;
use serin_rollout::{Command, Order, RollbackScope};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;

use super::convert;
use crate::fleet::report::{Arm, Host, Stratum};
use crate::rollouts::{Acted, Logged, Merged, QUEUE_MAX, Recorded, Started, Streams};
use crate::shutdown::Ending;

pub(super) type RecordStream = Pin<Box<dyn Stream<Item = Result<RecordResponse, Status>> + Send>>;

/// Time after which a reader that takes nothing is given up.
const READER_DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of evidence in one response.
const PIECE_BYTES: usize = 1024 * 1024;

pub(super) fn stream(
    mut recorded: Receiver<Recorded>,
    lasting: Duration,
    one_in: u32,
    mut ending: Ending,
    place: OwnedSemaphorePermit,
) -> RecordStream {
    let (responses, stream) = mpsc::channel(2);
    // Whatever waits for the reader, there is room to say why the stream ends.
    let last = responses.clone().try_reserve_owned();
    let deadline = Instant::now() + lasting;
    tokio::spawn(async move {
        let failure = loop {
            let next = tokio::select! {
                next = recorded.recv() => next,
                () = sleep_until(deadline) => break None,
                () = responses.closed() => break None,
                () = ending.begun() => break Some(ends()),
            };
            let told = match next {
                Some(Recorded::Start(started)) => pieces(started),
                Some(Recorded::Report(merged)) => vec![report(&merged, one_in)],
                Some(Recorded::Logged(logged)) => vec![self::logged(logged)],
                Some(Recorded::Streams(streams)) => vec![self::streams(streams)],
                Some(Recorded::Told { rollout, told }) => vec![outside(rollout, &told)],
                Some(Recorded::Act(acted)) => vec![act(acted)],
                Some(Recorded::Over) => break None,
                Some(Recorded::Behind) => break Some(behind()),
                None => break Some(ends()),
            };
            if let ControlFlow::Break(failure) = send(&responses, told).await {
                break failure;
            }
        };
        if let (Some(failure), Ok(last)) = (failure, last) {
            last.send(Err(failure));
        }
        drop(place);
    });
    Box::pin(ReceiverStream::new(stream))
}

/// Breaks when the reader went away, or with a reason when it takes nothing.
async fn send(
    responses: &mpsc::Sender<Result<RecordResponse, Status>>,
    told: Vec<RecordResponse>,
) -> ControlFlow<Option<Status>> {
    for response in told {
        match timeout(READER_DEADLINE, responses.send(Ok(response))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return ControlFlow::Break(None),
            Err(_) => return ControlFlow::Break(Some(behind())),
        }
    }
    ControlFlow::Continue(())
}

fn behind() -> Status {
    Status::resource_exhausted(format!(
        "the reader fell more than {QUEUE_MAX} reports or {} s behind: the recording ends here, without a gap",
        READER_DEADLINE.as_secs()
    ))
}

fn ends() -> Status {
    Status::unavailable("the server ends")
}

/// How a rollout stood, in pieces that any client takes.
fn pieces(started: Started) -> Vec<RecordResponse> {
    let Started { at, ticked, plan, state, evidence } = started;
    let Ok(state_json) = serde_json::to_string(&state) else { return Vec::new() };
    let mut chunks: Vec<&[u8]> = evidence.chunks(PIECE_BYTES).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let last = chunks.len() - 1;
    let (mut plan_yaml, mut state_json) = (plan.source().to_owned(), state_json);
    let pieces = chunks.into_iter().enumerate().map(|(index, evidence)| RecordResponse {
        rollout_id: state.id.0.clone(),
        merged_at: Some(convert::timestamp(at)),
        start: Some(RecordedStart {
            plan_yaml: std::mem::take(&mut plan_yaml),
            state_json: std::mem::take(&mut state_json),
            evidence: evidence.to_vec(),
            last: index == last,
            last_tick_ms: ticked.map_or(0, |ticked| ticked.0),
        }),
        ..RecordResponse::default()
    });
    pieces.collect()
}

fn act(acted: Acted) -> RecordResponse {
    let Acted { rollout, at, command: Command { order, actor, reason } } = acted;
    let order = match order {
        Order::SetWeight(weight) => recorded_act::Order::SetWeightPpm(weight.ppm()),
        Order::Pause => recorded_act::Order::Pause(true),
        // Approvals are not recorded: on paper hooks do what they should.
        Order::Resume | Order::Approve(_) => recorded_act::Order::Resume(true),
        Order::Promote => recorded_act::Order::Promote(true),
        Order::HandOver => recorded_act::Order::HandOver(true),
        Order::OverrideWindows => recorded_act::Order::OverrideWindows(true),
        Order::Rollback { scope } => match scope {
            // No experiment is recorded.
            RollbackScope::Version | RollbackScope::Arm(_) => {
                recorded_act::Order::RollbackComponent(String::new())
            }
            RollbackScope::Component(name) => recorded_act::Order::RollbackComponent(name),
            RollbackScope::Block(name) => recorded_act::Order::RollbackBlock(name),
        },
    };
    RecordResponse {
        rollout_id: rollout,
        merged_at: Some(convert::timestamp(at)),
        act: Some(RecordedAct { actor, reason, order: Some(order) }),
        ..RecordResponse::default()
    }
}

fn logged(logged: Logged) -> RecordResponse {
    let Logged { rollout, at, failures } = logged;
    let failures = failures.into_iter().map(|one| RecordedBlockErrors {
        component: one.component,
        block: one.block,
        arm: one.arm.name().to_owned(),
        second: one.second,
        errors: one.failed,
    });
    RecordResponse {
        rollout_id: rollout.id.clone(),
        merged_at: Some(convert::timestamp(at)),
        weight_ppm: rollout.weight.ppm(),
        logged: failures.collect(),
        ..RecordResponse::default()
    }
}

fn streams(streams: Streams) -> RecordResponse {
    let Streams { rollout, at, counts } = streams;
    let counts = counts.into_iter().map(|one| RecordedStream {
        kind: one.id.kind.name().to_owned(),
        component: one.id.component,
        name: one.id.name,
        arm: one.arm.name().to_owned(),
        second: one.second,
        events: one.events,
        exposures: one.exposures,
        harmful: one.is_harmful,
        samples: one.samples,
    });
    RecordResponse {
        rollout_id: rollout.id.clone(),
        merged_at: Some(convert::timestamp(at)),
        weight_ppm: rollout.weight.ppm(),
        streams: counts.collect(),
        ..RecordResponse::default()
    }
}

fn outside(rollout: String, told: &Told) -> RecordResponse {
    RecordResponse {
        rollout_id: rollout,
        merged_at: Some(convert::timestamp(told.at)),
        outside_json: serde_json::to_string(told).unwrap_or_default(),
        ..RecordResponse::default()
    }
}

fn report(merged: &Merged, one_in: u32) -> RecordResponse {
    let Merged { rollout, at, report } = merged;
    let strata = report.strata.iter().filter(|stratum| stratum.service == rollout.service);
    RecordResponse {
        rollout_id: rollout.id.clone(),
        merged_at: Some(convert::timestamp(*at)),
        weight_ppm: rollout.weight.ppm(),
        node: report.vm.node.clone(),
        epoch: report.vm.epoch,
        complete_until_second: report.complete_until.unwrap_or_default(),
        host_sample: one_in,
        strata: strata.map(stratum).collect(),
        ..RecordResponse::default()
    }
}

fn stratum(stratum: &Stratum) -> wire::Stratum {
    wire::Stratum {
        service: stratum.service.clone(),
        component: stratum.component.clone(),
        start_second: stratum.second,
        arms: stratum.arms.iter().map(arm).collect(),
    }
}

fn arm(arm: &Arm) -> wire::ArmCounts {
    let outcomes = wire::OutcomeCounts {
        ok: arm.outcomes.ok,
        client_error: arm.outcomes.client_error,
        server_error: arm.outcomes.server_error,
        timeout: arm.outcomes.timeout,
        connect_failure: arm.outcomes.connect_failure,
        reset: arm.outcomes.reset,
        overload: arm.outcomes.overload,
        cancelled: arm.outcomes.cancelled,
    };
    wire::ArmCounts {
        arm: arm.name.clone(),
        started: arm.started,
        outcomes: (arm.outcomes.finished() > 0).then_some(outcomes),
        latency_hdr: arm.latency.as_ref().map(|latency| latency.to_v2_bytes()).unwrap_or_default(),
        open: arm.open,
        hosts: arm.hosts.iter().map(host).collect(),
        users_seen: arm.users.seen,
        users_failed: arm.users.failed,
        blocks: arm.blocks.iter().map(block).collect(),
    }
}

fn block((block, errors): &(String, u64)) -> wire::BlockErrors {
    wire::BlockErrors { block: block.clone(), errors: *errors }
}

fn host(host: &Host) -> wire::HostCounts {
    wire::HostCounts {
        address: host.address.clone(),
        requests: host.requests,
        errors: host.errors,
        latency_hdr: host.latency.as_ref().map(|latency| latency.to_v2_bytes()).unwrap_or_default(),
    }
}
