//! What is to be sent.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::sample::ROUTES;

/// A load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to.
    pub address: SocketAddr,
    /// Rate, above 0.
    pub requests_per_second: f64,
    /// Ends after this time,
    pub duration: Duration,
    /// or after this many requests, whichever comes first.
    pub max_requests: u64,
    /// Requests that may be under way at once.
    pub max_in_flight: usize,
    /// Deadline of one request, from the moment it was due.
    pub timeout: Duration,
    /// Number of distinct users, named `user-0` and so on in the header `x-user-id`. 0: no user header.
    pub users: u64,
    /// Makes two runs alike.
    pub seed: u64,
    /// What is asked for, in proportion to the weights.
    pub targets: Vec<Target>,
}

impl Plan {
    /// The ten routes of the sample service, evenly, from 10,000 users, until stopped (at most an hour).
    #[must_use]
    pub fn of_shop(address: SocketAddr, requests_per_second: f64) -> Self {
        Self {
            address,
            requests_per_second,
            duration: Duration::from_secs(3600),
            max_requests: u64::MAX,
            max_in_flight: 1_024,
            timeout: Duration::from_secs(20),
            users: 10_000,
            seed: 1,
            targets: shop(),
        }
    }

    /// Ends after this time.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Ends after this many requests.
    #[must_use]
    pub fn at_most(mut self, requests: u64) -> Self {
        self.max_requests = requests;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.requests_per_second > 0.0, "the rate of a load must be above 0");
        ensure!(self.targets.iter().any(|target| target.weight > 0), "a load needs a target with a weight");
        ensure!(self.max_in_flight > 0, "a load needs room for one request");
        Ok(())
    }
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name in the [`super::Summary`], for example `/orders/{id}`.
    pub route: String,
    /// Method.
    pub method: hyper::Method,
    /// Path; `{id}` becomes a number from 0 to 99.
    pub path: String,
    /// Share of the load, in relation to the other targets.
    pub weight: u32,
    /// Headers besides the user's.
    pub headers: Vec<(String, String)>,
    /// Called as gRPC over HTTP/2, with the status read from trailers or headers.
    pub grpc: bool,
}

impl Target {
    /// A `GET` of a route of the sample service.
    #[must_use]
    pub fn get(route: &str) -> Self {
        Self {
            route: route.to_owned(),
            method: hyper::Method::GET,
            path: route.to_owned(),
            weight: 1,
            headers: Vec::new(),
            grpc: false,
        }
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// One target for each route of the sample service, all alike.
#[must_use]
pub fn shop() -> Vec<Target> {
    ROUTES.iter().map(|route| Target::get(route)).collect()
}
