//! Where a scope is going.

use serin_proto::admin::v1 as proto;

use crate::model::{Action, EffectSize, Prediction, Trend};

impl From<proto::Trend> for Trend {
    fn from(trend: proto::Trend) -> Self {
        Self {
            prediction: trend.prediction().into(),
            signal: trend.signal,
            quantile: Some(trend.quantile).filter(|quantile| *quantile > 0.0),
            now: trend.now.map(EffectSize::from),
            ahead: trend.ahead.map(EffectSize::from),
            horizon_s: trend.horizon_s,
            limit: trend.limit,
            probability: trend.probability,
            earliest_s: trend.earliest_s,
            median_s: trend.median_s,
            latest_s: trend.latest_s,
            text: trend.text,
        }
    }
}

impl From<proto::Prediction> for Prediction {
    fn from(prediction: proto::Prediction) -> Self {
        match prediction {
            proto::Prediction::Unspecified => Self::Unknown,
            proto::Prediction::Quiet => Self::Quiet,
            proto::Prediction::Ahead => Self::Ahead,
            proto::Prediction::Imminent => Self::Imminent,
        }
    }
}

impl From<proto::Action> for Action {
    fn from(action: proto::Action) -> Self {
        match action {
            proto::Action::Unspecified => Self::Unknown,
            proto::Action::Continue => Self::Continue,
            proto::Action::Hold => Self::Hold,
            proto::Action::HoldAndPage => Self::HoldAndPage,
            proto::Action::Rollback => Self::Rollback,
        }
    }
}
