//! The frame of a chart: scales, grid, marks and units.

use maud::{Markup, html};

use super::axis;
use crate::clock;

/// Size of all charts, in the units of their own: as wide as the smallest phone, so that text is never smaller than it is meant.
pub(crate) const WIDTH: f64 = 360.0;
pub(crate) const HEIGHT: f64 = 210.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 36.0;

/// From values to places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn new(low: f64, high: f64, start: f64, end: f64) -> Self {
        let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, start, end }
    }

    /// The place of a value; of one beyond the scale its end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = if value.is_nan() { self.low } else { value.clamp(self.low, self.high) };
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }
}

/// A mark of an axis: its value, and what stands at it.
pub(crate) type Tick = (f64, String);

/// A chart's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plot {
    /// From left to right.
    pub(crate) x: Scale,
    /// From below to above.
    pub(crate) y: Scale,
}

impl Plot {
    pub(crate) fn new((x_low, x_high): (f64, f64), (y_low, y_high): (f64, f64)) -> Self {
        Self {
            x: Scale::new(x_low, x_high, LEFT, WIDTH - RIGHT),
            y: Scale::new(y_low, y_high, HEIGHT - BOTTOM, TOP),
        }
    }

    /// The place of a point.
    pub(crate) fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// The lowest place.
    pub(crate) const fn base() -> f64 {
        HEIGHT - BOTTOM
    }

    /// Grid and marks, with the unit of each axis.
    pub(crate) fn frame(
        &self,
        (x_ticks, x_unit): (&[Tick], &str),
        (y_ticks, y_unit): (&[Tick], &str),
    ) -> Markup {
        let (right, base) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            text x="2" y="11" { (y_unit) }
            text x=(right) y=(HEIGHT - 3.0) text-anchor="end" { (x_unit) }
            @for (value, text) in y_ticks {
                @let y = self.y.at(*value).round();
                path class="grid" d=(format!("M{LEFT} {y}H{right}")) {}
                text x=(LEFT - 5.0) y=(y + 4.0) text-anchor="end" { (text) }
            }
            @for (value, text) in spaced(x_ticks, &self.x) {
                @let x = self.x.at(*value).round();
                path class="axis" d=(format!("M{x} {base}v4")) {}
                text x=(x.clamp(LEFT + 4.0, right - 12.0)) y=(base + 16.0) text-anchor="middle" { (text) }
            }
            path class="axis" d=(format!("M{LEFT} {base}H{right}")) {}
        }
    }
}

/// Those marks whose texts do not touch.
fn spaced<'a>(ticks: &'a [Tick], scale: &Scale) -> Vec<&'a Tick> {
    let mut end = f64::NEG_INFINITY;
    let fits = |tick: &&Tick| {
        let half = tick.1.chars().count() as f64 * 3.3 + 4.0;
        let at = scale.at(tick.0);
        let fits = at - half >= end;
        if fits {
            end = at + half;
        }
        fits
    };
    ticks.iter().filter(fits).collect()
}

/// Marks of an axis of time in Unix seconds.
pub(crate) fn times(from: f64, to: f64) -> Vec<Tick> {
    let span = (to - from).max(1.0);
    let steps = [10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0];
    let step = steps.into_iter().find(|step| span / step <= 6.0).unwrap_or(span / 6.0);
    let first = (from / step).ceil();
    let marks = (0_u32..12).map(|number| (first + f64::from(number)) * step).take_while(|mark| *mark <= to);
    let shown = |second: f64| {
        let ms = crate::words::whole(second).saturating_mul(1_000);
        if step < 60.0 { clock::time(ms) } else { clock::minute(ms) }
    };
    marks.map(|mark| (mark, shown(mark))).collect()
}

/// Marks of an axis from 0.
pub(crate) fn marks(low: f64, high: f64, shown: impl Fn(f64) -> String) -> Vec<Tick> {
    axis::linear(low, high, 4).into_iter().map(|mark| (mark, shown(mark))).collect()
}
