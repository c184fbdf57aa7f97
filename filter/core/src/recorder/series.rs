//! Names of series, interned.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serin_proto::assignment::OVERFLOW;

/// Series that can be told apart at once; those beyond share `overflow` within their service.
const MAX_SERIES: usize = 16_384;

/// A service, component and arm.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SeriesId(u32);

#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Series {
    pub(super) service: String,
    pub(super) component: String,
    pub(super) arm: String,
}

#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    ids: BTreeMap<Rc<Series>, SeriesId>,
    names: Vec<Option<Rc<Series>>>,
    free: Vec<SeriesId>,
    /// Those that stand for all that are too many: asked at every request, and seldom any.
    overflow: BTreeSet<SeriesId>,
    /// Blocks of the components that have any.
    blocks: BTreeMap<SeriesId, Rc<[Box<str>]>>,
}

impl SeriesTable {
    pub(super) fn intern(&mut self, service: &str, component: &str, arm: &str) -> SeriesId {
        let series = |component: &str| Series {
            service: service.to_owned(),
            component: component.to_owned(),
            arm: arm.to_owned(),
        };
        let wanted = series(component);
        match self.ids.get(&wanted) {
            Some(id) => *id,
            None if self.ids.len() < MAX_SERIES => self.insert(wanted),
            // Not bounded by itself: an assignment has a bounded number of services and arms.
            None => {
                let overflow = series(OVERFLOW);
                self.ids.get(&overflow).copied().unwrap_or_else(|| self.insert(overflow))
            }
        }
    }

    fn insert(&mut self, series: Series) -> SeriesId {
        let series = Rc::new(series);
        let id = self.free.pop().unwrap_or_else(|| {
            self.names.push(None);
            SeriesId(u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(name) = self.names.get_mut(id.0 as usize) {
            *name = Some(Rc::clone(&series));
        }
        if series.component == OVERFLOW {
            self.overflow.insert(id);
        }
        self.ids.insert(series, id);
        id
    }

    pub(super) fn name(&self, id: SeriesId) -> Option<&Series> {
        self.names.get(id.0 as usize)?.as_deref()
    }

    pub(super) fn set_blocks(&mut self, id: SeriesId, names: &[Box<str>]) {
        if names.is_empty() {
            self.blocks.remove(&id);
        } else if self.blocks.get(&id).is_none_or(|known| **known != *names) {
            self.blocks.insert(id, names.into());
        }
    }

    /// The blocks of its component.
    pub(super) fn blocks(&self, id: SeriesId) -> &[Box<str>] {
        self.blocks.get(&id).map(AsRef::as_ref).unwrap_or_default()
    }

    pub(super) fn is_overflow(&self, id: SeriesId) -> bool {
        self.overflow.contains(&id)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(SeriesId) -> bool) {
        let Self { names, free, overflow, blocks, .. } = self;
        self.ids.retain(|_, id| {
            let kept = keep(*id);
            if !kept && let Some(name) = names.get_mut(id.0 as usize) {
                *name = None;
                overflow.remove(id);
                blocks.remove(id);
                free.push(*id);
            }
            kept
        });
    }
}
