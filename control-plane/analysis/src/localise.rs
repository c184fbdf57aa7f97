//! Which components are at fault when the version as a whole has crossed its threshold?
//!
//! Three stories are compared by the evidence since the CUSUMs of the version's bets left zero: all of the version is
//! worse, by some bet; one component is, and the others are not; some components are, each of them with probability
//! [`AFFECTED`], and the others are not. In doubt the smaller scope is undone: the evidence on the rest goes on
//! growing, and finds more if there is more. So the version is named only if the others, without those at fault, carry
//! evidence of their own too. Most of more than three components are the version.

use crate::evalue::{log_add, log_sum};

/// How probable it is that a component is affected by a fault of some of them.
const AFFECTED: f64 = 0.2;
/// How many times likelier a fault of the whole version must be to be preferred.
const DOUBT: f64 = 4.0;
/// Odds, over all bets, below which the others carry no evidence of their own: chance alone gives as much in the seconds
/// in which the version's evidence rose.
const CHANCE: f64 = 10.0;
/// Odds from which a component is named along with the strongest one.
const NAMEABLE: f64 = 3.0;

/// Indices of the components at fault, strongest first; `None` if it is the version.
///
/// `parts` has one entry per component: its index, and its log evidence for each bet.
pub(crate) fn components_at_fault(parts: &[(usize, Vec<f64>)]) -> Option<Vec<usize>> {
    let bets = parts.iter().map(|(_, evidence)| evidence.len()).min()?;
    let stories: Vec<Stories> = (0..bets).map(|bet| Stories::of(parts, bet)).collect();
    let all = stories.iter().map(|story| story.all).fold(f64::NEG_INFINITY, f64::max);
    let part = stories.iter().max_by(|a, b| a.some.total_cmp(&b.some))?;
    let named: Vec<usize> = part.ranked.iter().take(part.named).map(|(index, _)| *index).collect();
    let others = stories.iter().map(|story| story.without(&named));
    let spared = log_sum(others) - (bets as f64).ln() < CHANCE.ln();
    let are_few = named.len() <= (parts.len() / 2).max(2);
    (part.some > 0.0 && are_few && (part.some >= all || spared)).then_some(named)
}

/// What one bet says.
struct Stories {
    /// Components with their log evidence, strongest first.
    ranked: Vec<(usize, f64)>,
    /// Log evidence that all are affected.
    all: f64,
    /// Log evidence that one or some are.
    some: f64,
    /// How many of the strongest these are.
    named: usize,
}

impl Stories {
    fn of(parts: &[(usize, Vec<f64>)], bet: usize) -> Self {
        let of_bet = |(index, evidence): &(usize, Vec<f64>)| Some((*index, *evidence.get(bet)?));
        let mut ranked: Vec<(usize, f64)> = parts.iter().filter_map(of_bet).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let all = ranked.iter().map(|(_, log_e)| log_e).sum();
        let one = ranked.first().map_or(0.0, |(_, log_e)| *log_e);
        let some = ranked.iter().map(|(_, log_e)| affected_or_not(*log_e)).sum::<f64>() + DOUBT.ln();
        let nameable = (NAMEABLE * (1.0 - AFFECTED) / AFFECTED).ln();
        let several = ranked.iter().take_while(|(_, log_e)| *log_e >= nameable).count();
        let named = if one >= some { 1 } else { several.max(1) };
        Self { all, some: one.max(some), named, ranked }
    }

    /// Log evidence that all but those in `named` are affected.
    fn without(&self, named: &[usize]) -> f64 {
        self.ranked.iter().filter(|(index, _)| !named.contains(index)).map(|(_, log_e)| log_e).sum()
    }
}

/// Log evidence that a component is affected with probability [`AFFECTED`].
fn affected_or_not(log_e: f64) -> f64 {
    log_add((1.0 - AFFECTED).ln(), AFFECTED.ln() + log_e)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evidence of each component for one bet, then for another.
    fn check(bets: &[&[f64]], expected: Option<&[usize]>) {
        let of_component = |index| (index, bets.iter().map(|bet| bet[index]).collect());
        let parts: Vec<_> = (0..bets[0].len()).map(of_component).collect();
        assert_eq!(components_at_fault(&parts).as_deref(), expected);
    }

    #[test]
    fn one_component_that_carries_the_evidence_is_named() {
        check(&[&[0.1, -0.5, 12.0, 0.1]], Some(&[2]));
        check(&[&[12.0, 0.0]], Some(&[0]));
    }

    #[test]
    fn components_that_share_the_evidence_are_named() {
        check(&[&[8.0, -1.5, 7.5, -1.2]], Some(&[0, 2]));
        check(
            &[
                &[4.0, -1.0, 3.5, -1.0, 2.0, -1.0, 1.5, -1.0, -1.0, 3.0],
                &[9.0, -9.0, 8.0, -9.0, 3.0, -9.0, 0.5, -9.0, -9.0, 7.0],
            ],
            Some(&[0, 2, 9, 4]),
        );
    }

    #[test]
    fn what_chance_gives_the_others_does_not_make_it_the_versions() {
        check(&[&[0.5, 9.2, 0.0, 0.4], &[1.6, 10.1, -0.1, 1.2]], Some(&[1]));
        check(&[&[2.8, 9.2, 0.0, 2.1], &[3.0, 10.1, -0.1, 2.6]], None);
    }

    #[test]
    fn evidence_spread_over_all_components_is_the_versions() {
        check(&[&[1.2; 10]], None);
        check(&[&[10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0]], None);
        check(&[&[6.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], &[7.0, -2.0, -2.0, -2.0, -2.0, -2.0, -2.0]], None);
        assert_eq!(components_at_fault(&[]), None);
    }
}
