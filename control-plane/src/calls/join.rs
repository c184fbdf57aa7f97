//! From spans to calls between components.
//!
//! A trace arrives in parts and in any order. Of each span its parent and the component that it ran in are remembered. A walk
//! begins at each span that serves a request of a component and follows the parents to the nearest span of another component:
//! that one calls. Where a parent is not known, the walk waits there until it comes or is forgotten.
//!
//! Bounds: spans of the last one to two minutes, [`KEPT`] of each of two generations; when one is full, the older one is
//! forgotten sooner. A walk goes at most [`HOPS_MAX`] spans up, so parents that lead in a circle end it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serin_analysis::Arm;

/// Spans, and walks that wait, of a generation.
pub(super) const KEPT: usize = 65_536;
/// Seconds after which a generation becomes the older one.
pub(super) const KEPT_S: u64 = 60;
/// Spans between a call's two ends, at most.
pub(super) const HOPS_MAX: u8 = 64;

/// A span, by where it ran.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span<P> {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    /// 0: it has none.
    pub(crate) parent: u64,
    /// True when it serves a request.
    pub(crate) serves: bool,
    /// Component that it ran in. `None`: not known.
    pub(crate) place: Option<P>,
    /// Arm that it ran on. `None`: not told.
    pub(crate) arm: Option<Arm>,
}

/// One component called another.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Call<P> {
    pub(crate) from: P,
    pub(crate) to: P,
    /// Arm of the caller. `None`: not told.
    pub(crate) arm: Option<Arm>,
}

/// Spans that were seen lately.
#[derive(Debug)]
pub(super) struct Join<P> {
    present: Generation<P>,
    before: Generation<P>,
    /// Second in which `present` began.
    since: u64,
}

#[derive(Debug)]
struct Generation<P> {
    spans: HashMap<(u128, u64), Known<P>>,
    /// By the span that they wait for.
    waiting: HashMap<(u128, u64), Vec<Walk<P>>>,
    walks: usize,
}

#[derive(Clone, Debug)]
struct Known<P> {
    parent: u64,
    place: Option<P>,
    arm: Option<Arm>,
}

/// Looks for who called `to`.
#[derive(Clone, Debug)]
struct Walk<P> {
    to: P,
    hops: u8,
}

impl<P> Default for Generation<P> {
    fn default() -> Self {
        Self { spans: HashMap::new(), waiting: HashMap::new(), walks: 0 }
    }
}

impl<P> Default for Join<P> {
    fn default() -> Self {
        Self { present: Generation::default(), before: Generation::default(), since: 0 }
    }
}

impl<P: Clone + Eq> Join<P> {
    /// Adds a span that came in the second `now`, and the calls that it completes to `calls`. False: it is known already.
    pub(super) fn add(&mut self, span: Span<P>, now: u64, calls: &mut Vec<Call<P>>) -> bool {
        self.turn(now);
        let Span { trace, span, parent, serves, place, arm } = span;
        if self.before.spans.contains_key(&(trace, span)) {
            return false;
        }
        match self.present.spans.entry((trace, span)) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => {
                entry.insert(Known { parent, place: place.clone(), arm });
            }
        }
        if let Some(to) = place.filter(|_| serves) {
            self.walk(trace, parent, Walk { to, hops: 0 }, calls);
        }
        let mut waited = self.present.resume((trace, span));
        waited.extend(self.before.resume((trace, span)));
        waited.into_iter().for_each(|walk| self.walk(trace, span, walk, calls));
        true
    }

    /// Goes up from the span `at`, as far as parents are known.
    fn walk(&mut self, trace: u128, mut at: u64, mut walk: Walk<P>, calls: &mut Vec<Call<P>>) {
        while at != 0 && walk.hops < HOPS_MAX {
            let key = (trace, at);
            let Some(known) = self.present.spans.get(&key).or_else(|| self.before.spans.get(&key)) else {
                return self.present.wait(key, walk);
            };
            if let Some(from) = known.place.as_ref().filter(|from| **from != walk.to) {
                calls.push(Call { from: from.clone(), to: walk.to, arm: known.arm });
                return;
            }
            at = known.parent;
            walk.hops += 1;
        }
    }

    /// Begins a new generation when the present one is old or full.
    fn turn(&mut self, now: u64) {
        let age = now.saturating_sub(self.since);
        if age < KEPT_S && self.present.spans.len() < KEPT {
            return;
        }
        let present = std::mem::take(&mut self.present);
        self.before = if age < 2 * KEPT_S { present } else { Generation::default() };
        self.since = now;
    }
}

impl<P> Generation<P> {
    /// Keeps a walk until its next span comes. One beyond the bound ends here.
    fn wait(&mut self, key: (u128, u64), walk: Walk<P>) {
        if self.walks < KEPT {
            self.walks += 1;
            self.waiting.entry(key).or_default().push(walk);
        }
    }

    fn resume(&mut self, key: (u128, u64)) -> Vec<Walk<P>> {
        let waited = self.waiting.remove(&key).unwrap_or_default();
        self.walks -= waited.len();
        waited
    }
}

#[cfg(test)]
mod tests;
