//! One viewer of a topic.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::Frame;
use crate::http::Dashboard;
use crate::http::gate::Key;

/// Time after which a viewer that takes nothing is given up.
const VIEWER_DEADLINE: Duration = Duration::from_secs(30);

/// What lets a viewer read.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Reading {
    /// The session; the stream ends with it. `None`: there is none.
    pub(in crate::http) session: Option<Key>,
}

pub(super) fn stream(
    dashboard: Dashboard,
    mut frames: watch::Receiver<Option<Arc<Frame>>>,
    reading: Reading,
    place: OwnedSemaphorePermit,
) -> Body {
    let (pieces, stream) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    tokio::spawn(async move {
        let (mut seen, mut ending) = (None, dashboard.ending());
        loop {
            let newest = frames.borrow_and_update().clone();
            if let Some(frame) = newest {
                let (bytes, version) = frame.bytes(seen);
                seen = Some(version);
                if !matches!(timeout(VIEWER_DEADLINE, pieces.send(Ok(bytes))).await, Ok(Ok(()))) {
                    break;
                }
            }
            tokio::select! {
                changed = frames.changed() => if changed.is_err() { break },
                () = pieces.closed() => break,
                () = ending.begun() => break,
            }
            if reading.session.is_some_and(|key| !dashboard.gate().lasts(key, Instant::now())) {
                break;
            }
        }
        drop(place);
    });
    Body::from_stream(ReceiverStream::new(stream))
}
