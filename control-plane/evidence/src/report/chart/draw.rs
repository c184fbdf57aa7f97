//! Lines over time as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 40.0;
/// Ticks of the axis of values.
const TICKS: u32 = 4;
/// Distances of ticks of the axis of time, in seconds.
const TIME_STEPS: [u64; 9] = [5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

/// How values are scaled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scale {
    FromZero,
    Any,
}

/// A line of values by second.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) colour: &'static str,
    pub(super) dashed: bool,
    /// A value holds until the next.
    pub(super) stepped: bool,
    pub(super) points: Vec<(u64, f64)>,
}

/// A moment that is marked.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) second: u64,
    pub(super) says: String,
    /// The words stand before the line, not after it.
    pub(super) before: bool,
}

/// Lines over time.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) scale: Scale,
    pub(super) from: u64,
    pub(super) until: u64,
    /// Second that the axis counts from.
    pub(super) zero: u64,
    pub(super) marks: Vec<Mark>,
    pub(super) lines: Vec<Line>,
}

impl Chart {
    pub(super) fn svg(&self) -> String {
        let (low, high) = self.range();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
            escaped(&self.title)
        );
        self.values(&mut svg, low, high);
        self.times(&mut svg);
        self.draw_marks(&mut svg);
        for line in &self.lines {
            self.line(&mut svg, line, low, high);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    /// Points within the time that is shown.
    fn shown<'a>(&self, line: &'a Line) -> impl Iterator<Item = (u64, f64)> + 'a {
        let (from, until) = (self.from, self.until);
        let within = move |(second, value): &(u64, f64)| (from..=until).contains(second) && value.is_finite();
        line.points.iter().copied().filter(within)
    }

    fn range(&self) -> (f64, f64) {
        let values = || self.lines.iter().flat_map(|line| self.shown(line).map(|(_, value)| value));
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let low = values().fold(f64::INFINITY, f64::min);
        let (low, high) = if high.is_finite() { (low, high) } else { (0.0, 1.0) };
        let low = match self.scale {
            Scale::FromZero => 0.0,
            Scale::Any => low.min(0.0).floor(),
        };
        (low, nice(high.max(low + 1e-3) - low) + low)
    }

    fn x(&self, second: u64) -> f64 {
        let whole = self.until.saturating_sub(self.from).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * (second.saturating_sub(self.from) as f64 / whole).min(1.0)
    }

    fn y(value: f64, low: f64, high: f64) -> f64 {
        let part = ((value - low) / (high - low)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    }

    fn values(&self, svg: &mut String, low: f64, high: f64) {
        for tick in 0..=TICKS {
            let value = low + (high - low) * f64::from(tick) / f64::from(TICKS);
            let y = Self::y(value, low, high);
            let (end, number) = (WIDTH - RIGHT, number(value, high - low));
            let _written = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#e0e0e0\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444444\">{number}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
    }

    fn times(&self, svg: &mut String) {
        let whole = self.until.saturating_sub(self.from);
        let step = TIME_STEPS.into_iter().find(|step| whole / step <= 9).unwrap_or(whole / 8 + 1);
        let bottom = HEIGHT - BOTTOM;
        let before = self.zero.saturating_sub(self.from) / step;
        let first = self.zero - before * step;
        let mut second = first;
        while second <= self.until {
            let (x, says) = (self.x(second), relative(second, self.zero));
            let anchor = if x > WIDTH - 3.0 * RIGHT { "end" } else { "middle" };
            let _written = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{:.1}\" stroke=\"#444444\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#444444\">{says}</text>",
                bottom + 4.0,
                bottom + 18.0
            );
            second += step;
        }
        let _written = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#444444\"/>",
            WIDTH - RIGHT
        );
    }

    fn draw_marks(&self, svg: &mut String) {
        for mark in self.marks.iter().filter(|mark| (self.from..=self.until).contains(&mark.second)) {
            let (x, bottom) = (self.x(mark.second), HEIGHT - BOTTOM);
            let anchor = if mark.before { ("end", -4.0) } else { ("start", 4.0) };
            let _written = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#888888\" stroke-dasharray=\"3 3\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{}\" fill=\"#666666\">{}</text>",
                x + anchor.1,
                TOP - 6.0,
                anchor.0,
                escaped(&mark.says)
            );
        }
    }

    fn line(&self, svg: &mut String, line: &Line, low: f64, high: f64) {
        let mut path = String::new();
        let mut before: Option<f64> = None;
        for (second, value) in self.shown(line) {
            let (x, y) = (self.x(second), Self::y(value, low, high));
            let step = match before {
                None => format!("M{x:.1} {y:.1}"),
                Some(before) if line.stepped => format!(" L{x:.1} {before:.1} L{x:.1} {y:.1}"),
                Some(_) => format!(" L{x:.1} {y:.1}"),
            };
            path.push_str(&step);
            before = Some(y);
        }
        if path.is_empty() {
            return;
        }
        let dashes = if line.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let _written = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{dashes}/>",
            line.colour
        );
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for line in &self.lines {
            let dashes = if line.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
            let _written = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"33\" y2=\"33\" stroke=\"{}\" stroke-width=\"2\"{dashes}/>\
                 <text x=\"{:.1}\" y=\"37\">{}</text>",
                x + 22.0,
                line.colour,
                x + 27.0,
                escaped(&line.name)
            );
            x += 45.0 + 7.0 * line.name.chars().count() as f64;
        }
    }
}

/// The next larger number whose quarters are short.
fn nice(span: f64) -> f64 {
    let power = 10_f64.powf(span.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= span * 1.02).unwrap_or(20.0 * power)
}

fn number(value: f64, span: f64) -> String {
    if span >= 20.0 {
        format!("{value:.0}")
    } else if span >= 2.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// `-2 min`, `+30 s`, `0`.
fn relative(second: u64, zero: u64) -> String {
    let (sign, distance) = if second < zero { ("\u{2212}", zero - second) } else { ("+", second - zero) };
    match distance {
        0 => "0".to_owned(),
        distance if distance.is_multiple_of(60) => format!("{sign}{} min", distance / 60),
        distance => format!("{sign}{distance} s"),
    }
}

fn escaped(text: &str) -> String {
    let visible: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    visible.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
