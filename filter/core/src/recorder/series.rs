//! Names of series, interned.

use std::collections::BTreeMap;
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
    known: Vec<Option<Known>>,
    free: Vec<SeriesId>,
}

/// What is known of a series.
#[derive(Debug)]
struct Known {
    series: Rc<Series>,
    /// Blocks of its component.
    blocks: Box<[Box<str>]>,
    /// It stands for all that are too many.
    overflow: bool,
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
            self.known.push(None);
            SeriesId(u32::try_from(self.known.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(known) = self.known.get_mut(id.0 as usize) {
            let overflow = series.component == OVERFLOW;
            *known = Some(Known { series: Rc::clone(&series), blocks: Box::default(), overflow });
        }
        self.ids.insert(series, id);
        id
    }

    pub(super) fn name(&self, id: SeriesId) -> Option<&Series> {
        self.known(id).map(|known| &*known.series)
    }

    fn known(&self, id: SeriesId) -> Option<&Known> {
        self.known.get(id.0 as usize)?.as_ref()
    }

    pub(super) fn set_blocks(&mut self, id: SeriesId, names: &[Box<str>]) {
        if let Some(Some(known)) = self.known.get_mut(id.0 as usize)
            && *known.blocks != *names
        {
            known.blocks = names.into();
        }
    }

    /// The blocks of its component.
    pub(super) fn blocks(&self, id: SeriesId) -> &[Box<str>] {
        self.known(id).map(|known| &*known.blocks).unwrap_or_default()
    }

    pub(super) fn is_overflow(&self, id: SeriesId) -> bool {
        self.known(id).is_some_and(|known| known.overflow)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(SeriesId) -> bool) {
        let Self { known, free, .. } = self;
        self.ids.retain(|_, id| {
            let kept = keep(*id);
            if !kept && let Some(known) = known.get_mut(id.0 as usize) {
                *known = None;
                free.push(*id);
            }
            kept
        });
    }
}
