//! Where the marks of an axis are.

/// Marks that no axis exceeds.
const MOST: usize = 24;

/// Round values from `low` to `high`, about `wanted` of them: multiples of 1, 2 or 5 times a power of ten.
pub(crate) fn linear(low: f64, high: f64, wanted: u32) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite()) || high <= low {
        return vec![if low.is_finite() { low } else { 0.0 }];
    }
    let step = nice((high - low) / f64::from(wanted.max(1)));
    let first = (low / step - 1e-9).ceil();
    let marks = (0_u32..).map(|number| (first + f64::from(number)) * step);
    let mut marks: Vec<f64> = marks.take(MOST).take_while(|mark| *mark <= high + step * 1e-9).collect();
    // Without what is left of rounding at zero.
    for mark in &mut marks {
        if mark.abs() < step * 1e-9 {
            *mark = 0.0;
        }
    }
    if marks.is_empty() { vec![low] } else { marks }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `step`.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = step / power;
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| times <= *factor + 1e-9);
    factor.unwrap_or(10.0) * power
}

/// Powers of ten from `low` to `high`; between few of them also their double and fivefold.
pub(crate) fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    if !(low > 0.0 && high.is_finite()) || high <= low {
        return vec![if low > 0.0 && low.is_finite() { low } else { 1.0 }];
    }
    let (first, last) = (low.log10().floor(), high.log10().ceil());
    let decades = last - first;
    let factors: &[f64] = if decades <= 2.0 {
        &[1.0, 2.0, 5.0]
    } else if decades <= 3.0 {
        &[1.0, 3.0]
    } else {
        &[1.0]
    };
    let every = (decades / 8.0).ceil().max(1.0);
    let mut marks = Vec::new();
    let mut decade = first;
    while decade <= last && marks.len() < MOST {
        marks.extend(factors.iter().map(|factor| factor * 10_f64.powf(decade)));
        decade += every;
    }
    marks.retain(|mark| *mark >= low * (1.0 - 1e-9) && *mark <= high * (1.0 + 1e-9));
    if marks.is_empty() { vec![low] } else { marks }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_round_values() {
        assert_eq!(linear(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(linear(0.0, 0.07, 4), [0.0, 0.02, 0.04, 0.06]);
        assert_eq!(logarithmic(1.0, 1_000_000.0), [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        assert_eq!(logarithmic(3.0, 40.0), [5.0, 10.0, 20.0]);
        assert_eq!(linear(f64::NAN, 1.0, 5), [0.0]);
        assert_eq!(linear(4.0, 4.0, 5), [4.0]);
    }

    proptest! {
        #[test]
        fn marks_rise_lie_within_the_axis_and_are_few(low in -1e9_f64..1e9, span in 1e-6_f64..1e9, wanted in 1_u32..12) {
            let high = low + span;
            let marks = linear(low, high, wanted);
            prop_assert!(!marks.is_empty() && marks.len() <= usize::try_from(wanted).unwrap() * 3 + 2, "{marks:?}");
            prop_assert!(marks.windows(2).all(|pair| pair[0] < pair[1]));
            let slack = span * 1e-3;
            prop_assert!(marks.iter().all(|mark| *mark >= low - slack && *mark <= high + slack), "{marks:?}");
        }

        #[test]
        fn marks_of_a_logarithmic_axis_rise_and_are_few(low in 1e-3_f64..1e6, times in 1.1_f64..1e9) {
            let marks = logarithmic(low, low * times);
            prop_assert!(!marks.is_empty() && marks.len() <= 12, "{marks:?}");
            prop_assert!(marks.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
