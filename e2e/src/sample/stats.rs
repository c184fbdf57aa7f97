//! Exact counts of what was asked and what was answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What `GET /_stats` tells.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Stats {
    /// Version of the service.
    pub version: String,
    /// Requests, by what they were and what became of them.
    pub requests: Vec<Count>,
}

impl Stats {
    /// Requests that fit `wanted`, added up.
    #[must_use]
    pub fn total(&self, mut wanted: impl FnMut(&Key) -> bool) -> u64 {
        self.requests.iter().filter(|count| wanted(&count.key)).map(|count| count.requests).sum()
    }
}

/// So many requests of one kind.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Count {
    /// Which.
    #[serde(flatten)]
    pub key: Key,
    /// How many.
    pub requests: u64,
}

/// A kind of request.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Key {
    /// Route as in [`super::ROUTES`], the gRPC method, `/echo`, or `other`.
    pub route: String,
    /// HTTP status, or `hang`, `reset`, `close_mid_body`.
    pub status: String,
    /// gRPC status. Absent: not gRPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u16>,
    /// Value of the request header `x-serin-arm`. Absent: the request had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
}

/// The counters. Their number is bounded: routes and outcomes are fixed, and arms beyond [`Counts::ARMS`] are
/// counted as `other`.
#[derive(Debug, Default)]
pub(super) struct Counts {
    counts: Mutex<BTreeMap<Key, u64>>,
}

impl Counts {
    /// Values of the arm header that are kept apart.
    const ARMS: [&str; 2] = ["canary", "baseline"];

    pub(super) fn add(&self, mut key: Key) {
        if let Some(arm) = key.arm.as_mut().filter(|arm| !Self::ARMS.contains(&arm.as_str())) {
            "other".clone_into(arm);
        }
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    pub(super) fn list(&self) -> Vec<Count> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, requests)| Count { key: key.clone(), requests: *requests }).collect()
    }
}
