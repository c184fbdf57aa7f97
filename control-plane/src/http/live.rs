//! Pages that change while somebody looks: one stream of server-sent events for each viewer.
//!
//! What people look at is a *topic*: a page, and whether its buttons act. A topic begins with its first viewer and ends with its
//! last; it is rendered once a second, and at once when a rollout has an event, and what changed is told to all its viewers in the
//! same bytes. So a hundred viewers cost little more than one. Nothing is queued for a viewer that is slow: it gets the whole page
//! as it is once it takes something again. No page waits for a viewer, and no decision waits for a page.

mod frame;
mod topic;
mod viewer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::Dashboard;
use frame::Frame;
pub(super) use topic::{Page, Topic};
pub(super) use viewer::Reading;

/// Viewers at a time.
pub(super) const VIEWERS_MAX: usize = 512;
/// Topics at a time.
pub(super) const TOPICS_MAX: usize = 256;

type Frames = watch::Sender<Option<Arc<Frame>>>;

/// All topics that somebody looks at.
#[derive(Debug)]
pub(crate) struct Hub {
    topics: Mutex<BTreeMap<Topic, Arc<Frames>>>,
    places: Arc<Semaphore>,
}

/// Why a stream does not begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Full {
    #[error("{VIEWERS_MAX} live pages are open already: this one shows what it was when it was loaded")]
    Viewers,
    #[error(
        "{TOPICS_MAX} different pages are looked at already: this one shows what it was when it was loaded"
    )]
    Topics,
}

impl Default for Hub {
    fn default() -> Self {
        Self { topics: Mutex::default(), places: Arc::new(Semaphore::new(VIEWERS_MAX)) }
    }
}

impl Hub {
    fn topics(&self) -> MutexGuard<'_, BTreeMap<Topic, Arc<Frames>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream of what changes on a page, after the page as it is.
    pub(super) fn join(
        dashboard: &Dashboard,
        topic: Topic,
        reading: Reading,
    ) -> Result<axum::body::Body, Full> {
        let hub = dashboard.hub();
        let place = Arc::clone(&hub.places).try_acquire_owned().map_err(|_| Full::Viewers)?;
        let mut topics = hub.topics();
        let frames = if let Some(frames) = topics.get(&topic) {
            frames.subscribe()
        } else {
            if topics.len() >= TOPICS_MAX {
                return Err(Full::Topics);
            }
            let frames = Arc::new(watch::Sender::new(None));
            let viewed = frames.subscribe();
            topics.insert(topic.clone(), Arc::clone(&frames));
            tokio::spawn(topic::run(dashboard.clone(), topic, frames));
            viewed
        };
        drop(topics);
        Ok(viewer::stream(dashboard.clone(), frames, reading, place))
    }

    /// Ends a topic, unless somebody looks at it.
    fn end_if_unseen(&self, topic: &Topic, frames: &Arc<Frames>) -> bool {
        let mut topics = self.topics();
        let is_unseen = frames.receiver_count() == 0;
        if is_unseen && topics.get(topic).is_some_and(|held| Arc::ptr_eq(held, frames)) {
            topics.remove(topic);
        }
        is_unseen
    }

    /// Ends a topic, whoever looks at it.
    fn end(&self, topic: &Topic, frames: &Arc<Frames>) {
        let mut topics = self.topics();
        if topics.get(topic).is_some_and(|held| Arc::ptr_eq(held, frames)) {
            topics.remove(topic);
        }
    }
}
