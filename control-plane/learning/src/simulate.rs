//! A year of rollouts of which the truth is known, drawn by the law that docs/learning.md describes and judged by the real streams.
//!
//! Most canaries differ from their baseline by nothing but noise. Some differ in what people later call a false alarm: a line that is
//! written more often, a page that takes longer because it shows more, a redesign that converts a little less. Some are faulty, a few
//! of them so little that the default margins hide it. Each rollout is judged twice on the same traffic: by the default tuning, and
//! by the one that is in force. What people and verification say of the latter's decisions comes days later, sometimes wrong, often
//! not at all; at the end of each month it is learned from. So every month is judged by tunings that have seen earlier ones only.
//!
//! The requests' own evidence is that of their errors, by the same formula; the engine judges more of them.

mod law;
mod marks;
mod rollout;
mod year;

pub use law::{Difference, PERSONS, SERVICES};
pub use rollout::{Played, Rollout, play};
pub use year::{Month, Retrained, SHOWN_DIGITS, Totals, Year, poisoned, year};

/// Months of a year.
pub const MONTHS: u32 = 12;
/// Rollouts of a month.
pub const ROLLOUTS: usize = 80;
/// Bound on false rollbacks of a rollout.
pub const ALPHA: f64 = 0.01;
/// Part of the baseline's conversions that plans ask for.
pub const LEAST_CONVERSION: f64 = serin_analysis::streams::LEAST_CONVERSION;
/// Where a year begins: 2026-01-01T00:00:00Z.
pub const BEGIN: u64 = 1_767_225_600;
/// Seconds of a month: a twelfth of 360 days.
pub const MONTH_S: u64 = 30 * 86_400;

#[cfg(test)]
mod tests;
