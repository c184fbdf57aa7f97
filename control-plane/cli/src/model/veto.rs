//! Why a regression that shows is not undone.

use serde::Serialize;

words! {
    /// Why a regression that shows is not undone.
    Veto {
        /// It is older than the canary's exposure.
        OlderThanExposure = "older_than_exposure",
        /// The baseline became worse too.
        BothArmsWorse = "both_arms_worse",
        /// The baseline is unhealthy.
        BaselineUnhealthy = "baseline_unhealthy",
        /// Too few requests.
        TooLittleTraffic = "too_little_traffic",
        /// Data is missing.
        DataGap = "data_gap",
        /// One or two users fail.
        FewUsers = "few_users",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}
