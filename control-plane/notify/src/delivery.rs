//! What becomes of a message after an attempt to send it.

use std::time::Duration;

use serin_outside::retry::Schedule;
use serin_rollout::UnixMillis;

/// Longest wait that a target can ask for.
const ASKED_MAX: Duration = Duration::from_hours(1);

/// How an attempt ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The target has it.
    Delivered,
    /// The target does not take this message, however often it comes.
    Refused {
        /// Why.
        why: String,
    },
    /// The target could not take it, or cannot be reached.
    Failed {
        /// Why.
        why: String,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
}

/// What follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Nothing: it is delivered.
    Done,
    /// It is sent again.
    Again {
        /// Not before.
        at: UnixMillis,
    },
    /// It is given up, and kept for people.
    Dead,
}

/// Waits of 2 s to 30 min, which double: with twelve attempts, a target may be away for half an hour at least.
#[must_use]
pub fn schedule(attempts: u32) -> Schedule {
    Schedule { first: Duration::from_secs(2), longest: Duration::from_mins(30), attempts }
}

/// What follows from attempt number `attempts`, counted from 1.
#[must_use]
pub fn next(outcome: &Outcome, attempts: u32, schedule: Schedule, now: UnixMillis, draw: u32) -> Next {
    match outcome {
        Outcome::Delivered => Next::Done,
        Outcome::Refused { .. } => Next::Dead,
        Outcome::Failed { after, .. } => match schedule.wait(attempts, draw) {
            None => Next::Dead,
            Some(wait) => {
                let wait = after.map_or(wait, |asked| wait.max(asked.min(ASKED_MAX)));
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                Next::Again { at: UnixMillis(now.0.saturating_add(wait_ms)) }
            }
        },
    }
}

impl Outcome {
    /// What an HTTP answer means. What is wrong with the message itself is not sent again.
    #[must_use]
    pub fn of_status(status: u16, retry_after: Option<&str>) -> Self {
        let why = format!("the target answered {status}");
        match status {
            200..=299 => Self::Delivered,
            400 | 413 | 415 | 422 => Self::Refused { why },
            300..=399 => Self::Failed { why: format!("{why}: redirects are not followed"), after: None },
            _ => {
                let seconds = retry_after.and_then(|text| text.trim().parse().ok());
                Self::Failed { why, after: seconds.map(Duration::from_secs) }
            }
        }
    }

    /// Why it failed.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Refused { why } | Self::Failed { why, .. } => Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn failed(after: Option<Duration>) -> Outcome {
        Outcome::Failed { why: "away".to_owned(), after }
    }

    #[test]
    fn attempts_are_made_at_growing_distances_until_they_are_used_up() {
        let (mut now, mut attempts) = (NOW, 0);
        loop {
            attempts += 1;
            match next(&failed(None), attempts, schedule(12), now, 0) {
                Next::Again { at } => now = at,
                Next::Dead => break,
                Next::Done => panic!("it was not delivered"),
            }
        }
        assert_eq!(attempts, 12);
        assert!(now.since(NOW) >= Duration::from_mins(30), "{:?}", now.since(NOW));
        assert_eq!(next(&Outcome::Delivered, 3, schedule(12), NOW, 0), Next::Done);
    }

    #[test]
    fn a_target_may_ask_for_a_longer_wait_and_for_no_shorter_one() {
        let wait = |after, attempts| match next(&failed(after), attempts, schedule(12), NOW, 0) {
            Next::Again { at } => at.since(NOW),
            Next::Done | Next::Dead => panic!("it is not sent again"),
        };
        assert_eq!(wait(Some(Duration::from_secs(60)), 1), Duration::from_secs(60));
        assert_eq!(wait(Some(Duration::ZERO), 1), Duration::from_secs(1));
        assert_eq!(wait(Some(Duration::MAX), 1), ASKED_MAX);
    }

    #[test]
    fn each_status_is_delivered_or_refused_or_tried_again() {
        for (status, delivered, again) in [
            (200, true, false),
            (202, true, false),
            (204, true, false),
            (301, false, true),
            (307, false, true),
            (400, false, false),
            (401, false, true),
            (404, false, true),
            (413, false, false),
            (422, false, false),
            (429, false, true),
            (500, false, true),
            (503, false, true),
        ] {
            let outcome = Outcome::of_status(status, None);
            let is_again = matches!(next(&outcome, 1, schedule(12), NOW, 0), Next::Again { .. });
            assert_eq!((outcome == Outcome::Delivered, is_again), (delivered, again), "{status}");
        }
        let Outcome::Failed { after, .. } = Outcome::of_status(429, Some(" 30 ")) else { panic!() };
        assert_eq!(after, Some(Duration::from_secs(30)));
        let Outcome::Failed { after, .. } = Outcome::of_status(503, Some("Wed, 21 Oct 2026")) else {
            panic!()
        };
        assert_eq!(after, None);
    }
}
