//! The standard normal distribution.

use std::f64::consts::SQRT_2;

/// Share of the standard normal distribution at or below `z`. NaN gives NaN.
pub(crate) fn cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// The `z` at which [`cumulative`] is `share`, to 1e-12. Shares outside 0 to 1 (both excluded) and NaN give the end
/// of the range, ±38.
pub(crate) fn quantile(share: f64) -> f64 {
    const END: f64 = 38.0;
    const HALVINGS: usize = 46;
    let (mut below, mut above) = (-END, END);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(below, above);
        if cumulative(middle) < share {
            below = middle;
        } else {
            above = middle;
        }
    }
    f64::midpoint(below, above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_shares_agree_with_scipy() {
        for (share, z) in [
            (0.5, 0.0),
            (0.95, 1.6448536269514722),
            (0.975, 1.959963984540054),
            (0.99, 2.3263478740408408),
            (1e-6, -4.753424308822899),
        ] {
            assert!((quantile(share) - z).abs() < 1e-11, "{share}: {}", quantile(share));
            assert!((cumulative(z) / share - 1.0).abs() < 1e-11, "{z}: {}", cumulative(z));
        }
    }

    #[test]
    fn shares_that_do_not_exist_give_the_ends() {
        assert!(quantile(-1.0) < -37.0 && quantile(2.0) > 37.0);
        assert!(quantile(f64::NAN).is_finite() && cumulative(f64::NAN).is_nan());
    }
}
