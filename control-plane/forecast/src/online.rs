//! A forecaster of the analysis, as a model that can be fitted.

use std::fmt;

use serin_analysis::forecast::{Forecast, Forecaster};

use crate::model::{Kind, Model, ahead, latest};

/// Points that the forecasters behind this look back on at most.
const REACH: usize = 256;

/// A forecaster, and how it was before it saw anything.
#[derive(Clone, Debug)]
pub(crate) struct Online<F> {
    kind: Kind,
    fresh: F,
    fed: F,
}

impl<F: Clone> Online<F> {
    pub(crate) fn new(kind: Kind, fresh: F) -> Self {
        Self { kind, fed: fresh.clone(), fresh }
    }
}

impl<F: Forecaster + Clone + fmt::Debug + Send> Model for Online<F> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn fit(&mut self, series: &[f64]) {
        self.fed = self.fresh.clone();
        latest(series, REACH).iter().for_each(|value| self.fed.observe(*value));
    }

    fn update(&mut self, value: f64) {
        self.fed.observe(value);
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        ahead(horizon).map_while(|steps| self.fed.forecast(steps)).collect()
    }
}
