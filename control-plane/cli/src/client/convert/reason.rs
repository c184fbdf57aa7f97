//! Why a verdict is what it is.

use serin_proto::admin::v1 as proto;

use crate::model::{BaselineUsed, CategoryFailures, EffectSize, Reason, Veto};

impl From<proto::Reason> for Reason {
    fn from(reason: proto::Reason) -> Self {
        Self {
            verdict: reason.verdict().into(),
            baseline_used: reason.baseline_used().into(),
            signal: reason.signal,
            log_evidence: reason.log_evidence,
            log_threshold: reason.log_threshold,
            log_evidence_healthy: reason.log_evidence_healthy,
            log_threshold_healthy: reason.log_threshold_healthy,
            baseline: reason.baseline,
            canary: reason.canary,
            baseline_requests: reason.baseline_requests,
            canary_requests: reason.canary_requests,
            canary_requests_needed: reason.canary_requests_needed,
            effect: reason.effect.map(EffectSize::from),
            overdispersion: Some(reason.overdispersion).filter(|phi| *phi > 0.0),
            categories: reason.categories.into_iter().map(CategoryFailures::from).collect(),
            text: reason.text,
        }
    }
}

impl From<proto::EffectSize> for EffectSize {
    fn from(effect: proto::EffectSize) -> Self {
        let proto::EffectSize { estimate, low, high } = effect;
        Self { estimate, low, high }
    }
}

impl From<proto::CategoryFailures> for CategoryFailures {
    fn from(failures: proto::CategoryFailures) -> Self {
        let proto::CategoryFailures { category, baseline, canary, log_evidence, at_fault } = failures;
        Self { category, baseline, canary, log_evidence, at_fault }
    }
}

impl From<proto::BaselineUsed> for BaselineUsed {
    fn from(used: proto::BaselineUsed) -> Self {
        match used {
            proto::BaselineUsed::Unspecified => Self::Unknown,
            proto::BaselineUsed::Concurrent => Self::Concurrent,
            proto::BaselineUsed::Profile => Self::Profile,
            proto::BaselineUsed::PreviousDeployment => Self::PreviousDeployment,
            proto::BaselineUsed::Thresholds => Self::Thresholds,
            proto::BaselineUsed::Nothing => Self::Nothing,
        }
    }
}

impl From<proto::Veto> for Veto {
    fn from(veto: proto::Veto) -> Self {
        match veto {
            proto::Veto::Unspecified => Self::Unknown,
            proto::Veto::OlderThanExposure => Self::OlderThanExposure,
            proto::Veto::BothArmsWorse => Self::BothArmsWorse,
            proto::Veto::BaselineUnhealthy => Self::BaselineUnhealthy,
            proto::Veto::TooLittleTraffic => Self::TooLittleTraffic,
            proto::Veto::DataGap => Self::DataGap,
            proto::Veto::FewUsers => Self::FewUsers,
        }
    }
}
