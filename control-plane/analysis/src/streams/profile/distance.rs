//! The distance of a mean vector from 0 by the spread of what it is the mean of, and how often chance gives it.
//!
//! Hotelling's T² of m vectors with mean z̄ and covariance S is m z̄' S⁻¹ z̄; if they are independent and normal, (m - d) / (d (m - 1)) T² has
//! the F distribution with d and m - d degrees of freedom (Hotelling 1931). S is shrunk by λ = 1/m to its diagonal D, so that it has an
//! inverse where two coordinates always move together. As (1-λ) S + λ D ≥ (1-λ) S, the T² of the shrunk covariance, times
//! 1-λ, is never above Hotelling's: the law holds as a bound, whatever the correlations are.

/// How far a mean is from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distance {
    /// T², at most.
    pub(super) squared: f64,
    /// What each coordinate has of it; they sum to 1, and one that only explains others may be below 0.
    pub(super) parts: Vec<f64>,
    /// Probability of so large a distance by chance, at most.
    pub(super) probability: f64,
}

/// Of vectors of one length, whose coordinates all vary. `allowance`: the variance of their mean relative to independent vectors.
/// `None`: there are too few, or a coordinate is constant.
pub(super) fn of(vectors: &[Vec<f64>], allowance: f64) -> Option<Distance> {
    let length = vectors.first()?.len();
    let (many, wide) = (vectors.len() as f64, length as f64);
    if length == 0 || vectors.len() <= length {
        return None;
    }
    let mean: Vec<f64> = (0..length)
        .map(|at| vectors.iter().filter_map(|vector| vector.get(at)).sum::<f64>() / many)
        .collect();
    let centred: Vec<Vec<f64>> = vectors.iter().map(|vector| minus(vector, &mean)).collect();
    let shrinkage = 1.0 / many;
    let row = |at: usize| {
        let entry = |other: usize| {
            let products = centred.iter().filter_map(|one| Some(one.get(at)? * one.get(other)?));
            let covariance = products.sum::<f64>() / (many - 1.0);
            if at == other { covariance } else { (1.0 - shrinkage) * covariance }
        };
        (0..length).map(entry).chain(mean.get(at).copied()).collect::<Vec<f64>>()
    };
    let rows: Vec<Vec<f64>> = (0..length).map(row).collect();
    let solved = solve(&rows)?;
    let products: Vec<f64> = mean.iter().zip(&solved).map(|(mean, solved)| mean * solved).collect();
    let sum: f64 = products.iter().sum();
    let squared = (1.0 - shrinkage) * many * sum / allowance;
    let ratio = squared * (many - wide) / (wide * (many - 1.0));
    Some(Distance {
        squared,
        parts: products.iter().map(|product| if sum > 0.0 { product / sum } else { 0.0 }).collect(),
        probability: crate::fisher::exceeds(ratio, (wide, many - wide)),
    })
}

fn minus(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one - other).collect()
}

/// The solution of linear equations with a positive definite matrix, each row with its right side last. `None`: it is not.
fn solve(rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let Some((first, below)) = rows.split_first() else { return Some(Vec::new()) };
    let (pivot, first) = first.split_first()?;
    if pivot.is_nan() || *pivot <= 0.0 {
        return None;
    }
    let reduced = |row: &Vec<f64>| {
        let (head, tail) = row.split_first()?;
        let factor = head / pivot;
        Some(tail.iter().zip(first).map(|(own, above)| own - factor * above).collect::<Vec<f64>>())
    };
    let known = solve(&below.iter().map(reduced).collect::<Option<Vec<_>>>()?)?;
    let (right, first) = first.split_last()?;
    let rest: f64 = first.iter().zip(&known).map(|(factor, known)| factor * known).sum();
    let mut solution = vec![(right - rest) / pivot];
    solution.extend(known);
    Some(solution)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        vectors: Vec<Vec<f64>>,
        allowance: f64,
        squared: f64,
        parts: Vec<f64>,
        probability: f64,
    }

    #[test]
    fn distances_and_their_probabilities_agree_with_numpy_and_scipy() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../../tests/fixtures/profile.json")).unwrap();
        assert!(cases.len() >= 6);
        for Case { vectors, allowance, squared, parts, probability } in cases {
            let found = of(&vectors, allowance).unwrap();
            let near = |value: f64, expected: f64| {
                assert!(
                    (value - expected).abs() <= 1e-9 * expected.abs().max(1e-12),
                    "{value}, not {expected}"
                );
            };
            near(found.squared, squared);
            near(found.probability, probability);
            assert_eq!(found.parts.len(), parts.len());
            found
                .parts
                .iter()
                .zip(parts)
                .for_each(|(found, expected)| assert!((found - expected).abs() < 1e-9));
        }
    }

    #[test]
    fn too_few_vectors_and_constant_coordinates_have_no_distance() {
        assert_eq!(of(&[], 1.0), None);
        assert_eq!(of(&[vec![1.0, 2.0], vec![2.0, 1.0]], 1.0), None);
        assert_eq!(of(&[vec![1.0, 2.0], vec![1.0, 1.0], vec![1.0, 5.0]], 1.0), None);
        assert_eq!(of(&[vec![], vec![]], 1.0), None);
    }

    #[test]
    fn coordinates_that_always_move_together_count_no_more_than_one() {
        let single: Vec<Vec<f64>> = (0..32).map(|at| vec![f64::from(at % 7) - 2.0]).collect();
        let double: Vec<Vec<f64>> = single.iter().map(|one| vec![one[0], 2.0 * one[0]]).collect();
        let [single, double] = [single, double].map(|vectors| of(&vectors, 1.0).unwrap().squared);
        assert!(double <= single * 1.02, "{double} is more than {single}");
    }
}
