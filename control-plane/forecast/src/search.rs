//! A search on a grid, one coordinate after the other.

/// Most times that all coordinates are gone through.
const ROUNDS: usize = 4;

/// The point of the grid that costs least, seen from `start` along one coordinate at a time. A cost that is no number
/// is never taken, and of equal costs the earlier point is.
pub(crate) fn search<const N: usize>(
    grids: [&[f64]; N],
    start: [f64; N],
    cost: impl Fn([f64; N]) -> f64,
) -> [f64; N] {
    let mut best = start;
    let mut least = cost(best);
    for _ in 0..ROUNDS {
        let before = best;
        for (axis, grid) in grids.iter().enumerate() {
            for &value in *grid {
                let mut point = best;
                if let Some(coordinate) = point.get_mut(axis) {
                    *coordinate = value;
                }
                let found = cost(point);
                if found < least || (least.is_nan() && !found.is_nan()) {
                    (best, least) = (point, found);
                }
            }
        }
        if best == before {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_point_is_found_and_costs_that_are_no_numbers_are_passed_over() {
        let grid = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let found = search([&grid, &grid], [0.0, 0.0], |[x, y]| (x - 1.0).powi(2) + (y + 2.0).powi(2));
        assert_eq!(found, [1.0, -2.0]);
        let found = search([&grid], [0.0], |[x]| if x < 1.0 { f64::NAN } else { x });
        assert_eq!(found, [1.0]);
    }
}
