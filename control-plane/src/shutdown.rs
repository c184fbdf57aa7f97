//! How the process ends: asked by a signal, within a deadline.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Time for everything that is under way.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
/// When the system takes no handler.
pub async fn asked() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _signal = interrupt.recv() => {},
        _signal = terminate.recv() => {},
    }
    Ok(())
}

/// Begins the end; the last one dropped begins it too.
#[derive(Debug)]
pub struct Begin(watch::Sender<bool>);

/// Tells whether the end has begun.
#[derive(Clone, Debug)]
pub struct Ending(watch::Receiver<bool>);

/// A pair of both.
#[must_use]
pub fn channel() -> (Begin, Ending) {
    let (begin, ending) = watch::channel(false);
    (Begin(begin), Ending(ending))
}

impl Begin {
    /// From now on everything ends.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Ending {
    /// True once the end has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end begins.
    pub async fn begun(&mut self) {
        let _sender_may_be_gone = self.0.wait_for(|ending| *ending).await;
    }
}
