//! How long evidence and the audit log are kept.

use std::time::Duration;

use serin_rollout::plan::duration;

use super::{ConfigError, raw};
use crate::evidence::Retention;
use crate::store::Keep;

/// Shortest and longest time that can be asked for: a day, ten years.
const KEEP_FOR: (Duration, Duration) = (Duration::from_hours(24), Duration::from_hours(10 * 365 * 24));
/// Fewest bytes that can be asked for: some bundles.
const BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What is kept of decisions and of who asked for what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// How long, and how much.
    pub retention: Retention,
    /// Email addresses are masked too.
    pub mask_emails: bool,
}

impl Evidence {
    pub(super) fn new(raw: raw::Evidence, audit: &raw::Audit) -> Result<Self, ConfigError> {
        let raw::Evidence { keep_for, max_bytes, mask_emails } = raw;
        if max_bytes < BYTES_MIN {
            return Err(ConfigError::value("evidence.max_bytes", format!("must be at least {BYTES_MIN}")));
        }
        let evidence = Keep { keep_for: kept("evidence.keep_for", &keep_for)?, max_bytes };
        let audit_for = kept("audit.keep_for", &audit.keep_for)?;
        Ok(Self { retention: Retention { evidence, audit_for }, mask_emails })
    }
}

fn kept(field: &str, text: &str) -> Result<Duration, ConfigError> {
    let within = |lasting: &Duration| (KEEP_FOR.0..=KEEP_FOR.1).contains(lasting);
    duration(text)
        .filter(within)
        .ok_or_else(|| ConfigError::value(field, "must be a duration such as 90d or 365d, 1d to 3650d"))
}
