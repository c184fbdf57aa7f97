//! Gives a blocking store one thread of its own.

use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Store, StoreError};

/// Calls that may wait; more make the callers wait.
const QUEUE: usize = 64;
/// How long a call may take, waiting included.
const DEADLINE: Duration = Duration::from_secs(10);

type Call = Box<dyn FnOnce(&mut dyn Store) + Send>;

/// Lets async tasks use a store. Calls run in the order in which they were made.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    calls: mpsc::Sender<Call>,
}

impl StoreHandle {
    /// Starts the thread. It ends when the last handle is gone.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(mut store: Box<dyn Store>) -> std::io::Result<Self> {
        let (calls, mut queue) = mpsc::channel::<Call>(QUEUE);
        thread::Builder::new().name("store".to_owned()).spawn(move || {
            while let Some(call) = queue.blocking_recv() {
                call(store.as_mut());
            }
        })?;
        Ok(Self { calls })
    }

    /// Runs `call` on the store's thread.
    ///
    /// # Errors
    /// What `call` says, or [`StoreError::Gone`] after ten seconds. The call may still take effect then.
    pub async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let boxed: Call = Box::new(move |store| {
            let _caller_may_be_gone = answer.send(call(store));
        });
        let outcome = timeout(DEADLINE, async {
            self.calls.send(boxed).await.map_err(|_| StoreError::Gone)?;
            answered.await.map_err(|_| StoreError::Gone)?
        });
        outcome.await.unwrap_or(Err(StoreError::Gone))
    }
}
