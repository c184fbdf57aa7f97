//! Lines in the order of time: those of one second add up, in whatever order they come.
//!
//! A second is complete once a line came that is more than [`LATE_S`] seconds newer, or the trace ended. So any order of
//! the lines within that bound gives the same seconds. At most `LATE_S + 1` seconds wait at a time.

use std::collections::BTreeMap;

use serin_analysis::{ByArm, LatencyHistogram, Outcomes, UserMasks};

use crate::line::{Line, LineError, Rule};

/// Seconds that a line may be older than the newest one before it.
pub const LATE_S: u64 = 5;
/// Components that are told apart; the lines of further ones are refused.
const COMPONENTS_MAX: usize = 2_000;
/// Hosts of one component, arm and second that are told apart; the rest is not sampled.
const HOSTS_MAX: usize = 256;

/// Blocks of one component, arm and second that are told apart.
const BLOCKS_MAX: usize = 64;

/// Everything that a trace says about one second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// Unix time, in whole seconds.
    pub t: u64,
    /// Both arms by component.
    pub components: BTreeMap<String, ByArm<Cell>>,
    /// Weight of the canary in parts per million: the highest one, if lines differ. `None`: as before.
    pub weight_ppm: Option<u32>,
    /// Lines that carried signals.
    pub with_signals: u64,
}

/// What one arm of a component did in one second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Requests that started.
    pub started: u64,
    /// Requests that finished.
    pub outcomes: Outcomes,
    /// Latency of finished requests.
    pub latency: LatencyHistogram,
    /// The same by upstream host, where lines name one.
    pub hosts: BTreeMap<String, Host>,
    /// Whose requests they were.
    pub users: UserMasks,
    /// Failures that named a block of the component's code, by block.
    pub blocks: BTreeMap<String, u64>,
}

/// What one upstream host served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// Requests that finished.
    pub outcomes: Outcomes,
    /// Their latency.
    pub latency: LatencyHistogram,
}

/// Puts lines in order.
#[derive(Clone, Debug, Default)]
pub struct Seconds {
    waiting: BTreeMap<u64, Second>,
    newest: u64,
}

impl Seconds {
    /// Seconds by which a line is older than the newest one before it.
    pub(crate) fn lateness(&self, line: &Line) -> u64 {
        self.newest.saturating_sub(line.t)
    }

    /// Takes a line; gives the seconds that are complete with it, oldest first.
    ///
    /// # Errors
    /// A line that is too late, or names one component too many.
    pub fn push(&mut self, line: Line) -> Result<Vec<Second>, LineError> {
        let back = self.lateness(&line);
        if back > LATE_S {
            return Err(LineError { column: 1, field: "t".to_owned(), rule: Rule::Back(back) });
        }
        self.newest = self.newest.max(line.t);
        let second = self.waiting.entry(line.t).or_insert_with(|| Second { t: line.t, ..Second::default() });
        second.add(line)?;
        let still_open = self.waiting.split_off(&self.newest.saturating_sub(LATE_S));
        Ok(std::mem::replace(&mut self.waiting, still_open).into_values().collect())
    }

    /// The trace ended: all that still waited.
    #[must_use]
    pub fn end(self) -> Vec<Second> {
        self.waiting.into_values().collect()
    }
}

impl Second {
    fn add(&mut self, line: Line) -> Result<(), LineError> {
        self.weight_ppm = self.weight_ppm.max(line.weight_ppm);
        self.with_signals += u64::from(!line.signals.is_empty());
        if !self.components.contains_key(&line.component) && self.components.len() >= COMPONENTS_MAX {
            let rule = Rule::TooManyComponents(COMPONENTS_MAX);
            return Err(LineError { column: 1, field: "component".to_owned(), rule });
        }
        let cell = self.components.entry(line.component).or_default().of_mut(line.arm);
        cell.started = cell.started.saturating_add(line.started);
        add(&mut cell.outcomes, &line.outcomes);
        cell.latency.merge(&line.latency);
        cell.users.add(line.users.with_failures(failures(&line.outcomes)));
        for (block, failed) in line.blocks {
            if cell.blocks.len() < BLOCKS_MAX || cell.blocks.contains_key(&block) {
                let count = cell.blocks.entry(block).or_default();
                *count = count.saturating_add(failed);
            }
        }
        let Some(host) = line.host else { return Ok(()) };
        if cell.hosts.len() < HOSTS_MAX || cell.hosts.contains_key(&host) {
            let host = cell.hosts.entry(host).or_default();
            add(&mut host.outcomes, &line.outcomes);
            host.latency.merge(&line.latency);
        }
        Ok(())
    }
}

/// Requests that failed by fault of the service.
pub(crate) fn failures(outcomes: &Outcomes) -> u64 {
    let Outcomes { server_error, timeout, connect_failure, reset, overload, .. } = *outcomes;
    [server_error, timeout, connect_failure, reset, overload].into_iter().fold(0, u64::saturating_add)
}

fn add(into: &mut Outcomes, other: &Outcomes) {
    let Outcomes { ok, client_error, server_error, timeout, connect_failure, reset, overload, cancelled } =
        *other;
    for (into, count) in [
        (&mut into.ok, ok),
        (&mut into.client_error, client_error),
        (&mut into.server_error, server_error),
        (&mut into.timeout, timeout),
        (&mut into.connect_failure, connect_failure),
        (&mut into.reset, reset),
        (&mut into.overload, overload),
        (&mut into.cancelled, cancelled),
    ] {
        *into = into.saturating_add(count);
    }
}
