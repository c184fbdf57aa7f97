//! One recording, from the queue that the rollouts' task fills to the stream that the caller reads.

use std::pin::Pin;
use std::time::Duration;

use serin_proto::admin::v1::RecordResponse;
use serin_proto::fleet::v1 as wire;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;

use super::convert;
use crate::fleet::report::{Arm, Host, Stratum};
use crate::rollouts::{Merged, QUEUE_MAX, Recorded};
use crate::shutdown::Ending;

pub(super) type RecordStream = Pin<Box<dyn Stream<Item = Result<RecordResponse, Status>> + Send>>;

/// Time after which a reader that takes nothing is given up.
const READER_DEADLINE: Duration = Duration::from_secs(30);

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
            let merged = match next {
                Some(Recorded::Report(merged)) => merged,
                Some(Recorded::Over) => break None,
                Some(Recorded::Behind) => break Some(behind()),
                None => break Some(ends()),
            };
            let sent = timeout(READER_DEADLINE, responses.send(Ok(response(&merged, one_in)))).await;
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => break None,
                Err(_) => break Some(behind()),
            }
        };
        if let (Some(failure), Ok(last)) = (failure, last) {
            last.send(Err(failure));
        }
        drop(place);
    });
    Box::pin(ReceiverStream::new(stream))
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

fn response(merged: &Merged, one_in: u32) -> RecordResponse {
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
    }
}

fn host(host: &Host) -> wire::HostCounts {
    wire::HostCounts {
        address: host.address.clone(),
        requests: host.requests,
        errors: host.errors,
        latency_hdr: host.latency.as_ref().map(|latency| latency.to_v2_bytes()).unwrap_or_default(),
    }
}
