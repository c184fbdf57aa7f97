//! One page that is looked at.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{Frame, Frames};
use crate::clock;
use crate::http::Dashboard;

/// A page is rendered at least so often.
const EVERY: Duration = Duration::from_secs(1);
/// And at most so often.
const SPACING: Duration = Duration::from_millis(200);

/// Which page.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::http) enum Page {
    /// All rollouts.
    Fleet,
    /// All Envoys.
    Nodes,
    /// One, by its identifier.
    Rollout(String),
    /// A component of one; an empty name is the whole version.
    Component(String, String),
}

/// A page, as a kind of viewer sees it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::http) struct Topic {
    pub(in crate::http) page: Page,
    pub(in crate::http) may_act: bool,
}

/// Ends the topic however its task ends.
struct Listed {
    dashboard: Dashboard,
    topic: Topic,
    frames: Arc<Frames>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.dashboard.hub().end(&self.topic, &self.frames);
    }
}

/// Renders a page until nobody looks at it, it is gone, or the server ends.
pub(super) async fn run(dashboard: Dashboard, topic: Topic, frames: Arc<Frames>) {
    let listed = Listed { dashboard, topic, frames };
    let Listed { dashboard, topic, frames } = &listed;
    let (mut turns, mut ending) = (dashboard.directory().turns(), dashboard.ending());
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut rendered_at) = (None, Instant::now());
    loop {
        tokio::select! {
            biased;
            () = ending.begun() => return,
            turned = turns.changed() => {
                if turned.is_err() {
                    return;
                }
                sleep_until(rendered_at + SPACING).await;
                turns.mark_unchanged();
            }
            _tick = ticks.tick() => {}
        }
        if dashboard.hub().end_if_unseen(topic, frames) {
            return;
        }
        rendered_at = Instant::now();
        let rendered = match dashboard.render(&topic.page, topic.may_act).await {
            Ok(rendered) => rendered,
            Err(status) if status.code() == tonic::Code::NotFound => return,
            // Without a tick a page says by itself that it is old.
            Err(_busy) => continue,
        };
        let frame = Arc::new(Frame::after(before.as_ref(), rendered, clock::now()));
        frames.send_replace(Some(Arc::clone(&frame)));
        before = Some(frame);
    }
}
