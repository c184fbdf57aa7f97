//! One stream of snapshots. A reader that is slow gets fewer of them, always the newest.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serin_proto::admin::v1::WatchResponse;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::timeout;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;

use super::convert;
use crate::shutdown::Ending;
use crate::snapshot::Snapshot;

pub(super) type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

/// Time after which a reader that takes nothing is given up.
const READER_DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn stream(
    mut newest: watch::Receiver<Arc<Snapshot>>,
    mut ending: Ending,
    place: OwnedSemaphorePermit,
) -> WatchStream {
    let (snapshots, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let snapshot = Arc::clone(&newest.borrow_and_update());
            let rollout = Some(convert::rollout(&snapshot));
            let sent = timeout(READER_DEADLINE, snapshots.send(Ok(WatchResponse { rollout }))).await;
            if !matches!(sent, Ok(Ok(()))) || snapshot.phase.is_terminal() {
                break;
            }
            tokio::select! {
                changed = newest.changed() => if changed.is_err() { break },
                () = snapshots.closed() => break,
                () = ending.begun() => {
                    let _reader_may_be_gone = snapshots.try_send(Err(Status::unavailable("the server ends")));
                    break;
                }
            }
        }
        drop(place);
    });
    Box::pin(ReceiverStream::new(stream))
}
