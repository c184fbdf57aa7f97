//! The matches that share one path, indexed by a value that each of them needs.
//!
//! Many components may share a path (`/graphql` with an operation header, one component for each host or route
//! name). Each match is filed under the first of its route name, an exact header or an exact host, and under nothing
//! if it has none of these; a request looks only at those filed under its own values.

use std::collections::BTreeMap;

use serin_proto::assignment::HostPattern;

use super::conditions::{Conditions, ValueMatch};
use super::hosts;
use crate::request::RequestView;

/// Rank of a match within its service; the lowest that holds wins.
pub(super) type Rank = u32;

/// Ranks by a value, and the lowest of them all.
#[derive(Debug, Default)]
struct ByValue {
    lowest: Option<Rank>,
    ranks: BTreeMap<Box<[u8]>, Vec<Rank>>,
}

impl ByValue {
    fn insert(&mut self, value: &[u8], rank: Rank) {
        self.lowest = Some(self.lowest.map_or(rank, |lowest| lowest.min(rank)));
        self.ranks.entry(value.into()).or_default().push(rank);
    }
}

/// Matches of one path. Ranks are inserted in rising order, so every list is sorted.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    plain: Vec<Rank>,
    by_route: ByValue,
    by_header: Vec<(Box<str>, ByValue)>,
    by_host: ByValue,
}

impl Candidates {
    pub(super) fn insert(&mut self, rank: Rank, conditions: &Conditions) {
        let exact_header = conditions.headers.iter().find_map(|(name, value)| match value {
            ValueMatch::Exact(exact) => Some((name, exact)),
            ValueMatch::Prefix(_) | ValueMatch::Present => None,
        });
        if let Some(route) = &conditions.route_name {
            self.by_route.insert(route, rank);
        } else if let Some((name, exact)) = exact_header {
            self.header(name).insert(exact, rank);
        } else if let Some(exact) = all_exact(&conditions.hosts) {
            for host in exact {
                self.by_host.insert(host.as_bytes(), rank);
            }
        } else {
            self.plain.push(rank);
        }
    }

    fn header(&mut self, name: &str) -> &mut ByValue {
        let at = self.by_header.iter().position(|(known, _)| **known == *name).unwrap_or_else(|| {
            self.by_header.push((name.into(), ByValue::default()));
            self.by_header.len() - 1
        });
        // The position was just found or made.
        #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
        &mut self.by_header[at].1
    }

    /// Lowers `search` to the best match here.
    pub(super) fn search(&self, request: &impl RequestView, search: &mut Search<'_>) {
        search.try_all(&self.plain, request);
        if search.may_improve(self.by_route.lowest) {
            search.try_value(&self.by_route, request.route_name(), request);
        }
        for (name, by_value) in &self.by_header {
            if search.may_improve(by_value.lowest) {
                search.try_value(by_value, request.header(name), request);
            }
        }
        if search.may_improve(self.by_host.lowest) {
            let mut buffer = [0; 256];
            let host = request.authority().and_then(|authority| hosts::normalize(authority, &mut buffer));
            search.try_value(&self.by_host, host, request);
        }
    }
}

fn all_exact(hosts: &[HostPattern]) -> Option<Vec<&str>> {
    let exact: Option<Vec<&str>> = hosts
        .iter()
        .map(|host| match host {
            HostPattern::Exact(host) => Some(host.as_str()),
            HostPattern::Suffix(_) => None,
        })
        .collect();
    exact.filter(|hosts| !hosts.is_empty())
}

/// A search for the lowest rank whose conditions hold.
pub(super) struct Search<'r> {
    conditions: &'r [Conditions],
    pub(super) best: Option<Rank>,
    /// Conditions checked and trie nodes visited, to show that the index is not a scan.
    pub(super) steps: usize,
}

impl<'r> Search<'r> {
    pub(super) fn new(conditions: &'r [Conditions]) -> Self {
        Self { conditions, best: None, steps: 0 }
    }

    fn may_improve(&self, lowest: Option<Rank>) -> bool {
        lowest.is_some_and(|lowest| self.best.is_none_or(|best| lowest < best))
    }

    fn try_value(&mut self, index: &ByValue, value: Option<&[u8]>, request: &impl RequestView) {
        if let Some(ranks) = value.and_then(|value| index.ranks.get(value)) {
            self.try_all(ranks, request);
        }
    }

    fn try_all(&mut self, ranks: &[Rank], request: &impl RequestView) {
        for rank in ranks {
            if !self.may_improve(Some(*rank)) {
                return;
            }
            self.steps += 1;
            let conditions = usize::try_from(*rank).ok().and_then(|rank| self.conditions.get(rank));
            if conditions.is_some_and(|conditions| conditions.hold(request)) {
                self.best = Some(*rank);
                return;
            }
        }
    }
}
