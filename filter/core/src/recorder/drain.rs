//! From the gathered counts to a batch on the wire.

use std::collections::BTreeMap;

use serin_proto::fleet::v1 as wire;

use super::records::Records;
use super::series::{Series, SeriesId};
use super::{Gaps, Host, Levels, Record, Recorder};
use crate::outcome::Outcome;

/// Seconds and series of which one report tells open requests alone; the oldest come first.
const MAX_ONLY_OPEN: usize = 4_096;

/// One arm of one stratum: service, component and second come first, so that the arms are grouped.
type Row<'r> = ((&'r str, &'r str, u64), &'r str);

impl Recorder {
    /// Takes everything that gathered, with the levels of open requests. Empties the recorder; requests that start
    /// later are recorded at `now_second` or after it.
    pub fn drain(&mut self, now_second: u64, open: &Levels) -> wire::Batch {
        self.floor_second = self.floor_second.max(now_second);
        let records = std::mem::take(&mut self.records);
        let gaps = std::mem::take(&mut self.gaps);
        self.cells = 0;
        self.hosts = 0;
        self.blocks = 0;
        wire::Batch {
            complete_until_second: self.floor_second,
            strata: self.strata(records, open),
            gaps: (gaps != Gaps::default()).then(|| gaps.into()),
            ..wire::Batch::default()
        }
    }

    fn strata(&self, records: Records, open: &Levels) -> Vec<wire::Stratum> {
        let only_open = open.keys().filter(|key| !records.contains(**key)).take(MAX_ONLY_OPEN);
        let only_open = only_open.copied().collect::<Vec<_>>();
        let mut rows = BTreeMap::new();
        for (key, record) in records.into_iter() {
            let level = open.get(&key).copied().unwrap_or_default();
            extend(&mut rows, self.row(key, |series| arm(series, record, level)));
        }
        for key in only_open {
            let level = open.get(&key).copied().unwrap_or_default();
            extend(&mut rows, self.row(key, |series| arm(series, Record::default(), level)));
        }
        group(rows)
    }

    fn row(
        &self,
        key: (u64, SeriesId),
        counts: impl FnOnce(&Series) -> wire::ArmCounts,
    ) -> Option<(Row<'_>, wire::ArmCounts)> {
        let (second, id) = key;
        let series = self.series.name(id)?;
        let stratum = (series.service.as_str(), series.component.as_str(), second);
        Some(((stratum, series.arm.as_str()), counts(series)))
    }
}

fn extend<'r>(rows: &mut BTreeMap<Row<'r>, wire::ArmCounts>, row: Option<(Row<'r>, wire::ArmCounts)>) {
    if let Some((row, counts)) = row {
        rows.insert(row, counts);
    }
}

fn group(rows: BTreeMap<Row<'_>, wire::ArmCounts>) -> Vec<wire::Stratum> {
    let mut strata: Vec<wire::Stratum> = Vec::new();
    let mut last = None;
    for ((at, _), counts) in rows {
        if last != Some(at) {
            let (service, component, start_second) = at;
            strata.push(wire::Stratum {
                service: service.to_owned(),
                component: component.to_owned(),
                start_second,
                arms: Vec::new(),
            });
            last = Some(at);
        }
        if let Some(stratum) = strata.last_mut() {
            stratum.arms.push(counts);
        }
    }
    strata
}

fn arm(series: &Series, record: Record, open: u64) -> wire::ArmCounts {
    wire::ArmCounts {
        arm: series.arm.clone(),
        started: record.started.into(),
        outcomes: (record.finished() > 0).then(|| outcomes(&record)),
        latency_hdr: record.latency.encode(),
        open,
        hosts: record.hosts.iter().map(host).collect(),
        users_seen: record.seen,
        users_failed: record.failed,
        blocks: record.blocks.iter().map(|(name, errors)| block(name, *errors)).collect(),
    }
}

fn block(name: &str, errors: u32) -> wire::BlockErrors {
    wire::BlockErrors { block: name.to_owned(), errors: errors.into() }
}

fn outcomes(record: &Record) -> wire::OutcomeCounts {
    let count = |outcome: Outcome| record.outcomes.get(outcome as usize).copied().unwrap_or_default().into();
    wire::OutcomeCounts {
        ok: count(Outcome::Ok),
        client_error: count(Outcome::ClientError),
        server_error: count(Outcome::ServerError),
        timeout: count(Outcome::Timeout),
        connect_failure: count(Outcome::ConnectFailure),
        reset: count(Outcome::Reset),
        overload: count(Outcome::Overload),
        cancelled: count(Outcome::Cancelled),
    }
}

fn host(host: &Host) -> wire::HostCounts {
    wire::HostCounts {
        address: host.address.to_string(),
        requests: host.requests.into(),
        errors: host.errors.into(),
        latency_hdr: host.latency.encode(),
    }
}
