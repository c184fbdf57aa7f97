//! The matches that share one path, indexed by a value that each of them needs.
//!
//! Many components may share a path (`/graphql` with an operation header, one component for each host or route
//! name). Each match is filed under the first of its route name, an exact header or an exact host, and under nothing
//! if it has none of these; a request looks only at those filed under its own values.

use serin_proto::assignment::HostPattern;

use super::conditions::{Conditions, ValueMatch};
use super::hosts;
use crate::hash::TextMap;
use crate::request::RequestView;

/// Rank of a match within its service; the lowest that holds wins.
pub(super) type Rank = u32;

/// Ranks by a value, and the lowest of them all.
#[derive(Debug, Default)]
struct ByValue {
    lowest: Option<Rank>,
    ranks: TextMap<Vec<Rank>>,
}

impl ByValue {
    fn insert(&mut self, value: &[u8], rank: Rank) {
        self.lowest = Some(self.lowest.map_or(rank, |lowest| lowest.min(rank)));
        self.ranks.entry(value.into()).or_default().push(rank);
    }
}

/// Matches of one path. Ranks are inserted in rising order, so every list is sorted.
///
/// A service has many paths, and most of them have one match that asks nothing else: it lies here itself, so that a
/// request need not follow it into memory that no other request has touched lately.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    first: Option<Filed>,
    more: Option<Box<More>>,
}

/// A match that is filed under nothing.
#[derive(Clone, Copy, Debug)]
struct Filed {
    rank: Rank,
    /// Whether it asks nothing beyond the path.
    free: bool,
}

/// The matches of a path beyond the first that is filed under nothing.
#[derive(Debug, Default)]
struct More {
    plain: Vec<Filed>,
    by_route: ByValue,
    by_header: Vec<(Box<str>, ByValue)>,
    by_host: ByValue,
}

impl Candidates {
    pub(super) fn insert(&mut self, rank: Rank, conditions: &Conditions) {
        let filed = Filed { rank, free: conditions.count() == 0 };
        if conditions.route_name.is_none()
            && exact_header(conditions).is_none()
            && all_exact(&conditions.hosts).is_none()
            && self.first.is_none()
        {
            self.first = Some(filed);
        } else {
            self.more.get_or_insert_default().insert(filed, conditions);
        }
    }

    /// Lowers `search` to the best match here.
    pub(super) fn search(&self, request: &impl RequestView, search: &mut Search<'_>) {
        if let Some(first) = self.first {
            search.try_one(first, request);
        }
        if let Some(more) = &self.more {
            more.search(request, search);
        }
    }
}

impl More {
    fn insert(&mut self, filed: Filed, conditions: &Conditions) {
        if let Some(route) = &conditions.route_name {
            self.by_route.insert(route, filed.rank);
        } else if let Some((name, exact)) = exact_header(conditions) {
            self.header(name).insert(exact, filed.rank);
        } else if let Some(exact) = all_exact(&conditions.hosts) {
            for host in exact {
                self.by_host.insert(host.as_bytes(), filed.rank);
            }
        } else {
            self.plain.push(filed);
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

    fn search(&self, request: &impl RequestView, search: &mut Search<'_>) {
        for plain in &self.plain {
            if !search.may_improve(Some(plain.rank)) || search.try_one(*plain, request) {
                break;
            }
        }
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

fn exact_header(conditions: &Conditions) -> Option<(&str, &[u8])> {
    conditions.headers.iter().find_map(|(name, value)| match value {
        ValueMatch::Exact(exact) => Some((&**name, &**exact)),
        ValueMatch::Prefix(_) | ValueMatch::Present => None,
    })
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
            if !self.may_improve(Some(*rank)) || self.try_one(Filed { rank: *rank, free: false }, request) {
                return;
            }
        }
    }

    /// Whether the match holds and is the best so far.
    fn try_one(&mut self, filed: Filed, request: &impl RequestView) -> bool {
        if !self.may_improve(Some(filed.rank)) {
            return false;
        }
        self.steps += 1;
        let conditions = || usize::try_from(filed.rank).ok().and_then(|rank| self.conditions.get(rank));
        let holds = filed.free || conditions().is_some_and(|conditions| conditions.hold(request));
        if holds {
            self.best = Some(filed.rank);
        }
        holds
    }
}
