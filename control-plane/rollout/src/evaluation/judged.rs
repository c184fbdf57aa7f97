//! From what the engine says to a judgement of the rollout.

use serin_analysis::{Arm, ArmSummary, Assessment, ByArm};

use super::Evaluation;
use crate::outside::Outside;
use crate::{ArmWindow, ComponentJudgement, Judgement};

impl Evaluation {
    pub(super) fn judgement(&mut self, assessment: Assessment, now_second: u64) -> Judgement {
        let client_errors = self.client_errors(now_second);
        let version = self.version();
        let components = assessment.components.into_iter().map(|(name, assessment)| {
            let ByArm { baseline, canary } = self.component(&name);
            ComponentJudgement { assessment, requests: baseline.requests + canary.requests, name }
        });
        Judgement {
            version: assessment.version,
            components: components.collect(),
            alarm: assessment.alarm,
            data_age_s: assessment.data_age_s,
            baseline: self.window(Arm::Baseline, &version.baseline, client_errors.baseline),
            canary: self.window(Arm::Canary, &version.canary, client_errors.canary),
            arms: Vec::new(),
            findings: Vec::new(),
            sources: None,
            outside: Outside::default(),
        }
    }

    fn window(&self, arm: Arm, summary: &ArmSummary, client_errors: u64) -> ArmWindow {
        let ArmSummary { requests, errors, p99_us: latency_p99_us, .. } = *summary;
        let latency_p99_least_us = self.engine.version_p99_least_us(arm);
        ArmWindow { requests, errors, client_errors, latency_p99_us, latency_p99_least_us }
    }
}
