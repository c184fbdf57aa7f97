//! The matches of a service by path: a map of exact paths and a trie of segments.

use serin_proto::assignment::{PathPattern, Segment};

use super::candidates::{Candidates, Rank, Search};
use super::conditions::Conditions;
use crate::hash::TextMap;
use crate::request::RequestView;

#[derive(Debug, Default)]
pub(super) struct PathIndex {
    exact: TextMap<Candidates>,
    root: Node,
    any: Option<Candidates>,
    segments_needed: bool,
}

/// One segment of templates and prefixes.
#[derive(Debug, Default)]
struct Node {
    literal: TextMap<Node>,
    wild: Option<Box<Node>>,
    /// Templates that end here.
    templates: Option<Candidates>,
    /// Prefixes that end here.
    prefixes: Option<Candidates>,
}

impl PathIndex {
    /// Files a match; ranks must come in rising order.
    pub(super) fn insert(&mut self, rank: Rank, path: Option<&PathPattern>, conditions: &Conditions) {
        let candidates = match path {
            None => self.any.get_or_insert_default(),
            Some(PathPattern::Exact(path)) => self.exact.entry(path.as_bytes().into()).or_default(),
            Some(PathPattern::Prefix(prefix)) => {
                self.segments_needed = true;
                let mut node = &mut self.root;
                for segment in segments(prefix.as_bytes()) {
                    node = node.literal.entry(segment.into()).or_default();
                }
                node.prefixes.get_or_insert_default()
            }
            Some(PathPattern::Template(template)) => {
                self.segments_needed = true;
                let mut node = &mut self.root;
                for segment in template {
                    node = match segment {
                        Segment::Literal(text) => node.literal.entry(text.as_bytes().into()).or_default(),
                        Segment::Any(_) => node.wild.get_or_insert_default(),
                    };
                }
                node.templates.get_or_insert_default()
            }
        };
        candidates.insert(rank, conditions);
    }

    pub(super) fn search(&self, request: &impl RequestView, search: &mut Search<'_>) {
        if !self.exact.is_empty()
            && let Some(exact) = self.exact.get(request.path())
        {
            exact.search(request, search);
        }
        // Ranks of exact paths are below all others.
        if search.best.is_none() && self.segments_needed {
            let path = request.path();
            if path.first() == Some(&b'/') {
                self.root.search(segments(path), request, search);
            }
        }
        if search.best.is_none()
            && let Some(any) = &self.any
        {
            any.search(request, search);
        }
    }
}

impl Node {
    /// Searches deeper nodes before its own prefixes, which rank below them. The depth is bounded by that of the
    /// longest pattern.
    fn search<'p>(
        &self,
        mut rest: impl Iterator<Item = &'p [u8]> + Clone,
        request: &impl RequestView,
        search: &mut Search<'_>,
    ) {
        search.steps += 1;
        match rest.next() {
            None => {
                if let Some(templates) = &self.templates {
                    templates.search(request, search);
                }
            }
            Some(segment) => {
                if let Some(node) = self.literal.get(segment) {
                    node.search(rest.clone(), request, search);
                }
                if let Some(node) = &self.wild
                    && !segment.is_empty()
                {
                    node.search(rest, request, search);
                }
            }
        }
        if let Some(prefixes) = &self.prefixes {
            prefixes.search(request, search);
        }
    }
}

/// The segments after the leading slash: `/` has one, which is empty; the empty text has none.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let inner = path.strip_prefix(b"/");
    inner.into_iter().flat_map(|inner| inner.split(|byte| *byte == b'/'))
}
