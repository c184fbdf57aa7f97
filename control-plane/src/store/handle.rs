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

type Work = Box<dyn FnOnce(&mut dyn Store) + Send>;

enum Call {
    Run(Work),
    Close(oneshot::Sender<()>),
}

/// Lets async tasks use a store. Calls run in the order in which they were made.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    calls: mpsc::Sender<Call>,
}

impl StoreHandle {
    /// Starts the thread. It ends when it is told to, or when the last handle is gone.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(mut store: Box<dyn Store>) -> std::io::Result<Self> {
        let (calls, mut queue) = mpsc::channel::<Call>(QUEUE);
        thread::Builder::new().name("store".to_owned()).spawn(move || {
            while let Some(call) = queue.blocking_recv() {
                match call {
                    Call::Run(call) => call(store.as_mut()),
                    Call::Close(closed) => {
                        drop(store);
                        let _caller_may_be_gone = closed.send(());
                        return;
                    }
                }
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
        let boxed = Call::Run(Box::new(move |store| {
            let _caller_may_be_gone = answer.send(call(store));
        }));
        let outcome = timeout(DEADLINE, async {
            self.calls.send(boxed).await.map_err(|_| StoreError::Gone)?;
            answered.await.map_err(|_| StoreError::Gone)?
        });
        outcome.await.unwrap_or(Err(StoreError::Gone))
    }

    /// Closes the store after the calls that wait, so that another process may open it. Later calls fail.
    pub async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        let asked = self.calls.send(Call::Close(closed));
        let _gone_or_late = timeout(DEADLINE, async { asked.await.is_ok() && is_closed.await.is_ok() }).await;
    }
}
