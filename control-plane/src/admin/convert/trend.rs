//! Where a scope is going, and what that asks for.

use serin_analysis::Trend;
use serin_analysis::risk::{Action, Prediction};
use serin_proto::admin::v1 as api;

use super::reason::effect;

pub(super) fn trend(trend: &Trend) -> api::Trend {
    api::Trend {
        signal: trend.signal.name().to_owned(),
        quantile: trend.quantile,
        now: Some(effect(trend.now)),
        ahead: Some(effect(trend.ahead)),
        horizon_s: trend.horizon_s,
        limit: trend.limit,
        probability: trend.probability,
        earliest_s: trend.earliest_s,
        median_s: trend.median_s,
        latest_s: trend.latest_s,
        prediction: prediction(trend.prediction).into(),
        text: trend.sentence(),
    }
}

fn prediction(prediction: Prediction) -> api::Prediction {
    match prediction {
        Prediction::Quiet => api::Prediction::Quiet,
        Prediction::Ahead => api::Prediction::Ahead,
        Prediction::Imminent => api::Prediction::Imminent,
    }
}

pub(super) fn action(action: Action) -> api::Action {
    match action {
        Action::Continue => api::Action::Continue,
        Action::Hold => api::Action::Hold,
        Action::HoldAndPage => api::Action::HoldAndPage,
        Action::Rollback => api::Action::Rollback,
    }
}
