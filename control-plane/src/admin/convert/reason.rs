//! Why a verdict is what it is.

use serin_analysis::{BaselineUsed, CategoryFailures, EffectSize};
use serin_proto::admin::v1 as api;

use super::verdict;
use crate::snapshot::Reason;

pub(super) fn reason(reason: &Reason) -> api::Reason {
    let Reason { data, text } = reason;
    api::Reason {
        signal: reason.signal().to_owned(),
        verdict: verdict(data.verdict).into(),
        log_evidence: data.log_evidence,
        log_threshold: data.log_threshold,
        text: text.clone(),
        log_evidence_healthy: data.log_evidence_healthy,
        log_threshold_healthy: data.log_threshold_healthy,
        baseline: data.baseline,
        canary: data.canary,
        baseline_requests: data.baseline_requests,
        canary_requests: data.canary_requests,
        canary_requests_needed: data.canary_requests_needed,
        baseline_used: baseline_used(data.baseline_used).into(),
        effect: data.effect.map(effect),
        overdispersion: data.overdispersion,
        categories: data.categories.iter().map(failures).collect(),
    }
}

pub(super) fn effect(EffectSize { estimate, low, high }: EffectSize) -> api::EffectSize {
    api::EffectSize { estimate, low, high }
}

fn failures(failures: &CategoryFailures) -> api::CategoryFailures {
    let CategoryFailures { category, baseline, canary, log_evidence, at_fault } = *failures;
    let category = category.name().to_owned();
    api::CategoryFailures { category, baseline, canary, log_evidence, at_fault }
}

fn baseline_used(used: BaselineUsed) -> api::BaselineUsed {
    match used {
        BaselineUsed::Concurrent => api::BaselineUsed::Concurrent,
        BaselineUsed::Profile => api::BaselineUsed::Profile,
        BaselineUsed::PreviousDeployment => api::BaselineUsed::PreviousDeployment,
        BaselineUsed::Thresholds => api::BaselineUsed::Thresholds,
        BaselineUsed::Nothing => api::BaselineUsed::Nothing,
    }
}
