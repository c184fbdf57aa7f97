//! Following a rollout through dropped connections.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use serin_proto::admin::v1 as proto;
use tokio::time::Instant;
use tonic::Streaming;

use super::Client;
use super::refusal::Refusal;
use crate::failure::Failure;
use crate::model::Rollout;

/// The server speaks at least once a second; after this silence the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a lost connection is tried again before the watch gives up.
const RECONNECT: Duration = Duration::from_secs(60);
/// First and longest pause between two attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A rollout that is followed. After the first snapshot it is the rollout of that identifier, even if a service
/// name was given and a newer rollout of the service begins.
pub(crate) struct Watch {
    client: Client,
    id: String,
    stream: Option<Streaming<proto::WatchResponse>>,
    /// When the last snapshot came; `None` before the first one, when nothing is tried twice.
    heard: Option<Instant>,
    pause: Duration,
    /// Once a snapshot came, it never gives up.
    is_endless: bool,
}

impl Watch {
    pub(super) fn new(client: Client, id: String) -> Self {
        Self { client, id, stream: None, heard: None, pause: PAUSE.0, is_endless: false }
    }

    /// The same, trying again until the server answers, however long it stays away.
    pub(crate) fn without_end(mut self) -> Self {
        self.is_endless = true;
        self
    }

    /// The next snapshot. Waits until there is one; fails when the server refuses, or stays away for a minute.
    pub(crate) async fn next(&mut self) -> Result<Rollout, Failure> {
        loop {
            match self.attempt().await {
                Ok(rollout) => {
                    self.heard = Some(Instant::now());
                    self.pause = PAUSE.0;
                    self.id.clone_from(&rollout.id);
                    return Ok(rollout);
                }
                Err(refusal) => {
                    self.stream = None;
                    let tried_long_enough =
                        self.heard.is_none_or(|heard| !self.is_endless && heard.elapsed() >= RECONNECT);
                    if tried_long_enough || !refusal.is_passing() {
                        return Err(refusal.into());
                    }
                    tokio::time::sleep(jittered(self.pause)).await;
                    self.pause = (self.pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<Rollout, Refusal> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = tonic::Request::new(proto::WatchRequest { id: self.id.clone() });
                let mut service = self.client.service.clone();
                let stream = self.client.bounded(service.watch(request)).await?;
                self.stream.insert(stream)
            }
        };
        let server = &self.client.server;
        match tokio::time::timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(proto::WatchResponse { rollout: Some(rollout) }))) => Ok(rollout.into()),
            Ok(Ok(Some(proto::WatchResponse { rollout: None }) | None)) => Err(Refusal::lost(server)),
            Ok(Err(status)) => Err(Refusal::new(&status, server)),
            Err(_) => Err(Refusal::timeout(SILENCE, server)),
        }
    }
}

/// Between half of `pause` and all of it, so that many clients do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = std::hash::RandomState::new().build_hasher().finish();
    let part = u32::try_from(random % 1_000).unwrap_or(0);
    pause / 2 + (pause / 2) * part / 1_000
}
