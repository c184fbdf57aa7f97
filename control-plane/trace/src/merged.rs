//! What a recording adds to a line: how the control plane came to know of it.
//!
//! A live rollout judges what has arrived, so which seconds count as complete, and which requests as still running,
//! follows from who reported when. With this a replay sees each report at the moment at which it was merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_analysis::LatencyHistogram;

use crate::base64_hdr;
use crate::line::Rule;
use crate::number::{Count, UnixSecond};
use crate::raw;

/// Hosts of one line.
const HOSTS_MAX: usize = 32;
/// Highest time that is taken, in ms: year 9999.
pub(crate) const MILLIS_MAX: u64 = 253_402_300_799_999;

/// How the control plane came to know of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// Unix time in ms at which it was merged.
    pub at_ms: u64,
    /// One life of one WASM VM of the node.
    pub epoch: u64,
    /// Second before which the VM has told everything that finished.
    pub complete_until: u64,
    /// Requests of the line's second that were still running. A level: it replaces what the VM said before.
    pub open: u64,
    /// One request in so many was sampled for its host, at least 1.
    pub host_sample: u32,
    /// What the sample saw.
    pub hosts: Vec<SampledHost>,
}

/// What a sample of the requests of one upstream host saw. They are among those that the line counts.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledHost {
    /// Its address.
    pub host: String,
    /// Sampled requests that finished.
    pub requests: u64,
    /// Of these, those that failed by fault of the service.
    pub failed: u64,
    /// Latency of those with outcome `ok` or `client_error`.
    pub latency: LatencyHistogram,
}

/// How a control plane came to know of a line: only recordings have it. The counts of such lines are increments, and the
/// lines are in order of `at_ms`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceMerged")]
pub(crate) struct Raw {
    /// Unix time in ms at which the control plane merged it.
    #[schemars(range(max = 253_402_300_799_999_u64))]
    at_ms: u64,
    /// Which life of which VM of the node measured it, as 16 hexadecimal digits.
    #[schemars(length(equal = 16))]
    epoch: String,
    /// Unix time, in whole seconds, before which this VM has told everything that finished.
    complete_until: UnixSecond,
    /// One request in so many was sampled for its host.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    host_sample: u32,
    /// What the sample saw, by upstream host.
    #[serde(default, deserialize_with = "raw::objects", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    hosts: Vec<RawHost>,
}

/// What a sample of the requests of one upstream host saw. They are among those that the line counts.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TraceSampledHost")]
struct RawHost {
    /// Its address, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    host: String,
    /// Sampled requests that finished.
    requests: Count,
    /// Of these, those that failed by fault of the service.
    failed: Count,
    /// Latency of the others, as the line's `latency_hdr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency_hdr: Option<String>,
}

fn one() -> u32 {
    1
}

impl Merged {
    pub(crate) fn check(raw: Raw, open: u64) -> Result<Self, Rule> {
        if raw.at_ms > MILLIS_MAX {
            return Err(Rule::Shape("at_ms: is beyond the year 9999".to_owned()));
        }
        let is_hex = raw.epoch.len() == 16 && raw.epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let epoch = is_hex.then(|| u64::from_str_radix(&raw.epoch, 16).ok()).flatten();
        if raw.host_sample == 0 || raw.hosts.len() > HOSTS_MAX {
            return Err(Rule::Shape("host_sample: must be at least 1, with at most 32 hosts".to_owned()));
        }
        Ok(Self {
            at_ms: raw.at_ms,
            epoch: epoch.ok_or_else(|| Rule::Shape("epoch: must be 16 hexadecimal digits".to_owned()))?,
            complete_until: raw.complete_until.0,
            open,
            host_sample: raw.host_sample,
            hosts: raw.hosts.into_iter().map(SampledHost::check).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw {
            at_ms: self.at_ms,
            epoch: format!("{:016x}", self.epoch),
            complete_until: UnixSecond(self.complete_until),
            host_sample: self.host_sample,
            hosts: self.hosts.iter().map(SampledHost::raw).collect(),
        }
    }
}

impl SampledHost {
    fn check(raw: RawHost) -> Result<Self, Rule> {
        let RawHost { host, requests: Count(requests), failed: Count(failed), latency_hdr } = raw;
        if !(1..=raw::HOST_BYTES_MAX).contains(&host.len()) {
            return Err(Rule::Text(raw::HOST_BYTES_MAX));
        }
        if failed > requests {
            return Err(Rule::Shape("failed: exceeds requests".to_owned()));
        }
        let latency = latency_hdr.as_deref().map(base64_hdr::decode).transpose()?.unwrap_or_default();
        if latency.count() > requests {
            return Err(Rule::LatencySum { counted: latency.count(), finished: requests });
        }
        Ok(Self { host, requests, failed, latency })
    }

    fn raw(&self) -> RawHost {
        RawHost {
            host: self.host.clone(),
            requests: Count(self.requests),
            failed: Count(self.failed),
            latency_hdr: (!self.latency.is_empty()).then(|| base64_hdr::encode(&self.latency)),
        }
    }
}
