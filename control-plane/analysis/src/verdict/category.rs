//! Ways for a request to fail, and what each of them says.

use serde::{Deserialize, Serialize};

use super::words::{odds, percent};
use super::{BaselineUsed, Reason};

/// A way for a request to fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The service failed (5xx).
    ServerError,
    /// No answer in time.
    Timeout,
    /// No connection could be made.
    ConnectFailure,
    /// The connection broke before the response ended.
    Reset,
    /// Refused for load.
    Overload,
    /// The caller was to blame (4xx). Counts only where [`crate::config::Failures`] says so.
    ClientError,
    /// The client went away. Counts only where [`crate::config::Failures`] says so.
    Cancelled,
}

impl Category {
    /// All categories. Stored counts are in this order, so more may only be added at its end.
    pub const ALL: [Self; 7] = [
        Self::ServerError,
        Self::Timeout,
        Self::ConnectFailure,
        Self::Reset,
        Self::Overload,
        Self::ClientError,
        Self::Cancelled,
    ];

    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::ConnectFailure => "connect_failure",
            Self::Reset => "reset",
            Self::Overload => "overload",
            Self::ClientError => "client_error",
            Self::Cancelled => "cancelled",
        }
    }

    /// In words, of several.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ServerError => "server errors",
            Self::Timeout => "timeouts",
            Self::ConnectFailure => "failed connections",
            Self::Reset => "broken connections",
            Self::Overload => "refusals for load",
            Self::ClientError => "client errors",
            Self::Cancelled => "cancelled requests",
        }
    }
}

/// Failures of one category since the harm began, and what they say.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct CategoryFailures {
    /// The category.
    pub category: Category,
    /// Failures on the baseline.
    pub baseline: u64,
    /// Failures on the canary.
    pub canary: u64,
    /// Natural logarithm of the evidence against "within the margin" from failures of this category alone. 0 while there
    /// is none.
    #[serde(default)]
    pub log_evidence: f64,
    /// Shown to be worse than the margin allows.
    #[serde(default)]
    pub at_fault: bool,
}

impl CategoryFailures {
    /// What it says, in words. `reason` has the requests.
    fn sentence(&self, reason: &Reason) -> String {
        let share = |failures: u64, requests: u64| percent(failures as f64 / requests.max(1) as f64);
        let (name, canary) = (self.category.words(), share(self.canary, reason.canary_requests));
        let beside = match reason.baseline_used {
            BaselineUsed::Concurrent => {
                let baseline = share(self.baseline, reason.baseline_requests);
                format!(", {baseline} of {} on the baseline", reason.baseline_requests)
            }
            // What is usual is known of all failures together.
            BaselineUsed::Profile
            | BaselineUsed::PreviousDeployment
            | BaselineUsed::Thresholds
            | BaselineUsed::Nothing => String::new(),
        };
        let (requests, odds) = (reason.canary_requests, odds(self.log_evidence));
        format!("{name} {canary} of {requests} canary requests{beside} ({odds})")
    }
}

impl Reason {
    /// The categories that are at fault, in words: nothing where none is known to be, or where it is not regressed.
    pub(super) fn at_fault(&self) -> String {
        if self.verdict != super::Verdict::Regressed {
            return String::new();
        }
        let at_fault = self.categories.iter().filter(|failures| failures.at_fault);
        at_fault.map(|failures| format!("; {}", failures.sentence(self))).collect()
    }

    /// The category that most failures beyond the baseline's are of, where none is known to be at fault.
    pub(super) fn driver(&self) -> String {
        let is_known = self.categories.iter().any(|failures| failures.at_fault);
        let (baseline, canary) = (u128::from(self.baseline_requests), u128::from(self.canary_requests));
        match self.categories.first() {
            Some(first)
                if self.verdict == super::Verdict::Regressed
                    && !is_known
                    && u128::from(first.canary) * baseline.max(1) > u128::from(first.baseline) * canary =>
            {
                format!(", mostly {}", first.category.words())
            }
            Some(_) | None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Signal, Verdict};

    fn of(category: Category, baseline: u64, canary: u64, log_evidence: f64) -> CategoryFailures {
        CategoryFailures { category, baseline, canary, log_evidence, at_fault: log_evidence > 4.0 }
    }

    fn reason(categories: Vec<CategoryFailures>) -> Reason {
        Reason {
            signal: Signal::ErrorRate,
            verdict: Verdict::Regressed,
            log_evidence: 8.0,
            log_threshold: 5.8,
            baseline: 0.01,
            canary: 0.04,
            baseline_requests: 8_100,
            canary_requests: 900,
            categories,
            ..Reason::default()
        }
    }

    #[test]
    fn a_reason_names_each_category_that_is_at_fault_and_no_other() {
        let (timeouts, errors) =
            (of(Category::Timeout, 4, 28, 8.294), of(Category::ServerError, 80, 9, -0.5));
        let one = reason(vec![timeouts, errors]).sentence();
        let seen = "error rate 4.00 % over 900 canary requests, 1.00 % over 8100 on the baseline";
        let timeouts_say =
            "timeouts 3.11 % of 900 canary requests, 0.05 % of 8100 on the baseline (odds 4000 to 1)";
        assert_eq!(one, format!("{seen}: worse than the margin allows (odds 2981 to 1); {timeouts_say}"));
        let resets = of(Category::Reset, 0, 9, 4.7);
        let two = reason(vec![timeouts, resets, errors]).sentence();
        let resets_say = "broken connections 1.00 % of 900 canary requests, 0.00 % of 8100 on the baseline (odds 110 to 1)";
        assert!(two.ends_with(&format!("; {timeouts_say}; {resets_say}")), "{two}");
    }

    #[test]
    fn where_none_is_known_the_one_that_stands_out_is_told_if_it_is_more_than_on_the_baseline() {
        let unsure = reason(vec![of(Category::Overload, 2, 5, 1.0)]).sentence();
        assert!(unsure.contains("on the baseline, mostly refusals for load: worse"), "{unsure}");
        let usual = reason(vec![of(Category::Overload, 90, 10, 1.0)]).sentence();
        assert!(!usual.contains("load"), "{usual}");
        let healthy = Reason { verdict: Verdict::Healthy, ..reason(vec![of(Category::Reset, 0, 9, 9.0)]) };
        assert!(!healthy.sentence().contains("connections"), "{}", healthy.sentence());
    }

    #[test]
    fn without_a_baseline_a_category_is_told_of_the_canary_alone() {
        let allowed = Reason {
            baseline_used: BaselineUsed::Thresholds,
            baseline_requests: 0,
            ..reason(vec![of(Category::ClientError, 0, 90, 5.0)])
        };
        let text = allowed.sentence();
        assert!(text.ends_with("; client errors 10.00 % of 900 canary requests (odds 148 to 1)"), "{text}");
    }

    #[test]
    fn what_was_stored_without_evidence_can_be_read() {
        let stored = r#"{"category":"timeout","baseline":1,"canary":2}"#;
        assert_eq!(
            serde_json::from_str::<CategoryFailures>(stored).unwrap(),
            of(Category::Timeout, 1, 2, 0.0)
        );
    }
}
