//! Tells people what happened: for the present by the log.

use serin_rollout::{Notice, Severity};

/// Tells people. Harmless when repeated.
pub fn notify(rollout: &str, notice: &Notice) {
    let (severity, text) = (notice.severity.name(), notice.text.as_str());
    match notice.severity {
        Severity::Info => tracing::info!(rollout, severity, "{text}"),
        Severity::Warning => tracing::warn!(rollout, severity, "{text}"),
        Severity::Critical => tracing::error!(rollout, severity, "{text}"),
    }
}
