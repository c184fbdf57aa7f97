//! Brent's method for a root of a function of one variable (Brent 1973, chapter 4).
//!
//! The classifier's answer on steps and on samples near the tolerance depends on which point is tried next, so this
//! keeps to the published method in every branch.

/// A root of `f` between `low` and `high`, where `f` has opposite signs, to `tolerance`.
pub(super) fn find(low: f64, high: f64, tolerance: f64, f: impl Fn(f64) -> f64) -> f64 {
    const MOST_STEPS: usize = 1000;
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    let (mut c, mut fc) = (a, fa);
    if fa == 0.0 {
        return a;
    }
    for _ in 0..=MOST_STEPS {
        let previous = b - a;
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let reached = 2.0 * f64::EPSILON * b.abs() + tolerance / 2.0;
        let half = (c - b) / 2.0;
        if half.abs() <= reached || fb == 0.0 || !half.is_finite() {
            return b;
        }
        let usable = previous.abs() >= reached && fa.abs() > fb.abs();
        let step =
            usable.then(|| interpolate([a, b, c], [fa, fb, fc], previous, reached)).flatten().unwrap_or(half);
        (a, fa) = (b, fb);
        b += if step.abs() < reached { reached.copysign(step) } else { step };
        fb = f(b);
        if (fb > 0.0 && fc > 0.0) || (fb < 0.0 && fc < 0.0) {
            (c, fc) = (a, fa);
        }
    }
    b
}

/// The step by secant or inverse quadratic interpolation, if it is better than halving.
fn interpolate([a, b, c]: [f64; 3], [fa, fb, fc]: [f64; 3], previous: f64, reached: f64) -> Option<f64> {
    let (p, q) = if a == c {
        let t = fb / fa;
        ((c - b) * t, 1.0 - t)
    } else {
        let (q, t, r) = (fa / fc, fb / fc, fb / fa);
        (r * ((c - b) * q * (q - t) - (b - a) * (t - 1.0)), (q - 1.0) * (t - 1.0) * (r - 1.0))
    };
    let (p, q) = if p > 0.0 { (p, -q) } else { (-p, q) };
    let better = p < 0.75 * (c - b) * q - (reached * q).abs() / 2.0 && p < (previous * q / 2.0).abs();
    better.then_some(p / q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_to_the_tolerance() {
        assert!((find(0.0, 3.0, 1e-9, |x| x * x - 2.0) - 2.0_f64.sqrt()).abs() < 1e-9);
        assert!((find(-4.0, 4.0, 1e-6, |x| if x < 1.5 { 1.0 } else { -1.0 }) - 1.5).abs() < 1e-6);
    }

    #[test]
    fn a_function_without_a_finite_range_still_ends() {
        let _ = find(f64::NEG_INFINITY, f64::INFINITY, 1e-4, |x| x);
        let _ = find(-1.0, 1.0, 1e-4, |_| f64::NAN);
    }
}
