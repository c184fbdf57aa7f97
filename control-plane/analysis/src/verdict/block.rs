//! What failures that name a block of code say.

use serde::{Deserialize, Serialize};

use super::words::{odds, percent};

/// Evidence on one block of a component's code, from the failures that named it, since its harm began.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct BlockEvidence {
    /// Name of the block.
    pub name: String,
    /// Shown to fail more than the margins allow, while the failures that name no block do not.
    pub at_fault: bool,
    /// Natural logarithm of the evidence against "within the margin". 0 while there is none.
    pub log_evidence: f64,
    /// Value of `log_evidence` from which it may be at fault.
    pub log_threshold: f64,
    /// Failures on the baseline that named it.
    pub baseline_failures: u64,
    /// Failures on the canary that named it.
    pub canary_failures: u64,
    /// Requests of the component on the baseline.
    pub baseline_requests: u64,
    /// Requests of the component on the canary.
    pub canary_requests: u64,
}

impl BlockEvidence {
    /// In words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let rate =
            |failures: u64, requests: u64| if requests > 0 { failures as f64 / requests as f64 } else { 0.0 };
        format!(
            "block {} failed in {} of {} canary requests, {} of {} on the baseline ({})",
            self.name,
            percent(rate(self.canary_failures, self.canary_requests)),
            self.canary_requests,
            percent(rate(self.baseline_failures, self.baseline_requests)),
            self.baseline_requests,
            odds(self.log_evidence),
        )
    }
}
