//! A report of one VM, after every bound was checked. [`Report::try_from`] is total: any message gives a report or
//! an error that names the field.

mod behaviour;
mod error;
mod gaps;
mod routes;

use serin_analysis::{LatencyHistogram, Outcomes, UserMasks};
use serin_proto::fleet::v1 as wire;

use behaviour::BEHAVIOUR_MAX;
use routes::ROUTES_MAX;

pub use behaviour::Behaviour;
pub use error::ReportError;
pub use gaps::{Gaps, LostBeacons};
pub use routes::{RouteTags, TagWeight, Tags};

/// Strata of one batch.
const STRATA_MAX: usize = 16_384;
/// Arms of one stratum.
const ARMS_MAX: usize = 16;
/// Hosts of one arm of a stratum.
const HOSTS_MAX: usize = 32;
/// Blocks of one arm of a stratum.
const BLOCKS_MAX: usize = 32;
/// Highest second that is taken: year 9999. Arithmetic on it cannot overflow.
const SECOND_MAX: u64 = 253_402_300_799;
/// Highest count that is taken; the sum of any batch stays far below 2^64.
const COUNT_MAX: u64 = 1 << 40;

/// One life of one WASM VM.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Vm {
    /// Envoy's node id.
    pub node: String,
    /// Random number of this life; not zero.
    pub epoch: u64,
}

/// What one VM says once a second.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who says it.
    pub vm: Vm,
    /// Number of the batch, from 1.
    pub seq: u64,
    /// Generation that the VM obeys. 0: none.
    pub generation: u64,
    /// Version of the filter. Empty: unknown.
    pub filter_version: String,
    /// Envoy's node cluster. Empty: not set.
    pub cluster: String,
    /// Second before which everything that finished is reported. `None`: nothing was measured.
    pub complete_until: Option<u64>,
    /// What was measured.
    pub strata: Vec<Stratum>,
    /// What was lost.
    pub gaps: Gaps,
    /// What routes say about themselves, read since the previous batch.
    pub routes: Vec<RouteTags>,
    /// What page views came to.
    pub behaviour: Vec<Behaviour>,
}

/// One (service, component, start second) of a VM.
#[derive(Clone, Debug)]
pub struct Stratum {
    /// Service.
    pub service: String,
    /// Component.
    pub component: String,
    /// Second in which the requests started.
    pub second: u64,
    /// The arms that saw traffic, with distinct names.
    pub arms: Vec<Arm>,
}

/// One arm of a stratum.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Name.
    pub name: String,
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub outcomes: Outcomes,
    /// Latency in µs of those with outcome ok or client_error.
    pub latency: Option<LatencyHistogram>,
    /// Requests that still run. A level.
    pub open: u64,
    /// A sample of the hosts that served them.
    pub hosts: Vec<Host>,
    /// Whose requests they were.
    pub users: UserMasks,
    /// Failures that named a block of the component's code, by block.
    pub blocks: Vec<(String, u64)>,
}

/// What a sample of the requests of one upstream host saw.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its address.
    pub address: String,
    /// Sampled requests that finished.
    pub requests: u64,
    /// Of these, those that failed by fault of the service.
    pub errors: u64,
    /// Latency in µs of those with outcome ok or client_error.
    pub latency: Option<LatencyHistogram>,
}

/// Each outcome with its name on the wire.
#[must_use]
pub fn named(outcomes: &Outcomes) -> [(&'static str, u64); 8] {
    [
        ("ok", outcomes.ok),
        ("client_error", outcomes.client_error),
        ("server_error", outcomes.server_error),
        ("timeout", outcomes.timeout),
        ("connect_failure", outcomes.connect_failure),
        ("reset", outcomes.reset),
        ("overload", outcomes.overload),
        ("cancelled", outcomes.cancelled),
    ]
}

impl Report {
    /// The report, unless it claims a second after `latest`: it would be waited for.
    ///
    /// # Errors
    /// Names the field.
    pub fn not_ahead(self, latest: u64) -> Result<Self, ReportError> {
        let rule = "is too far in the future: set the clock of the proxy";
        if self.complete_until.is_some_and(|second| second > latest) {
            return Err(ReportError::new("batch.complete_until_second", rule));
        }
        if let Some(index) = self.strata.iter().position(|stratum| stratum.second > latest) {
            return Err(ReportError::new(format!("batch.strata[{index}].start_second"), rule));
        }
        match self.behaviour.iter().position(|behaviour| behaviour.second > latest) {
            Some(index) => Err(ReportError::new(format!("batch.behaviour[{index}].second"), rule)),
            None => Ok(self),
        }
    }
}

impl TryFrom<wire::ReportRequest> for Report {
    type Error = ReportError;

    fn try_from(wire: wire::ReportRequest) -> Result<Self, ReportError> {
        let node = text("node", wire.node, 1..=256)?;
        if wire.epoch == 0 {
            return Err(ReportError::new("epoch", "must not be zero"));
        }
        if wire.seq == 0 {
            return Err(ReportError::new("seq", "must not be zero"));
        }
        let batch = wire.batch;
        let complete_until =
            batch.as_ref().map(|batch| second("batch.complete_until_second", batch.complete_until_second));
        let gaps = batch.as_ref().and_then(|batch| batch.gaps).map(Gaps::try_from).transpose()?;
        let wire::Batch { strata, routes, behaviour, .. } = batch.unwrap_or_default();
        Ok(Self {
            vm: Vm { node, epoch: wire.epoch },
            seq: wire.seq,
            generation: wire.generation,
            filter_version: text("filter_version", wire.filter_version, 0..=64)?,
            cluster: text("cluster", wire.cluster, 0..=256)?,
            complete_until: complete_until.transpose()?,
            strata: entries("batch.strata", STRATA_MAX, strata)?,
            gaps: gaps.unwrap_or_default(),
            routes: entries("batch.routes", ROUTES_MAX, routes)?,
            behaviour: entries("batch.behaviour", BEHAVIOUR_MAX, behaviour)?,
        })
    }
}

/// The entries of `field`, at most so many, each checked.
fn entries<W, T: TryFrom<W, Error = ReportError>>(
    field: &str,
    most: usize,
    wire: Vec<W>,
) -> Result<Vec<T>, ReportError> {
    if wire.len() > most {
        return Err(ReportError::new(field, format!("exceeds {most} entries")));
    }
    let checked = wire.into_iter().enumerate().map(|(index, entry)| {
        T::try_from(entry).map_err(|error| error.within(format_args!("{field}[{index}]")))
    });
    checked.collect()
}

impl TryFrom<wire::Stratum> for Stratum {
    type Error = ReportError;

    fn try_from(wire: wire::Stratum) -> Result<Self, ReportError> {
        let arms: Vec<Arm> = entries("arms", ARMS_MAX, wire.arms)?;
        for (index, arm) in arms.iter().enumerate() {
            if arms.iter().take(index).any(|earlier| earlier.name == arm.name) {
                return Err(ReportError::new(format!("arms[{index}].arm"), "is given twice"));
            }
        }
        Ok(Self {
            service: text("service", wire.service, 1..=128)?,
            component: text("component", wire.component, 1..=128)?,
            second: second("start_second", wire.start_second)?,
            arms,
        })
    }
}

impl TryFrom<wire::ArmCounts> for Arm {
    type Error = ReportError;

    fn try_from(wire: wire::ArmCounts) -> Result<Self, ReportError> {
        let hosts = entries("hosts", HOSTS_MAX, wire.hosts)?;
        Ok(Self {
            name: text("arm", wire.arm, 1..=64)?,
            started: count("started", wire.started)?,
            outcomes: outcomes(&wire.outcomes.unwrap_or_default())?,
            latency: latency(&wire.latency_hdr)?,
            open: count("open", wire.open)?,
            hosts,
            users: UserMasks { seen: wire.users_seen, failed: wire.users_failed },
            blocks: blocks(wire.blocks)?,
        })
    }
}

fn blocks(wire: Vec<wire::BlockErrors>) -> Result<Vec<(String, u64)>, ReportError> {
    if wire.len() > BLOCKS_MAX {
        return Err(ReportError::new("blocks", "exceeds 32 entries"));
    }
    let checked = wire.into_iter().enumerate().map(|(index, wire::BlockErrors { block, errors })| {
        let name = text("block", block, 1..=64).and_then(|name| Ok((name, count("errors", errors)?)));
        name.map_err(|error| error.within(format_args!("blocks[{index}]")))
    });
    checked.collect()
}

impl TryFrom<wire::HostCounts> for Host {
    type Error = ReportError;

    fn try_from(wire: wire::HostCounts) -> Result<Self, ReportError> {
        let address = text("address", wire.address, 1..=64)?;
        let requests = count("requests", wire.requests)?;
        if wire.errors > requests {
            return Err(ReportError::new("errors", "exceeds requests"));
        }
        Ok(Self { address, requests, errors: wire.errors, latency: latency(&wire.latency_hdr)? })
    }
}

fn outcomes(wire: &wire::OutcomeCounts) -> Result<Outcomes, ReportError> {
    Ok(Outcomes {
        ok: count("outcomes.ok", wire.ok)?,
        client_error: count("outcomes.client_error", wire.client_error)?,
        server_error: count("outcomes.server_error", wire.server_error)?,
        timeout: count("outcomes.timeout", wire.timeout)?,
        connect_failure: count("outcomes.connect_failure", wire.connect_failure)?,
        reset: count("outcomes.reset", wire.reset)?,
        overload: count("outcomes.overload", wire.overload)?,
        cancelled: count("outcomes.cancelled", wire.cancelled)?,
    })
}

fn text(field: &str, value: String, bytes: std::ops::RangeInclusive<usize>) -> Result<String, ReportError> {
    if bytes.contains(&value.len()) {
        return Ok(value);
    }
    Err(ReportError::new(field, format!("must be {} to {} bytes long", bytes.start(), bytes.end())))
}

fn count(field: &str, value: u64) -> Result<u64, ReportError> {
    if value <= COUNT_MAX { Ok(value) } else { Err(ReportError::new(field, "exceeds 2^40")) }
}

fn second(field: &str, value: u64) -> Result<u64, ReportError> {
    if value <= SECOND_MAX { Ok(value) } else { Err(ReportError::new(field, "is beyond the year 9999")) }
}

fn latency(bytes: &[u8]) -> Result<Option<LatencyHistogram>, ReportError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let decoded = LatencyHistogram::from_v2_bytes(bytes);
    decoded.map(Some).map_err(|error| ReportError::new("latency_hdr", error.to_string()))
}

#[cfg(test)]
mod tests;
