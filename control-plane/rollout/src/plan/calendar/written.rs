//! The calendar as it is written, and what it means.

use std::fmt::Write;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::blocks::is_name;
use super::super::bounds;
use super::super::check::Findings;
use super::super::error::PlanRule;
use super::super::quantity::{Proportion, Span};
use super::{Calendar, Effect, Stricter, TighterMargins, Window};
use crate::UnixMillis;

/// As it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanCalendar")]
pub(in crate::plan) struct RawCalendar {
    /// Name of the time zone, for example Europe/Amsterdam. Default: UTC.
    #[serde(default)]
    zone: Option<String>,
    /// The windows, at most 32.
    #[serde(default)]
    windows: Vec<RawWindow>,
}

/// A window: open while all that is given holds; at least one of `from`, `to`, `days`, `hours`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanWindow")]
pub(in crate::plan) struct RawWindow {
    /// Name, unique: letters, digits, '.', '_', '-', at most 64.
    name: String,
    /// When it opens, as 2026-12-20T00:00.
    #[serde(default)]
    from: Option<String>,
    /// When it closes, as 2027-01-04T00:00.
    #[serde(default)]
    to: Option<String>,
    /// Days of the week: mon, tue, wed, thu, fri, sat, sun, or stretches as mon-fri. Hours that pass midnight belong to the day
    /// on which they begin.
    #[serde(default)]
    days: Option<Vec<String>>,
    /// Hours of the day, as 09:00-17:00, or 22:00-06:00 past midnight.
    #[serde(default)]
    hours: Option<String>,
    /// What it does.
    effect: RawEffect,
}

/// What a window does while it is open.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanEffect")]
pub(in crate::plan) enum RawEffect {
    /// Nothing by itself: `impact` names the window.
    None,
    /// No rollout begins, none goes a step forward, and people raise no weight, unless one overrides it with a reason.
    Forbid,
    /// None goes a step forward by itself.
    Hold,
    /// Tighter limits and margins.
    Stricter(RawStricter),
}

/// Limits and margins that hold while the window is open, where they are tighter than the plan's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanStricter")]
pub(in crate::plan) struct RawStricter {
    /// Lowest success rate.
    #[serde(default)]
    success_rate: Option<Proportion>,
    /// Highest error rate.
    #[serde(default)]
    error_rate: Option<Proportion>,
    /// Highest 99th percentile of latency, 1ms to 1h.
    #[serde(default)]
    latency_p99: Option<Span>,
    /// How much worse than the baseline the canary may be.
    #[serde(default)]
    margins: Option<RawTighterMargins>,
}

/// Margins that hold while the window is open, where they are tighter than the plan's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanTighterMargins")]
pub(in crate::plan) struct RawTighterMargins {
    /// Highest ratio of the error rates, 1 to 10.
    #[serde(default)]
    error_ratio: Option<f64>,
    /// Added to the error rate, 0% to 10%.
    #[serde(default)]
    error_absolute: Option<Proportion>,
    /// Part by which latencies may be longer, 0% to 100%.
    #[serde(default)]
    latency_ratio: Option<Proportion>,
}

pub(in crate::plan) fn check(raw: Option<&RawCalendar>, findings: &mut Findings) -> Calendar {
    let Some(raw) = raw else { return Calendar::default() };
    let zone_name = raw.zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let zone = zone(&zone_name).unwrap_or_else(|| {
        let found = zone_name.chars().take(64).collect();
        let expected = "a time zone such as Europe/Amsterdam or UTC";
        findings.add("calendar.zone", PlanRule::Form { found, expected });
        TimeZone::UTC
    });
    if raw.windows.len() > bounds::WINDOWS {
        findings.add("calendar.windows", PlanRule::TooLong { limit: bounds::WINDOWS });
    }
    let mut windows: Vec<Window> = Vec::new();
    for (index, raw) in raw.windows.iter().take(bounds::WINDOWS).enumerate() {
        let field = format!("calendar.windows[{index}]");
        let window = window(&field, raw, &zone, findings);
        if windows.iter().any(|other| other.name == window.name) {
            let name = window.name.chars().take(64).collect();
            let rule = serin_proto::assignment::Rule::Duplicate { name };
            findings.add(&format!("{field}.name"), rule.into());
        }
        windows.push(window);
    }
    Calendar { zone, zone_name, windows }
}

/// From the database that is built in, whatever the machine has.
fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled().get(name).ok()
}

fn window(field: &str, raw: &RawWindow, zone: &TimeZone, findings: &mut Findings) -> Window {
    if !is_name(&raw.name) {
        let found = raw.name.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add(&format!("{field}.name"), PlanRule::Form { found, expected });
    }
    if raw.from.is_none() && raw.to.is_none() && raw.days.is_none() && raw.hours.is_none() {
        findings.add(field, PlanRule::NoneOf { names: "`from`, `to`, `days` and `hours`" });
    }
    let from = raw.from.as_deref().and_then(|text| moment(&format!("{field}.from"), text, zone, findings));
    let to = raw.to.as_deref().and_then(|text| moment(&format!("{field}.to"), text, zone, findings));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        findings.add(&format!("{field}.to"), PlanRule::NotAfter { name: "from" });
    }
    Window {
        name: raw.name.clone(),
        span: (from, to),
        days: days(&format!("{field}.days"), raw.days.as_deref(), findings),
        hours: raw.hours.as_deref().and_then(|text| hours(&format!("{field}.hours"), text, findings)),
        effect: effect(field, &raw.effect, findings),
        text: text(raw),
    }
}

fn moment(field: &str, text: &str, zone: &TimeZone, findings: &mut Findings) -> Option<UnixMillis> {
    const FORM: &str = "a time such as 2026-12-20T00:00, without an offset";
    // A bare date is one, too; anything with an offset is no civil time.
    let civil = text.parse::<DateTime>().ok().filter(|_| !text.contains(['Z', 'z', '[', '+']));
    let found = civil.and_then(|civil| zone.to_timestamp(civil).ok());
    let millis = found.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    if millis.is_none() {
        let found = text.chars().take(64).collect();
        findings.add(field, PlanRule::Form { found, expected: FORM });
    }
    millis.map(UnixMillis)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn days(field: &str, raw: Option<&[String]>, findings: &mut Findings) -> [bool; 7] {
    let Some(raw) = raw else { return [true; 7] };
    if raw.is_empty() {
        findings.add(field, PlanRule::Empty);
    }
    let position = |name: &str| DAYS.iter().position(|day| *day == name);
    let mut days = [false; 7];
    for (index, text) in raw.iter().enumerate() {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Some(first), Some(last)) = (position(first), position(last)) else {
            let found = text.chars().take(64).collect();
            let expected = "a day (mon, tue, wed, thu, fri, sat, sun) or a stretch such as mon-fri";
            findings.add(&format!("{field}[{index}]"), PlanRule::Form { found, expected });
            continue;
        };
        // Friday to Monday goes over the end of the week.
        let stretch = (first..first + 7).take_while(|day| *day == first || (*day - 1) % 7 != last);
        for day in stretch {
            if let Some(day) = days.get_mut(day % 7) {
                *day = true;
            }
        }
    }
    days
}

fn hours(field: &str, text: &str, findings: &mut Findings) -> Option<(u16, u16)> {
    let parsed = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    let parsed = parsed.filter(|(from, to)| from != to && *from < 24 * 60);
    if parsed.is_none() {
        let found = text.chars().take(64).collect();
        findings.add(field, PlanRule::Form { found, expected: "hours of the day such as 09:00-17:00" });
    }
    parsed
}

/// Minute of the day; 24:00 is its end.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60 || (hour, minute) == (24, 0)).then_some(hour * 60 + minute)
}

fn effect(field: &str, raw: &RawEffect, findings: &mut Findings) -> Effect {
    let RawStricter { success_rate, error_rate, latency_p99, margins } = match raw {
        RawEffect::None => return Effect::None,
        RawEffect::Forbid => return Effect::Forbid,
        RawEffect::Hold => return Effect::Hold,
        RawEffect::Stricter(stricter) => stricter,
    };
    let field = format!("{field}.effect.stricter");
    if success_rate.is_none() && error_rate.is_none() && latency_p99.is_none() && margins.is_none() {
        findings.add(&field, PlanRule::Empty);
    }
    let mut rate = |name: &str, raw: &Option<Proportion>| {
        raw.as_ref().map(|raw| findings.weight(&format!("{field}.{name}"), Some(raw), 0, (0, 1_000_000)))
    };
    let (success_rate, error_rate) = (rate("success_rate", success_rate), rate("error_rate", error_rate));
    let (least, most) = (std::time::Duration::from_millis(1), std::time::Duration::from_hours(1));
    let latency_p99 = latency_p99
        .as_ref()
        .map(|raw| findings.duration(&format!("{field}.latency_p99"), Some(raw), most, (least, most)));
    let margins = margins.as_ref().map(|raw| tighter(&format!("{field}.margins"), raw, findings));
    let margins = margins.unwrap_or_default();
    Effect::Stricter(Stricter { success_rate, error_rate, latency_p99, margins })
}

/// Within the bounds of the plan's own margins.
fn tighter(field: &str, raw: &RawTighterMargins, findings: &mut Findings) -> TighterMargins {
    let RawTighterMargins { error_ratio, error_absolute, latency_ratio } = raw;
    if error_ratio.is_none() && error_absolute.is_none() && latency_ratio.is_none() {
        findings.add(field, PlanRule::Empty);
    }
    let error_ratio =
        error_ratio.map(|ratio| findings.range(&format!("{field}.error_ratio"), ratio, 1.0, 10.0));
    let mut part = |name: &str, raw: &Option<Proportion>, most: u32| {
        raw.as_ref().map(|raw| findings.weight(&format!("{field}.{name}"), Some(raw), 0, (0, most)))
    };
    TighterMargins {
        error_ratio,
        error_absolute: part("error_absolute", error_absolute, 100_000),
        latency_ratio: part("latency_ratio", latency_ratio, 1_000_000),
    }
}

/// When it is open, in words.
fn text(raw: &RawWindow) -> String {
    let mut text = String::new();
    let parts = [
        raw.from.as_ref().map(|from| format!("from {from}")),
        raw.to.as_ref().map(|to| format!("to {to}")),
        raw.days.as_ref().map(|days| days.join(", ")),
        raw.hours.clone(),
    ];
    for part in parts.into_iter().flatten() {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a text cannot fail.
        let _ = write!(text, "{space}{part}");
    }
    text
}
