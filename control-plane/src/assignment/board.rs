//! Where the newest assignment hangs for every stream to see.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::Published;

/// The newest assignment. A reader that is slow misses the ones between and sees the newest.
#[derive(Debug)]
pub struct Board {
    newest: watch::Sender<Posted>,
}

/// An assignment, and when it was decided.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The assignment.
    pub published: Arc<Published>,
    /// When the decision behind it was taken; to measure how long the fleet needs.
    pub decided: Instant,
}

impl Board {
    /// Begins with `published`.
    #[must_use]
    pub fn new(published: Published) -> Self {
        let posted = Posted { published: Arc::new(published), decided: Instant::now() };
        Self { newest: watch::Sender::new(posted) }
    }

    /// Offers a new assignment, decided at `decided`.
    pub fn post(&self, published: Published, decided: Instant) {
        self.newest.send_replace(Posted { published: Arc::new(published), decided });
    }

    /// The newest assignment.
    #[must_use]
    pub fn newest(&self) -> Arc<Published> {
        Arc::clone(&self.newest.borrow().published)
    }

    /// A place to wait for the next one.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Posted> {
        self.newest.subscribe()
    }
}
