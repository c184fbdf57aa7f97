//! What is read of spans: the few fields and attributes that say where a request was served and for whom.

use super::record::Attributes;

/// Kind of a span that serves a request.
const SERVER: u64 = 2;
/// Spans of one request that are taken.
pub(super) const SPANS_MAX: usize = 16_384;

/// A span.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Span<'a> {
    /// 0: none.
    pub(super) trace: u128,
    /// 0: none.
    pub(super) span: u64,
    /// 0: none.
    pub(super) parent: u64,
    pub(super) kind: u64,
    /// Unix time in ns at which it ended. 0: not known.
    pub(super) end_ns: u64,
    pub(super) attributes: Attributes<'a>,
}

impl Span<'_> {
    pub(super) const fn serves(&self) -> bool {
        self.kind == SERVER
    }
}

/// The spans of one resource.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Group<'a> {
    pub(super) resource: Attributes<'a>,
    pub(super) spans: Vec<Span<'a>>,
}

/// The spans that a request holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Spans<'a> {
    pub(super) groups: Vec<Group<'a>>,
    /// Spans without a valid trace or span id.
    pub(super) without_id: u64,
    pub(super) beyond_bound: u64,
    /// Spans of the group that is being read.
    open: Vec<Span<'a>>,
    kept: usize,
}

impl<'a> Spans<'a> {
    /// Keeps a span; it belongs to the resource that [`Self::close`] names next.
    pub(super) fn add(&mut self, span: Span<'a>) {
        if span.trace == 0 || span.span == 0 {
            self.without_id += 1;
        } else if self.kept >= SPANS_MAX {
            self.beyond_bound += 1;
        } else {
            self.kept += 1;
            self.open.push(span);
        }
    }

    /// Adds the spans of another that were not closed.
    pub(super) fn absorb(&mut self, other: Self) {
        self.without_id += other.without_id;
        self.beyond_bound += other.beyond_bound;
        other.open.into_iter().for_each(|span| self.add(span));
    }

    /// All spans since the last call are of this resource.
    pub(super) fn close(&mut self, resource: Attributes<'a>) {
        if !self.open.is_empty() {
            self.groups.push(Group { resource, spans: std::mem::take(&mut self.open) });
        }
    }
}
