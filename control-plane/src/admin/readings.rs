//! Reads the journal beside the store, over connections of its own: no decision waits for who looks back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::Status;

use super::failure;
use crate::store::{Reader, StoreError};

/// Calls that read at a time; more wait.
const READINGS_MAX: usize = 4;
/// Time for a call to begin.
const DEADLINE: Duration = Duration::from_secs(5);

/// What reads.
#[derive(Clone, Debug)]
pub(crate) struct Readings {
    data: PathBuf,
    places: Arc<Semaphore>,
}

impl Readings {
    /// Of the database in `data`.
    pub(crate) fn new(data: PathBuf) -> Self {
        Self { data, places: Arc::new(Semaphore::new(READINGS_MAX)) }
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Status> {
        let place = timeout(DEADLINE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(Status::unavailable("too many calls read the journal: try again"));
        };
        let data = self.data.clone();
        let read = tokio::task::spawn_blocking(move || {
            let answer = Reader::open(&data).and_then(|mut reader| call(&mut reader));
            drop(place);
            answer
        });
        read.await.map_err(|_| Status::unavailable("the server ends"))?.map_err(failure::store)
    }
}
