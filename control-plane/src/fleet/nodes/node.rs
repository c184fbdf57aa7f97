//! One Envoy.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Admission, NodeRoutes, REPLACEABLE_AFTER, VMS_MAX};
use crate::fleet::report::Report;
use crate::store::Seen;
use serin_rollout::UnixMillis;

/// Time after the first report of an Envoy within which new VMs are its first ones.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// Bytes of Envoy's words that are kept.
const REJECTION_BYTES_MAX: usize = 2_048;

/// What is known of one Envoy.
#[derive(Clone, Debug)]
pub struct Node {
    /// Envoy's node cluster.
    pub cluster: String,
    /// Version of the filter that reported last.
    pub filter_version: String,
    /// Its own version. Empty: not told.
    pub envoy_version: String,
    /// When it was first heard of.
    pub since: UnixMillis,
    /// When it was last heard of, by report or stream.
    pub at: UnixMillis,
    /// When its last report came.
    pub reported_at: Option<UnixMillis>,
    /// Open configuration streams.
    pub streams: u32,
    /// Newest generation that it acknowledged.
    pub generation_acknowledged: u64,
    /// When it did.
    pub acknowledged_at: Option<UnixMillis>,
    /// Assignments that it refused.
    pub rejected: u64,
    /// Its words about the last refusal.
    pub last_rejection: String,
    /// When it refused.
    pub rejected_at: Option<UnixMillis>,
    /// VMs that started after the first ones.
    pub vm_restarts: u64,
    /// Batches merged.
    pub reports: u64,
    /// Batches that were seen again.
    pub repeated: u64,
    /// Batches that could not be merged.
    pub refused: u64,
    /// Requests that it could not account for.
    pub requests_lost: u64,
    /// Sampled requests whose route it could not tell.
    pub untold_routes: u64,
    /// What its routes say about themselves.
    pub routes: NodeRoutes,
    vms: BTreeMap<u64, VmState>,
}

/// What is known of one VM.
#[derive(Clone, Copy, Debug)]
pub struct VmState {
    /// Newest counted seq.
    pub seq: u64,
    /// Generation that it obeys.
    pub generation: u64,
    /// When its last report came.
    pub at: UnixMillis,
    heard: bool,
}

impl Node {
    pub(super) fn new(now: UnixMillis) -> Self {
        Self {
            cluster: String::new(),
            filter_version: String::new(),
            envoy_version: String::new(),
            since: now,
            at: now,
            reported_at: None,
            streams: 0,
            generation_acknowledged: 0,
            acknowledged_at: None,
            rejected: 0,
            last_rejection: String::new(),
            rejected_at: None,
            vm_restarts: 0,
            reports: 0,
            repeated: 0,
            refused: 0,
            requests_lost: 0,
            untold_routes: 0,
            routes: NodeRoutes::default(),
            vms: BTreeMap::new(),
        }
    }

    pub(super) fn admit(&mut self, report: &Report, now: UnixMillis) -> Admission {
        let admission = self.place(report, now);
        if admission == Admission::Full {
            return admission;
        }
        self.at = now;
        self.reported_at = Some(now);
        self.cluster.clone_from(&report.cluster);
        self.filter_version.clone_from(&report.filter_version);
        if admission == Admission::New {
            self.reports += 1;
            self.requests_lost += report.gaps.requests_lost();
            self.untold_routes += report.gaps.untold_routes;
        } else {
            self.repeated += 1;
        }
        admission
    }

    fn place(&mut self, report: &Report, now: UnixMillis) -> Admission {
        let epoch = report.vm.epoch;
        let newest = VmState { seq: report.seq, generation: report.generation, at: now, heard: true };
        if let Some(vm) = self.vms.get_mut(&epoch) {
            if report.seq <= vm.seq {
                *vm = VmState { at: now, heard: true, ..*vm };
                return Admission::Repeated;
            }
            *vm = newest;
            return Admission::New;
        }
        if self.vms.len() >= VMS_MAX && !self.make_room(now) {
            return Admission::Full;
        }
        let settled = now.since(self.since) >= SETTLED_AFTER;
        self.vm_restarts += u64::from(settled && report.seq == 1 && !self.vms.is_empty());
        self.vms.insert(epoch, newest);
        Admission::New
    }

    /// Takes over what was counted before a restart of the control plane. The VM counts as live once it reports.
    pub(super) fn restore(&mut self, seen: &Seen) {
        self.at = self.at.max(seen.at);
        self.vms.insert(seen.epoch, VmState { seq: seen.seq, generation: 0, at: seen.at, heard: false });
    }

    /// Notes that Envoy acknowledged `generation`.
    pub fn acknowledged(&mut self, generation: u64, now: UnixMillis) {
        self.generation_acknowledged = generation;
        self.acknowledged_at = Some(now);
        self.at = now;
    }

    /// Notes that Envoy refused an assignment, and its words.
    pub fn rejected(&mut self, words: &str, now: UnixMillis) {
        self.rejected += 1;
        self.rejected_at = Some(now);
        self.at = now;
        let end = words.floor_char_boundary(REJECTION_BYTES_MAX);
        words.get(..end).unwrap_or_default().clone_into(&mut self.last_rejection);
    }

    /// VMs that reported within `within`.
    pub fn live(&self, now: UnixMillis, within: Duration) -> impl Iterator<Item = &VmState> {
        self.vms.values().filter(move |vm| vm.heard && now.since(vm.at) <= within)
    }

    /// All its VMs.
    pub fn vms(&self) -> impl Iterator<Item = &VmState> {
        self.vms.values()
    }

    pub(super) fn forget(&mut self, now: UnixMillis, after: Duration) {
        self.vms.retain(|_, vm| now.since(vm.at) < after);
        self.routes.forget(now, after);
    }

    fn make_room(&mut self, now: UnixMillis) -> bool {
        let Some((&epoch, vm)) = self.vms.iter().min_by_key(|(_, vm)| vm.at) else { return false };
        now.since(vm.at) >= REPLACEABLE_AFTER && self.vms.remove(&epoch).is_some()
    }
}
