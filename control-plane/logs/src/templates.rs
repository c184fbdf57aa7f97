//! The templates of one service: what was seen of each, and how often each arm wrote it in each second.
//!
//! Bounds, and what happens at each. [`TEMPLATES_MAX`](crate::TEMPLATES_MAX) templates and
//! [`LEAF_MAX`](crate::LEAF_MAX) that are compared with one line, [`RESERVED`](crate::RESERVED) of them only for exceptions: a line that would need another counts for
//! [`TemplateId::OVERFLOW`], until [`Templates::retire`] makes room. [`SECONDS_MAX`] seconds that were not drained: a line of
//! another second is shed. [`CELLS_MAX`] counts that were not drained: a line that would need another counts for
//! [`TemplateId::OVERFLOW`] in its second. So the counts of a second always add up to its lines. All of it takes at most
//! [`MEMORY_BYTES_MAX`].
//!
//! No secret gets into a template or a sample: what is new is masked first ([`Masker`]), and what is known already changes a
//! template only by a mask in the place of a token.

mod counts;
mod known;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serin_analysis::Arm;
use serin_evidence::mask::Masker;

use crate::drain::Drain;
use crate::line::LogLine;
use crate::mask::{LINE_BYTES, Masked, hash};

pub use counts::{CELLS_MAX, SECONDS_MAX, TemplateCount};
pub use known::{EXCEPTION_BYTES, SAMPLE_BYTES, SAMPLES_MAX, Sample, Template, TemplateId};

use counts::Counts;
use known::Known;

/// Bytes that the templates of one service take at most, with what the allocator adds.
pub const MEMORY_BYTES_MAX: usize = 20 * 1024 * 1024;

/// What a line turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its template.
    pub template: TemplateId,
    /// Whether no line of this template was seen before.
    pub is_new: bool,
    /// Whether it is counted: its second is one of those that are kept.
    pub is_counted: bool,
}

/// Lines that did not get their place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Shed {
    /// For whose template there was no room.
    pub templates: u64,
    /// Whose second was one too many.
    pub seconds: u64,
    /// For whose count there was no room: counted in their second without their template.
    pub cells: u64,
}

/// The templates of one service.
#[derive(Debug)]
pub struct Templates {
    masker: Masker,
    drain: Drain,
    /// By the slot of the tree.
    known: Vec<Option<Known>>,
    slots: BTreeMap<TemplateId, u32>,
    counts: Counts,
    newest: u32,
    shed: Shed,
    line: Masked,
}

impl Templates {
    /// None yet. Secrets are masked as `masker` does; it should take e-mail addresses, too.
    #[must_use]
    pub fn new(masker: Masker) -> Self {
        Self {
            masker,
            drain: Drain::default(),
            known: Vec::new(),
            slots: BTreeMap::new(),
            counts: Counts::default(),
            newest: TemplateId::OVERFLOW.0,
            shed: Shed::default(),
            line: Masked::default(),
        }
    }

    /// Takes a line of an arm: finds or makes its template, and counts it.
    pub fn observe(&mut self, line: &LogLine<'_>, arm: Arm) -> Seen {
        let (slot, is_new) = self.place(line);
        let known = slot.and_then(|slot| self.known.get_mut(slot as usize)?.as_mut());
        let template = match known {
            Some(known) => {
                known.note(line, arm, &self.masker);
                known.id
            }
            None => {
                self.shed.templates += 1;
                TemplateId::OVERFLOW
            }
        };
        let is_counted = match self.counts.add(line.second, template, arm) {
            counts::Added::Counted => true,
            counts::Added::WithoutTemplate => {
                self.shed.cells += 1;
                true
            }
            counts::Added::Shed => {
                self.shed.seconds += 1;
                false
            }
        };
        Seen { template, is_new, is_counted }
    }

    /// The slot of a line's template, and whether it is new. `None`: there is no room for it.
    fn place(&mut self, line: &LogLine<'_>) -> (Option<u32>, bool) {
        let kind = line.exception.map_or(0, hash);
        self.line.read(line.body);
        if let Some(slot) = self.drain.find(kind, &self.line) {
            return (Some(slot), false);
        }
        // Before secrets are looked for, which takes longer than all else: lines without room may be many.
        if !self.drain.has_room(kind, &self.line) {
            return (None, false);
        }
        let body = line.body.get(..line.body.floor_char_boundary(LINE_BYTES)).unwrap_or_default();
        if let Cow::Owned(body) = self.masker.mask(body) {
            self.line.read(&body);
            if let Some(slot) = self.drain.find(kind, &self.line) {
                return (Some(slot), false);
            }
        }
        let Ok(slot) = self.drain.insert(kind, &self.line) else { return (None, false) };
        self.newest = self.newest.saturating_add(1);
        let id = TemplateId(self.newest);
        let known = Known::new(id, line, &self.masker);
        self.slots.insert(id, slot);
        if self.known.len() <= slot as usize {
            self.known.resize_with(slot as usize + 1, || None);
        }
        if let Some(place) = self.known.get_mut(slot as usize) {
            *place = Some(known);
        }
        (Some(slot), true)
    }

    /// Takes the counts of a second out, in the order of templates. A line of this second that comes later begins anew.
    pub fn drain(&mut self, second: u64) -> Vec<TemplateCount> {
        self.counts.take(second)
    }

    /// The seconds that have counts, from the first.
    pub fn seconds(&self) -> impl Iterator<Item = u64> {
        self.counts.seconds()
    }

    /// A template, as it is by now. `None`: unknown, retired, or [`TemplateId::OVERFLOW`], which has none.
    #[must_use]
    pub fn template(&self, id: TemplateId) -> Option<Template<'_>> {
        self.in_slot(*self.slots.get(&id)?)
    }

    /// All templates, in the order of their discovery.
    pub fn iter(&self) -> impl Iterator<Item = Template<'_>> {
        self.slots.values().filter_map(|slot| self.in_slot(*slot))
    }

    fn in_slot(&self, slot: u32) -> Option<Template<'_>> {
        let known = self.known.get(slot as usize)?.as_ref()?;
        Some(Template::new(known, self.drain.pattern(slot)?.tokens()))
    }

    /// Forgets templates of which no line was written since `second`. A number is never given again.
    pub fn retire(&mut self, second: u64) {
        for (slot, place) in (0..).zip(&mut self.known) {
            if let Some(known) = place.take_if(|known| known.last_seen < second) {
                self.slots.remove(&known.id);
                self.drain.remove(slot);
            }
        }
    }

    /// Lines that did not get their place, since the start.
    #[must_use]
    pub const fn shed(&self) -> Shed {
        self.shed
    }
}

#[cfg(test)]
mod tests;
