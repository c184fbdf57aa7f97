//! The errors of both arms over five minutes, as small as a word.

use maud::{Markup, html};
use serin_proto::admin::v1::CountSlot;

use super::line;
use crate::{view, words};

/// Seconds of a point, and how many there are. A point is shown once it is whole, so that a row is sent anew only so often.
const POINT_S: u64 = 10;
const POINTS: u64 = 30;
const WIDTH: u64 = 90;
const HEIGHT: f64 = 24.0;

/// Requests and failures of one arm in the time of a point.
type Point = (u64, u64);

/// The shares of failed requests. Empty without slots.
pub(crate) fn errors(slots: &[CountSlot]) -> Markup {
    let Some(newest) = slots.iter().map(|slot| slot.from_second + u64::from(slot.seconds)).max() else {
        return html! {};
    };
    // The newest time of which everything is there.
    let end = newest / POINT_S * POINT_S;
    let (baseline, canary) = (points(slots, "baseline", end), points(slots, "canary", end));
    let share = |point: &Point| words::share(point.1, point.0);
    // At least one percent high, so that single failures among thousands do not look like a disaster.
    let highest = baseline.iter().chain(&canary).map(share).fold(0.01, f64::max);
    let path = |points: &[Point]| {
        let seen = points.iter().enumerate().filter(|(_, point)| point.0 > 0);
        let step = WIDTH / (POINTS - 1);
        line(seen.map(|(index, point)| {
            (words::float(index as u64 * step), HEIGHT - 1.0 - share(point) / highest * (HEIGHT - 2.0))
        }))
    };
    let label = format!("Failed, canary {}, baseline {}", total(&canary), total(&baseline));
    html! {
        svg class="spark" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(label) {
            path class="b" d=(path(&baseline)) {}
            path d=(path(&canary)) {}
        }
    }
}

fn total(points: &[Point]) -> String {
    let (requests, errors) = points.iter().fold((0, 0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    words::percent(words::share(errors, requests))
}

/// By time up to `end`, the oldest first.
fn points(slots: &[CountSlot], arm: &str, end: u64) -> Vec<Point> {
    let first = end.saturating_sub(POINT_S * POINTS);
    let mut points = vec![(0, 0); usize::try_from(POINTS).unwrap_or_default()];
    for slot in slots.iter().filter(|slot| slot.from_second >= first && slot.from_second < end) {
        let place = usize::try_from((slot.from_second - first) / POINT_S).unwrap_or(usize::MAX);
        if let (Some(point), Some(counted)) = (points.get_mut(place), view::arm(&slot.arms, arm)) {
            point.0 += counted.requests;
            point.1 += counted.errors;
        }
    }
    points
}
