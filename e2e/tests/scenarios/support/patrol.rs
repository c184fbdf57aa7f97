//! The same users asking over and over: notes every request that fails and every user who gets another version than
//! expected.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::crowd::{Ask, Client};

/// Problems that are told in words.
const TOLD: usize = 5;

/// A patrol on its way. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Patrol {
    stop: Arc<AtomicBool>,
    lanes: JoinSet<Findings>,
}

/// What a patrol found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Requests sent.
    pub(crate) asked: u64,
    /// Requests without an answer of status 200.
    pub(crate) failed: u64,
    /// Answers by another version than expected.
    pub(crate) changed: u64,
    /// The first problems.
    pub(crate) problems: Vec<String>,
}

impl Findings {
    /// Fails unless every request was answered by the version that was expected.
    pub(crate) fn assert_clean(&self) {
        assert_eq!((self.failed, self.changed), (0, 0), "{self:?}");
        assert!(self.asked > 100, "too few requests to tell: {self:?}");
    }

    fn problem(&mut self, problem: String) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        }
    }

    fn merge(&mut self, other: Self) {
        self.asked += other.asked;
        self.failed += other.failed;
        self.changed += other.changed;
        other.problems.into_iter().for_each(|problem| self.problem(problem));
    }
}

impl Patrol {
    /// `expected` tells the version for each of the users `user-0`, `user-1`, …; an empty text expects nothing. About
    /// `requests_per_second` are sent, fewer when the answers are slow.
    pub(crate) fn start(address: SocketAddr, expected: &[String], requests_per_second: u32) -> Self {
        const LANES: usize = 8;
        let stop = Arc::new(AtomicBool::new(false));
        let expected: Arc<[String]> = expected.into();
        let pause = Duration::from_secs(1) * u32::try_from(LANES).unwrap() / requests_per_second;
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            lanes.spawn(walk(address, Arc::clone(&expected), Arc::clone(&stop), lane, LANES, pause));
        }
        Self { stop, lanes }
    }

    /// Ends it and tells what it found.
    pub(crate) async fn finish(mut self) -> Findings {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Findings::default();
        while let Some(findings) = self.lanes.join_next().await {
            all.merge(findings.unwrap());
        }
        all
    }
}

async fn walk(
    address: SocketAddr,
    expected: Arc<[String]>,
    stop: Arc<AtomicBool>,
    lane: usize,
    lanes: usize,
    pause: Duration,
) -> Findings {
    let client = Client::new();
    let mut findings = Findings::default();
    let mut beat = tokio::time::interval(pause);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for (user, expected) in expected.iter().enumerate().cycle().skip(lane).step_by(lanes) {
        beat.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        findings.asked += 1;
        match client.ask(address, &Ask::get("/home").user(&format!("user-{user}"))).await {
            Ok(answer) if answer.status() == 200 => {
                let version = answer.header("x-version").unwrap_or("none");
                if !expected.is_empty() && version != expected {
                    findings.changed += 1;
                    findings.problem(format!("user-{user} got {version}, not {expected}"));
                }
            }
            Ok(answer) => {
                findings.failed += 1;
                findings.problem(format!("user-{user} got status {}: {}", answer.status(), answer.text()));
            }
            Err(error) => {
                findings.failed += 1;
                findings.problem(format!("user-{user} got no answer: {error:#}"));
            }
        }
    }
    findings
}
