//! The plan of an experiment in words, and as JSON.

use std::time::Duration;

use serde::Serialize;
use serin_rollout::plan::Experiment;

use super::Explained;
use crate::output::{Sheet, duration, percent};

/// What is compared, with every default filled in.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    control: String,
    control_weight_ppm: u32,
    arms: Vec<Arm>,
    /// `None`: until a person ends it.
    duration_ms: Option<u64>,
    confidence_ppm: u32,
}

#[derive(Debug, Serialize)]
struct Arm {
    name: String,
    version: String,
    weight_ppm: u32,
}

impl Shown {
    pub(super) fn of(experiment: &Experiment) -> Self {
        let arms = experiment.arms().iter().map(|arm| Arm {
            name: arm.name.clone(),
            version: arm.version.clone(),
            weight_ppm: arm.weight.ppm(),
        });
        let duration = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            control: experiment.control().to_owned(),
            control_weight_ppm: 1_000_000_u32.saturating_sub(experiment.weight(|_| true).ppm()),
            arms: arms.collect(),
            duration_ms: experiment.duration().map(duration),
            confidence_ppm: experiment.confidence().ppm(),
        }
    }

    pub(super) fn sheet(&self, file: &str, plan: &Explained) -> Sheet {
        let mut sheet = Sheet::default();
        let count = self.arms.len() + 1;
        sheet.line(&format!(
            "{file} is a valid plan: an experiment with {} in {count} arms; none is promoted.",
            plan.service
        ));
        sheet.line(&plan.takes());
        if !plan.has_identity {
            sheet.line("No identity is given: every request draws its arm, and one person sees several.");
        }
        sheet.blank();
        let control = [
            self.control.clone(),
            plan.baseline_version.clone(),
            percent(self.control_weight_ppm),
            "none: it is the baseline".to_owned(),
        ];
        let arms = self.arms.iter().map(|arm| {
            let header = format!("x-serin-arm: {}", arm.name);
            [arm.name.clone(), arm.version.clone(), percent(arm.weight_ppm), header]
        });
        sheet.table(["ARM", "VERSION", "WEIGHT", "HEADER FOR ROUTES"], std::iter::once(control).chain(arms));
        sheet.blank();
        let warm_up = duration(plan.warm_up);
        sheet.line(&match self.duration_ms {
            Some(ms) => {
                let lasts = duration(Duration::from_millis(ms));
                format!("It runs for {lasts}; then all users return to {}.", self.control)
            }
            None => "It runs until `serin rollout rollback`.".to_owned(),
        });
        sheet.line(&format!("What its first {warm_up} measure is not reported."));
        let covered = percent(self.confidence_ppm);
        sheet.line(&format!("Each interval holds the true value at all times with probability {covered}."));
        sheet.blank();
        self.guard(&mut sheet, plan);
        if !plan.components.is_empty() {
            sheet.blank();
            sheet.line("Components, reported and guarded on their own");
            let rows = plan.components.iter().map(|one| [one.name.clone(), one.business_weight.to_string()]);
            sheet.table(["NAME", "BUSINESS WEIGHT"], rows);
        }
        sheet
    }

    fn guard(&self, sheet: &mut Sheet, plan: &Explained) {
        let margins = &plan.margins;
        sheet.line(if plan.automatic_rollback {
            "An arm is stopped, and its users return to the control, when it or a component of it is shown to have"
        } else {
            "Automatic rollback is off. An arm is reported, not stopped, when it or a component of it is shown to have"
        });
        sheet.line(&format!(
            "  an error rate above {} times the control's plus {}, or latencies more than {} longer",
            margins.error_ratio,
            percent(margins.error_absolute_ppm),
            percent(margins.latency_ratio_ppm)
        ));
        let happens = if plan.automatic_rollback { "stopped" } else { "reported" };
        sheet.line(&format!(
            "  (if all arms are within that, any is {happens} with probability at most {})",
            percent(plan.false_rollback_ppm)
        ));
        let failures: Vec<&str> = plan.failures.iter().map(|failure| failure.name()).collect();
        sheet.line(&format!("  (errors are {})", failures.join(", ")));
        let limits = &plan.limits;
        sheet.line(&format!(
            "Shown only, over 60s: success rate below {}, error rate above {}, 99th percentile above {}",
            percent(limits.success_rate_ppm),
            percent(limits.error_rate_ppm),
            duration(limits.latency_p99)
        ));
    }
}
