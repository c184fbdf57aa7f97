//! The calendar: windows of time in which a rollout is watched more closely, held, or not begun at all.
//!
//! Windows are told in the time of a zone, by the rules of the time zone database that is built in. `from` and `to` are moments:
//! where the clock is put back they mean the first of the two, where it is put forward the time after. `days` and `hours` are
//! read off the clock as it shows at the moment, so an hour that comes twice counts twice. A window delays no rollback.

mod written;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use serin_proto::assignment::Weight;

use super::{Limits, Margins};
use crate::UnixMillis;

pub(super) use written::{RawCalendar, check};

/// The windows of a plan, in the time of its zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    zone_name: String,
    windows: Vec<Window>,
}

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    name: String,
    /// From the first moment to before the second.
    span: (Option<UnixMillis>, Option<UnixMillis>),
    /// By the day of the week, Monday first.
    days: [bool; 7],
    /// Minutes of the day.
    hours: Option<(u16, u16)>,
    effect: Effect,
    text: String,
}

/// What a window does while it is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// Nothing by itself: `impact` names the window.
    None,
    /// No rollout begins, none goes a step forward, and people raise no weight.
    Forbid,
    /// None goes a step forward by itself.
    Hold,
    /// These limits and margins hold where they are tighter than the plan's.
    Stricter(Stricter),
}

/// Tighter limits and margins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stricter {
    /// Lowest success rate.
    pub success_rate: Option<Weight>,
    /// Highest error rate.
    pub error_rate: Option<Weight>,
    /// Highest 99th percentile of latency.
    pub latency_p99: Option<std::time::Duration>,
    /// How much worse than the baseline the canary may be.
    pub margins: TighterMargins,
}

/// Margins that are given; the others stay the plan's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TighterMargins {
    /// Highest ratio of the error rates.
    pub error_ratio: Option<f64>,
    /// Added to the error rate.
    pub error_absolute: Option<Weight>,
    /// Part by which latencies may be longer.
    pub latency_ratio: Option<Weight>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, zone_name: "UTC".to_owned(), windows: Vec::new() }
    }
}

impl Calendar {
    /// Name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// All windows, in the order of the plan.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// What the clock of the zone shows.
    #[must_use]
    pub fn clock(&self, at: UnixMillis) -> DateTime {
        let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
        let moment = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        self.zone.to_datetime(moment)
    }

    /// The windows that are open.
    pub fn open(&self, at: UnixMillis) -> impl Iterator<Item = &Window> {
        let clock = (!self.windows.is_empty()).then(|| self.clock(at));
        self.windows.iter().filter(move |window| clock.is_some_and(|clock| window.is_open(at, clock)))
    }

    /// When a window that is open closes, to the minute. `None`: not within 31 days.
    #[must_use]
    pub fn closes(&self, name: &str, from: UnixMillis) -> Option<UnixMillis> {
        const MINUTE_MS: u64 = 60_000;
        let window = self.windows.iter().find(|window| window.name == name)?;
        let first = from.0 / MINUTE_MS + 1;
        let minutes =
            (first..=first.saturating_add(31 * 24 * 60)).map(|minute| minute.saturating_mul(MINUTE_MS));
        minutes.map(UnixMillis).find(|at| !window.is_open(*at, self.clock(*at)))
    }

    /// The plan's limits with what open windows tighten.
    #[must_use]
    pub fn tightened(&self, limits: &Limits, at: UnixMillis) -> Limits {
        let mut tight = *limits;
        for window in self.open(at) {
            let Effect::Stricter(stricter) = window.effect else { continue };
            let Stricter { success_rate, error_rate, latency_p99, margins: _ } = stricter;
            tight.success_rate =
                success_rate.map_or(tight.success_rate, |limit| tight.success_rate.max(limit));
            tight.error_rate = error_rate.map_or(tight.error_rate, |limit| tight.error_rate.min(limit));
            tight.latency_p99 = latency_p99.map_or(tight.latency_p99, |limit| tight.latency_p99.min(limit));
        }
        tight
    }

    /// The plan's margins with what open windows tighten.
    #[must_use]
    pub fn tightened_margins(&self, margins: &Margins, at: UnixMillis) -> Margins {
        let mut tight = *margins;
        for window in self.open(at) {
            let Effect::Stricter(Stricter { margins, .. }) = window.effect else { continue };
            let TighterMargins { error_ratio, error_absolute, latency_ratio } = margins;
            tight.error_ratio = error_ratio.map_or(tight.error_ratio, |most| tight.error_ratio.min(most));
            tight.error_absolute =
                error_absolute.map_or(tight.error_absolute, |most| tight.error_absolute.min(most));
            tight.latency_ratio =
                latency_ratio.map_or(tight.latency_ratio, |most| tight.latency_ratio.min(most));
        }
        tight
    }
}

impl Window {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// When it is open, as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn is_open(&self, at: UnixMillis, clock: DateTime) -> bool {
        let (from, to) = self.span;
        let within = from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
        within && self.is_on(clock)
    }

    fn is_on(&self, clock: DateTime) -> bool {
        let minute = minute_of(clock);
        let today = clock.weekday();
        match self.hours {
            None => self.has(today),
            Some((from, to)) if from < to => self.has(today) && (from..to).contains(&minute),
            Some((from, to)) => {
                (self.has(today) && minute >= from) || (self.has(today.previous()) && minute < to)
            }
        }
    }

    fn has(&self, day: Weekday) -> bool {
        let index = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.days.get(index).copied().unwrap_or_default()
    }
}

fn minute_of(clock: DateTime) -> u16 {
    let part = |number: i8| u16::try_from(number).unwrap_or_default();
    part(clock.hour()) * 60 + part(clock.minute())
}

#[cfg(test)]
mod tests;
