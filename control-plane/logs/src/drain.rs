//! Groups lines by templates, in one pass: Drain of He, Zhu, Zheng and Lyu (ICWS 2017), with bounds.
//!
//! The tree has two levels: the number of tokens, then the first token, unless that varies. In a leaf the template is taken that
//! is most like the line, if it is like it by at least a half; where the two differ, the template varies from then on. How alike
//! they are is the share of tokens that are equal, less that of words that stand against other words: a number in the place of a
//! name says the same of somebody else, a verb in the place of a verb does not. A word in capitals, `true` or `false` against
//! another one rules a template out. Both are ours; with them one setting serves systems for which the published method
//! has one each.
//!
//! No clock and no random numbers: the same lines in the same order give the same templates.

use std::collections::BTreeMap;

use crate::mask::{Kind, MASK, Masked, Word};

/// Templates of one tree.
pub const TEMPLATES_MAX: usize = 2_048;
/// Of these, what only lines of a kind of their own may take, such as exceptions: a flood of other lines does not crowd them out.
pub const RESERVED: usize = 256;
/// First tokens that are told apart, for each number of tokens. Lines that begin otherwise share one leaf.
pub const CHILDREN_MAX: usize = 256;
/// Templates of one leaf: what a line is compared with at most.
pub const LEAF_MAX: usize = 128;

/// How much a line must be like its template, in percent.
const LIKENESS_MIN_PERCENT: i32 = 50;

/// Where a leaf is: number of tokens, kind (a hash of what else sets lines apart), hash of the first token.
type Place = (u8, u64, u64);

/// The leaf of all lines whose first token has none of its own.
const OTHERS: u64 = Word::MASK.hash;

/// A template in its slot.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    place: Place,
    words: Box<[Word]>,
    tokens: Vec<Box<str>>,
}

/// The tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain {
    leaves: BTreeMap<Place, Vec<u32>>,
    /// Leaves by number of tokens and kind, without the one for all other first tokens.
    children: BTreeMap<(u8, u64), u32>,
    slots: Vec<Option<Pattern>>,
    free: Vec<u32>,
}

/// No template was found, and there is no room for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Drain {
    /// The slot of the template of this line, which takes over where the line differs.
    pub(crate) fn find(&mut self, kind: u64, line: &Masked) -> Option<u32> {
        let place = self.place(kind, line);
        let best = self.best(self.leaves.get(&place)?, line.words())?;
        self.slots.get_mut(best as usize)?.as_mut()?.merge(line.words());
        Some(best)
    }

    /// Makes a template of this line.
    pub(crate) fn insert(&mut self, kind: u64, line: &Masked) -> Result<u32, Full> {
        let place = self.new_place(kind, line);
        if self.leaf_is_full(place) {
            return Err(Full);
        }
        let slot = if self.is_full(kind) { None } else { self.slot() }.ok_or(Full)?;
        let pattern =
            Pattern { place, words: line.words().into(), tokens: line.tokens().map(Box::from).collect() };
        if let Some(entry) = self.slots.get_mut(slot as usize) {
            *entry = Some(pattern);
        }
        let leaf = self.leaves.entry(place).or_default();
        if leaf.is_empty() && place.2 != OTHERS {
            *self.children.entry((place.0, kind)).or_default() += 1;
        }
        leaf.push(slot);
        Ok(slot)
    }

    /// Whether there is room for a template of this line.
    pub(crate) fn has_room(&self, kind: u64, line: &Masked) -> bool {
        !self.is_full(kind) && !self.leaf_is_full(self.new_place(kind, line))
    }

    fn is_full(&self, kind: u64) -> bool {
        let reserved = if kind == 0 { RESERVED } else { 0 };
        self.slots.len() - self.free.len() >= TEMPLATES_MAX - reserved
    }

    fn leaf_is_full(&self, place: Place) -> bool {
        self.leaves.get(&place).is_some_and(|leaf| leaf.len() >= LEAF_MAX)
    }

    /// Where a template of this line goes: to a leaf of its first token, as long as there may be another one.
    fn new_place(&self, kind: u64, line: &Masked) -> Place {
        let (length, kind, found) = self.place(kind, line);
        let children = self.children.get(&(length, kind)).copied().unwrap_or_default() as usize;
        (length, kind, if children < CHILDREN_MAX { first(line) } else { found })
    }

    /// The template of a slot.
    pub(crate) fn pattern(&self, slot: u32) -> Option<&Pattern> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Forgets the template of a slot, which another one may take.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(pattern) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        self.free.push(slot);
        let Some(leaf) = self.leaves.get_mut(&pattern.place) else { return };
        leaf.retain(|other| *other != slot);
        if leaf.is_empty() {
            self.leaves.remove(&pattern.place);
            let (length, kind, first) = pattern.place;
            if first != OTHERS
                && let Some(children) = self.children.get_mut(&(length, kind))
            {
                *children -= 1;
                if *children == 0 {
                    self.children.remove(&(length, kind));
                }
            }
        }
    }

    fn slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        if self.slots.len() >= TEMPLATES_MAX {
            return None;
        }
        self.slots.push(None);
        u32::try_from(self.slots.len() - 1).ok()
    }

    /// The leaf of its first token, if there is one, or else that of all others.
    fn place(&self, kind: u64, line: &Masked) -> Place {
        let length = u8::try_from(line.len()).unwrap_or(u8::MAX);
        let first = first(line);
        if self.leaves.contains_key(&(length, kind, first)) {
            (length, kind, first)
        } else {
            (length, kind, OTHERS)
        }
    }

    /// The template that is most like the line, if one is enough so. Of several the first.
    fn best(&self, leaf: &[u32], line: &[Word]) -> Option<u32> {
        let length = i32::try_from(line.len()).unwrap_or(i32::MAX);
        let mut best: Option<(u32, i32)> = None;
        for slot in leaf {
            let Some(likeness) = self.pattern(*slot).and_then(|pattern| pattern.likeness(line)) else {
                continue;
            };
            if 100 * likeness >= LIKENESS_MIN_PERCENT * length && best.is_none_or(|(_, most)| likeness > most)
            {
                best = Some((*slot, likeness));
                if likeness == length {
                    break;
                }
            }
        }
        best.map(|(slot, _)| slot)
    }
}

fn first(line: &Masked) -> u64 {
    line.words().first().map_or(OTHERS, |word| word.hash)
}

impl Pattern {
    /// Tokens that are equal, less words that stand against words. `None`: it is ruled out.
    fn likeness(&self, line: &[Word]) -> Option<i32> {
        let mut likeness = 0;
        for (ours, theirs) in self.words.iter().zip(line) {
            if ours.hash == theirs.hash {
                likeness += 1;
                continue;
            }
            match (ours.kind, theirs.kind) {
                (Kind::Sign, Kind::Sign) => return None,
                (Kind::Sign | Kind::Word, Kind::Sign | Kind::Word) => likeness -= 1,
                (Kind::Other | Kind::Varies, _) | (_, Kind::Other | Kind::Varies) => {}
            }
        }
        Some(likeness)
    }

    fn merge(&mut self, line: &[Word]) {
        for ((ours, token), theirs) in self.words.iter_mut().zip(&mut self.tokens).zip(line) {
            if ours.hash != theirs.hash && ours.kind != Kind::Varies {
                *ours = Word::MASK;
                *token = MASK.into();
            }
        }
    }

    /// Its tokens.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|token| &**token)
    }
}

#[cfg(test)]
mod tests;
