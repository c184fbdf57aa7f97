//! The F distribution of Fisher and Snedecor: how often chance alone gives so large a ratio of two variances.

/// Steps of the continued fraction at most; it needs fewer than a hundred where degrees of freedom are below 10,000.
const STEPS: u32 = 500;
/// Change from which on a step changes nothing.
const PRECISION: f64 = 1e-15;
/// Stands for 0 where it would be divided by.
const TINY: f64 = 1e-300;

/// Probability that a variable of the F distribution with these degrees of freedom exceeds `value`. Degrees that are not above 0, and
/// a value that is no number or not above 0, give 1.
pub(crate) fn exceeds(value: f64, degrees: (f64, f64)) -> f64 {
    let (above, below) = degrees;
    if value.is_nan() || value <= 0.0 || above <= 0.0 || below <= 0.0 {
        return 1.0;
    }
    beta(below / (below + above * value), below / 2.0, above / 2.0)
}

/// The regularised incomplete beta function of `a` and `b` at `x`, 0 to 1.
fn beta(x: f64, a: f64, b: f64) -> f64 {
    let log_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    // The fraction converges quickly below the mean.
    let part = if x < (a + 1.0) / (a + b + 2.0) {
        libm::exp(log_front) * fraction(x, a, b) / a
    } else {
        1.0 - libm::exp(log_front) * fraction(1.0 - x, b, a) / b
    };
    part.clamp(0.0, 1.0)
}

/// Its continued fraction, from the front (Lentz).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let some = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut numerator, mut denominator) = (1.0, 1.0 / some(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = denominator;
    for step in 1..=STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            denominator = 1.0 / some(1.0 + term * denominator);
            numerator = some(1.0 + term / numerator);
            change = denominator * numerator;
            fraction *= change;
        }
        if (change - 1.0).abs() < PRECISION {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_none_are_exceeded_for_sure() {
        for value in [f64::NAN, -1.0, 0.0] {
            assert_eq!(exceeds(value, (8.0, 24.0)), 1.0);
        }
        assert_eq!(exceeds(3.0, (0.0, 24.0)), 1.0);
        assert_eq!(exceeds(f64::INFINITY, (8.0, 24.0)), 0.0);
    }

    #[test]
    fn with_one_and_many_degrees_it_is_that_of_a_squared_normal_variable() {
        let z = 1.959_963_984_540_054_f64;
        assert!((exceeds(z * z, (1.0, 1e7)) - 0.05).abs() < 1e-6);
    }
}
