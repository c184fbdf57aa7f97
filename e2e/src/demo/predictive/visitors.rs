//! People who open a page, and whose browsers tell what became of it.
//!
//! Each opens the page through Envoy, learns from the answer which version served it, does what people do on that version, and
//! sends the beacon that `serin.js` would send. Nobody tells the beacon which version it was.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::http::{self, HttpClient};

/// Between two visitors.
const EVERY: Duration = Duration::from_millis(20);
/// The page that they open.
const PAGE: &str = "/checkout";
/// Part of them that converts while nothing is wrong.
const CONVERTING: f64 = 0.3;
/// What a browser calls itself: what has no name is taken for a bot.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Users, of whom one comes after the other.
const USERS: u64 = 5_000;

/// What people do on a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Part that converts.
    pub(super) converting: f64,
}

/// The visitors. They stop when this is dropped.
#[derive(Debug)]
pub(super) struct Visitors {
    habits: Arc<Mutex<BTreeMap<String, Habits>>>,
    told: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Visitors {
    pub(super) fn start(envoy: SocketAddr) -> Self {
        let (habits, told) = (Arc::default(), Arc::default());
        let task = tokio::spawn(visit(envoy, Arc::clone(&habits), Arc::clone(&told)));
        Self { habits, told, task }
    }

    /// What people do on a version from now on.
    pub(super) fn set(&self, version: &str, habits: Habits) {
        self.habits.lock().unwrap_or_else(PoisonError::into_inner).insert(version.to_owned(), habits);
    }

    /// Ends it, and says how many page views were told.
    pub(super) fn stop(self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn visit(envoy: SocketAddr, habits: Arc<Mutex<BTreeMap<String, Habits>>>, told: Arc<AtomicU64>) {
    let client = http::client();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for visitor in 0_u64.. {
        ticks.tick().await;
        let (client, habits, told) = (client.clone(), Arc::clone(&habits), Arc::clone(&told));
        tokio::spawn(async move {
            if view(&client, envoy, visitor, &habits).await.is_some() {
                told.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// Opens the page and tells what became of it. `None`: it could not be opened, or nobody took the beacon.
async fn view(
    client: &HttpClient,
    envoy: SocketAddr,
    visitor: u64,
    habits: &Mutex<BTreeMap<String, Habits>>,
) -> Option<()> {
    let user = format!("user-{}", visitor % USERS);
    let get = Request::get(format!("http://{envoy}{PAGE}")).header("x-user-id", &user);
    let page = http::exchange(client, get.body(Full::default()).ok()?).await.ok()?;
    let version = page.header("x-version")?.to_owned();
    let known = habits.lock().unwrap_or_else(PoisonError::into_inner).get(&version).copied();
    let converting = known.map_or(CONVERTING, |habits| habits.converting);
    // Spread evenly, so that two runs are alike.
    let draw = (visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64;
    let converts = u8::from(draw < converting);
    let beacon = format!("v=1\np={PAGE}\nt=500\nl=400\nc=3\nk={converts}\na=0");
    let post = Request::post(format!("http://{envoy}/.well-known/serin/beacon"));
    let post = post.header("x-user-id", &user).header("user-agent", BROWSER);
    let answer = http::exchange(client, post.body(Full::new(Bytes::from(beacon))).ok()?).await.ok()?;
    (answer.status() == 204).then_some(())
}
