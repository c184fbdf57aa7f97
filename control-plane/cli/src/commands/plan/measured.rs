//! The traffic that a server sees, as expectations need it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serin_rollout::Traffic;

use crate::failure::{Failure, Kind};
use crate::model::LiveTraffic;
use crate::output::{duration, percent};

/// Requests a second for which expectations are simulated.
const RATES: (f64, f64) = (0.1, 20_000.0);
/// Shortest and longest median latency for which they are.
const LATENCIES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(60));

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    /// Over so many seconds.
    seconds: u32,
    /// Requests a second, by arm.
    arms: BTreeMap<String, f64>,
    #[serde(skip)]
    requests_per_second: f64,
    #[serde(skip)]
    error_rate: f64,
    #[serde(skip)]
    latency: Duration,
    /// The median latency was measured too.
    latency_measured: bool,
}

impl Measured {
    /// `latency` stands in for a median that the server does not know.
    pub(super) fn of(service: &str, live: &LiveTraffic, latency: Duration) -> Result<Self, Failure> {
        let seconds = f64::from(live.seconds.max(1));
        let requests: u64 = live.arms.iter().map(|arm| arm.requests).fold(0, u64::saturating_add);
        let errors: u64 = live.arms.iter().map(|arm| arm.errors).fold(0, u64::saturating_add);
        let rate = requests as f64 / seconds;
        if rate < RATES.0 {
            let words = match requests {
                0 => format!("no request of {service} was reported in the last minute"),
                _ => format!("{service} gets fewer than {} requests a second, too few to say", RATES.0),
            };
            return Err(Failure::new(Kind::Refused, words).advise(
                "`serin nodes` shows which Envoys report; say the traffic that you expect with --rps instead",
            ));
        }
        let known = live.latency.map(|known| known.clamp(LATENCIES.0, LATENCIES.1));
        let per_second = |requests: u64| (requests as f64 / seconds * 10.0).round() / 10.0;
        Ok(Self {
            seconds: live.seconds,
            arms: live.arms.iter().map(|arm| (arm.arm.clone(), per_second(arm.requests))).collect(),
            requests_per_second: ((rate * 10.0).round() / 10.0).clamp(RATES.0, RATES.1),
            // What never fails is taken to fail once in the requests that were seen.
            error_rate: errors.max(1) as f64 / requests.max(2) as f64,
            latency: known.unwrap_or(latency),
            latency_measured: known.is_some(),
        })
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            requests_per_second: self.requests_per_second,
            error_rate: self.error_rate.min(0.9),
            latency: self.latency,
        }
    }

    /// In one sentence.
    pub(super) fn words(&self) -> String {
        let arms = self.arms.iter().map(|(arm, rate)| format!("{rate} on the {arm}"));
        let arms = arms.collect::<Vec<_>>().join(", ");
        let errors = percent((self.error_rate * 1e6).round() as u32);
        let latency = if self.latency_measured { "" } else { " (taken, not measured)" };
        format!(
            "Measured by the server over {} s: {} requests a second ({arms}), of which {errors} fail, in {}{latency}",
            self.seconds,
            self.requests_per_second,
            duration(self.latency),
        )
    }
}
