//! Probes against real servers and hostile ones, all on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails panics"
)]

mod grpc;
mod hostile;
mod postgres;
mod server;

use std::time::Duration;

use serin_outside::{AddressPolicy, HttpClient, Roots};
use serin_probe::{Prober, Targets};

const WITHIN: Duration = Duration::from_secs(2);

fn prober(permit: &[&str], targets: Targets) -> Prober {
    let permit = permit.iter().map(|network| network.parse().unwrap()).collect();
    let roots = Roots::system();
    let client = HttpClient::new(AddressPolicy::new(permit), &roots).unwrap();
    Prober::new(client, &roots, targets).unwrap()
}

fn local(targets: Targets) -> Prober {
    prober(&["127.0.0.0/8"], targets)
}
