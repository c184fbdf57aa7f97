//! What reports, whatever it is asked for: that it does tells that a series which it does not report is none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{KEPT, SOURCES_MAX, ns};

/// What comes sooner after the points before is of the same report, which may have been cut into several requests.
const APART: Duration = Duration::from_secs(1);
/// By one of these a resource is told from all others like it.
const TELLING: [&str; 4] = ["service.instance.id", "k8s.pod.uid", "k8s.pod.name", "container.id"];

/// A resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    /// When the newest report begins.
    report_ns: u64,
    /// When the one before ended.
    before_ns: Option<u64>,
    /// Points of it were refused or forgotten, so a series of it may be older than it looks.
    is_lossy: bool,
}

/// The resources that report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    all: BTreeMap<BTreeMap<String, String>, Source>,
}

impl Sources {
    /// It reported points of these times.
    pub(crate) fn see(&mut self, resource: &BTreeMap<String, String>, oldest_ns: u64, newest_ns: u64) {
        if let Some(known) = self.all.get_mut(resource) {
            if oldest_ns >= known.last_ns.saturating_add(ns(APART)) {
                known.before_ns = Some(known.last_ns);
                known.report_ns = oldest_ns;
            }
            known.last_ns = known.last_ns.max(newest_ns);
        } else if self.all.len() < SOURCES_MAX {
            let source = Source {
                first_ns: oldest_ns,
                last_ns: newest_ns,
                report_ns: oldest_ns,
                before_ns: None,
                is_lossy: false,
            };
            self.all.insert(resource.clone(), source);
        }
    }

    /// Something of it is not kept.
    pub(crate) fn lose(&mut self, resource: &BTreeMap<String, String>) {
        if let Some(known) = self.all.get_mut(resource) {
            known.is_lossy = true;
        }
    }

    /// When it reported before the report that has a point of `time_ns`, if it would have told of a series that it now tells of.
    pub(crate) fn before(&self, resource: &BTreeMap<String, String>, time_ns: u64) -> Option<u64> {
        let known = self.all.get(resource).filter(|known| !known.is_lossy)?;
        let is_told = TELLING.iter().any(|name| resource.contains_key(*name));
        known.before_ns.filter(|_| is_told && (known.report_ns..=known.last_ns).contains(&time_ns))
    }

    /// Those that have one of these attributes at least, and none with another value.
    pub(crate) fn matching<'a>(
        &'a self,
        wanted: &'a BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'a Source> {
        let fits = |resource: &BTreeMap<String, String>| {
            let found = wanted.iter().filter_map(|(name, value)| Some(resource.get(name)? == value));
            let found: BTreeSet<bool> = found.collect();
            found == BTreeSet::from([true])
        };
        self.all.iter().filter(move |(resource, _)| fits(resource)).map(|(_, source)| source)
    }

    /// Forgets those that are silent for long.
    pub(crate) fn forget(&mut self, now_ns: u64) {
        self.all.retain(|_, source| source.last_ns.saturating_add(ns(KEPT)) >= now_ns);
    }
}
