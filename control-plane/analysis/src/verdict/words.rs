//! Verdicts in words.

use super::{BaselineUsed, EffectSize, Reason, Signal, Verdict, Veto};

impl Signal {
    fn words(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::Latency => "99th percentile of latency",
            Self::Share => "share of requests",
        }
    }

    pub(super) fn value(self, value: f64) -> String {
        match self {
            Self::ErrorRate | Self::Share => percent(value),
            Self::Latency => format!("{:.1} ms", value / 1000.0),
        }
    }

    fn effect(self, effect: EffectSize) -> String {
        let EffectSize { estimate, low, high } = effect;
        match self {
            Self::ErrorRate => {
                let points = |share: f64| share * 100.0;
                format!(", {:+.2} points, {:+.2} to {:+.2}", points(estimate), points(low), points(high))
            }
            Self::Latency | Self::Share => format!(", {estimate:.2} times, {low:.2} to {high:.2}"),
        }
    }
}

impl Reason {
    /// The reason in words: one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let Self { signal, baseline, canary, baseline_requests, canary_requests, .. } = self;
        let (name, baseline, canary) = (signal.words(), signal.value(*baseline), signal.value(*canary));
        let canary_seen = match canary_requests {
            0 => format!("{name} of no canary request yet"),
            requests => format!("{name} {canary} over {requests} canary requests"),
        };
        let beside = self.baseline_used.words();
        let seen = match (signal, self.baseline_used, baseline_requests) {
            (Signal::ErrorRate | Signal::Latency, BaselineUsed::Nothing, _) => {
                format!("{canary_seen}, {beside}")
            }
            (Signal::ErrorRate | Signal::Latency, BaselineUsed::Concurrent, 0) => {
                format!("{canary_seen}, of none {beside}")
            }
            (Signal::ErrorRate | Signal::Latency, _, 0) => format!("{canary_seen}, {baseline} {beside}"),
            (Signal::ErrorRate | Signal::Latency, _, requests) => {
                format!("{canary_seen}, {baseline} over {requests} {beside}")
            }
            (Signal::Share, _, requests) => match requests.saturating_add(*canary_requests) {
                0 => format!(
                    "{baseline} of the requests usually reach the canary at this weight, and no fewer do"
                ),
                requests => format!(
                    "{canary} of {requests} requests reached the canary, usually {baseline} at this weight"
                ),
            },
        };
        format!("{seen}{}: {}{}", self.driver(), self.judged(), self.at_fault())
    }

    fn judged(&self) -> String {
        match self.verdict {
            Verdict::Regressed => {
                let effect = self.effect.map(|effect| self.signal.effect(effect)).unwrap_or_default();
                // A part of the version is named by the version's evidence.
                let alone = if self.log_evidence < self.log_threshold {
                    " alone, enough with the version's"
                } else {
                    ""
                };
                let bound = if self.baseline_used == BaselineUsed::Thresholds {
                    "worse than allowed"
                } else {
                    "worse than the margin allows"
                };
                format!("{bound} ({}{alone}{effect})", odds(self.log_evidence))
            }
            Verdict::Healthy => {
                let bound = if self.baseline_used == BaselineUsed::Thresholds { "limit" } else { "margin" };
                format!("within the {bound} ({})", odds(self.log_evidence_healthy))
            }
            Verdict::Inconclusive => match self.canary_requests_needed {
                Some(needed) => format!("not decided, about {needed} more canary requests needed"),
                None => "not decided".to_owned(),
            },
        }
    }
}

impl BaselineUsed {
    fn words(self) -> &'static str {
        match self {
            Self::Concurrent => "on the baseline",
            Self::Profile => "usual at this hour",
            Self::PreviousDeployment => "on the previous deployment at this age",
            Self::Thresholds => "allowed",
            Self::Nothing => {
                "nothing to compare with: no baseline beside it, and no profile, previous deployment or limit"
            }
        }
    }
}

impl Veto {
    /// The veto in words: one sentence without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::OlderThanExposure => "the failures were there before the canary got these requests",
            Self::BothArmsWorse => {
                "the baseline became worse in the same seconds, so something shared is broken"
            }
            Self::BaselineUnhealthy => "the baseline fails too much to be compared with",
            Self::TooLittleTraffic => "too few requests since the harm began",
            Self::DataGap => "reports are missing where the harm began",
            Self::FewUsers => "one or two users fail, and the others fare no worse than on the baseline",
        }
    }
}

/// A share as people read it.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

pub(crate) fn odds(log_evidence: f64) -> String {
    const MOST: f64 = 1e6;
    let odds = log_evidence.exp();
    if odds >= MOST { "odds over 1000000 to 1".to_owned() } else { format!("odds {odds:.0} to 1") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(verdict: Verdict) -> Reason {
        Reason {
            signal: Signal::ErrorRate,
            verdict,
            log_evidence: 8.0,
            log_threshold: 5.8,
            log_evidence_healthy: 4.7,
            log_threshold_healthy: 4.6,
            baseline: 0.001,
            canary: 0.301,
            baseline_requests: 2_790,
            canary_requests: 310,
            canary_requests_needed: Some(1_200),
            ..Reason::default()
        }
    }

    #[test]
    fn a_reason_says_what_was_seen_and_what_it_means() {
        let seen = "error rate 30.10 % over 310 canary requests, 0.10 % over 2790 on the baseline: ";
        let check = |verdict, judged: &str| assert_eq!(reason(verdict).sentence(), format!("{seen}{judged}"));
        check(Verdict::Regressed, "worse than the margin allows (odds 2981 to 1)");
        check(Verdict::Healthy, "within the margin (odds 110 to 1)");
        let named = Reason { log_evidence: 2.1, ..reason(Verdict::Regressed) };
        let judged = "worse than the margin allows (odds 8 to 1 alone, enough with the version's)";
        assert_eq!(named.sentence(), format!("{seen}{judged}"));
        check(Verdict::Inconclusive, "not decided, about 1200 more canary requests needed");
    }

    #[test]
    fn a_share_is_told_of_the_requests_since_it_may_have_fallen_if_there_are_any() {
        let share = Reason { signal: Signal::Share, baseline: 0.3, canary: 0.1, ..reason(Verdict::Healthy) };
        let text = share.sentence();
        assert!(
            text.starts_with("10.00 % of 3100 requests reached the canary, usually 30.00 % at this weight: "),
            "{text}"
        );
        let text = Reason { baseline_requests: 0, canary_requests: 0, ..share }.sentence();
        let none = "30.00 % of the requests usually reach the canary at this weight, and no fewer do: ";
        assert!(text.starts_with(none), "{text}");
    }

    #[test]
    fn a_reason_says_what_the_canary_was_compared_with() {
        let beside = |baseline_used, verdict| {
            let reason = Reason { baseline_requests: 0, baseline_used, ..reason(verdict) };
            reason.sentence().replace("error rate 30.10 % over 310 canary requests, ", "")
        };
        let check = |baseline_used, words: &str| {
            assert_eq!(beside(baseline_used, Verdict::Healthy), words);
        };
        check(BaselineUsed::Profile, "0.10 % usual at this hour: within the margin (odds 110 to 1)");
        let age = "0.10 % on the previous deployment at this age: within the margin (odds 110 to 1)";
        check(BaselineUsed::PreviousDeployment, age);
        check(BaselineUsed::Thresholds, "0.10 % allowed: within the limit (odds 110 to 1)");
        let regressed = beside(BaselineUsed::Thresholds, Verdict::Regressed);
        assert_eq!(regressed, "0.10 % allowed: worse than allowed (odds 2981 to 1)");
        let nothing = beside(BaselineUsed::Nothing, Verdict::Inconclusive);
        assert!(nothing.starts_with("nothing to compare with: no baseline beside it"), "{nothing}");
    }

    #[test]
    fn overwhelming_odds_are_not_spelled_out() {
        let reason = Reason { log_evidence: 900.0, ..reason(Verdict::Regressed) };
        assert!(reason.sentence().ends_with("(odds over 1000000 to 1)"), "{}", reason.sentence());
    }
}
