//! Plots as SVG text. Every number is rounded to a tenth of a pixel, so that the same figures give the same bytes.

use std::fmt::Write as _;

/// Width and height of the area of a curve, pixels.
const SIZE: f64 = 240.0;
/// Room for the axes.
const LEFT: f64 = 34.0;
const BELOW: f64 = 24.0;
const BLUE: &str = "#2f6fde";
const RED: &str = "#d1495b";
const GREY: &str = "#8896a5";

/// What a curve is to be seen beside.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beside {
    /// Equal across and upwards.
    Diagonal,
    /// A level.
    Level(f64),
}

fn begin(name: &str, width: f64, height: f64) -> String {
    format!(
        "<svg role=\"img\" aria-label=\"{}\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         xmlns=\"http://www.w3.org/2000/svg\">",
        escaped(name)
    )
}

/// Text that is harmless inside of markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

fn across(x: f64) -> f64 {
    LEFT + SIZE * x.clamp(0.0, 1.0)
}

fn upwards(y: f64) -> f64 {
    6.0 + SIZE * (1.0 - y.clamp(0.0, 1.0))
}

/// A curve in the square from 0 to 1.
pub(super) fn curve(name: &str, points: &[(f64, f64)], beside: Beside, dots: bool) -> String {
    let mut svg = begin(name, LEFT + SIZE + 10.0, SIZE + BELOW + 6.0);
    let (left, right, top, bottom) = (across(0.0), across(1.0), upwards(1.0), upwards(0.0));
    let _ = write!(
        svg,
        "<path d=\"M{left:.1} {top:.1}V{bottom:.1}H{right:.1}\" fill=\"none\" stroke=\"{GREY}\"/>"
    );
    for tick in [0.0, 0.5, 1.0] {
        let (x, y) = (across(tick), upwards(tick));
        let _ =
            write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>", bottom + 16.0);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
            left - 5.0,
            y + 4.0
        );
    }
    let (from, to) = match beside {
        Beside::Diagonal => (bottom, top),
        Beside::Level(level) => (upwards(level), upwards(level)),
    };
    let _ = write!(
        svg,
        "<path d=\"M{left:.1} {from:.1}L{right:.1} {to:.1}\" stroke=\"{GREY}\" stroke-dasharray=\"4 4\" fill=\"none\"/>"
    );
    let path: Vec<String> =
        points.iter().map(|(x, y)| format!("{:.1} {:.1}", across(*x), upwards(*y))).collect();
    if !path.is_empty() {
        let _ = write!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{BLUE}\" stroke-width=\"2\"/>",
            path.join("L")
        );
    }
    for (x, y) in points.iter().filter(|_| dots) {
        let _ = write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{BLUE}\"/>",
            across(*x),
            upwards(*y)
        );
    }
    svg + "</svg>"
}

/// Bars from the left, one below the other.
pub(super) fn bars(name: &str, bars: &[(&str, f64)]) -> String {
    const NAMES: f64 = 190.0;
    const LENGTH: f64 = 320.0;
    const ROW: f64 = 20.0;
    let most = bars.iter().map(|(_, value)| *value).fold(1e-9, f64::max);
    let mut svg = begin(name, NAMES + LENGTH + 70.0, ROW * bars.len() as f64 + 8.0);
    for (position, (name, value)) in bars.iter().enumerate() {
        let y = ROW * position as f64 + 4.0;
        let length = LENGTH * (value / most).max(0.0);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect x=\"{NAMES}\" y=\"{y:.1}\" width=\"{length:.1}\" \
             height=\"14\" fill=\"{BLUE}\"/><text x=\"{:.1}\" y=\"{:.1}\">{value:.4}</text>",
            NAMES - 8.0,
            y + 11.0,
            escaped(name),
            NAMES + length + 6.0,
            y + 11.0
        );
    }
    svg + "</svg>"
}

/// How many deployments had each predicted probability: those that were rolled back upwards, those that went well downwards. Heights are by
/// the logarithm, so that few among many are seen. Wrong ones are red.
pub(super) fn outcomes(labels: &[bool], said: &[f64], threshold: f64) -> String {
    const BARS: usize = 25;
    const HEIGHT: f64 = 90.0;
    const WIDTH: f64 = 520.0;
    let mut counts = [(0_u32, 0_u32); BARS];
    for (label, score) in labels.iter().zip(said) {
        let position = ((score * BARS as f64) as usize).min(BARS - 1);
        if let Some((bad, good)) = counts.get_mut(position) {
            *(if *label { bad } else { good }) += 1;
        }
    }
    let most = counts.iter().map(|(bad, good)| *bad.max(good)).max().unwrap_or(0).max(1);
    let height = |count: u32| HEIGHT * libm::log1p(f64::from(count)) / libm::log1p(f64::from(most));
    let mut svg = begin("Right and wrong predictions", WIDTH + 20.0, 2.0 * HEIGHT + 34.0);
    let (middle, bar) = (HEIGHT + 6.0, WIDTH / BARS as f64);
    for (position, (bad, good)) in counts.into_iter().enumerate() {
        let x = 10.0 + bar * position as f64;
        let is_predicted = (position as f64 + 0.5) / BARS as f64 >= threshold;
        let colours = if is_predicted { (BLUE, RED) } else { (RED, BLUE) };
        for (y, tall, colour) in
            [(middle - height(bad), height(bad), colours.0), (middle, height(good), colours.1)]
        {
            if tall > 0.0 {
                let _ = write!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{colour}\"/>",
                    bar - 1.0
                );
            }
        }
    }
    let line = 10.0 + WIDTH * threshold.clamp(0.0, 1.0);
    let _ = write!(
        svg,
        "<path d=\"M10 {middle:.1}H{:.1}M{line:.1} 6V{:.1}\" stroke=\"{GREY}\" fill=\"none\"/>",
        10.0 + WIDTH,
        2.0 * HEIGHT + 6.0
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = 10.0 + WIDTH * tick;
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
            2.0 * HEIGHT + 24.0
        );
    }
    svg + "</svg>"
}
