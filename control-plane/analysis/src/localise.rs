//! Which components are at fault when the version as a whole has crossed its threshold?
//!
//! The bet that crossed is attributed: each component's share of that bet's evidence since its CUSUM left zero. If
//! a few components carry it and the rest carries next to nothing, they are named; else the version is. Most of more than
//! three components are not a few.

/// Share of the version's evidence that the named components must explain.
const EXPLAINED: f64 = 0.6;
/// What the rest may carry, relative to the strongest component.
const REST: f64 = 0.25;
/// A component is not named along with the strongest one for less than this, in nats (odds of 20).
const NAMEABLE: f64 = 3.0;

/// Indices of the components that explain `cusum`, strongest first; `None` if it is the version's.
///
/// `log_evidence` has one entry per component: its index and its log evidence for the bet in the window.
pub(crate) fn components_at_fault(cusum: f64, mut log_evidence: Vec<(usize, f64)>) -> Option<Vec<usize>> {
    log_evidence.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let strongest = log_evidence.first()?.1;
    let mut rest: f64 = log_evidence.iter().map(|(_, evidence)| evidence).sum();
    let most = (log_evidence.len() / 2).max(2);
    let mut explained = 0.0;
    let mut named = Vec::new();
    for (index, evidence) in log_evidence {
        if named.len() == most || evidence <= 0.0 || (!named.is_empty() && evidence < NAMEABLE) {
            return None;
        }
        named.push(index);
        explained += evidence;
        rest -= evidence;
        if explained >= EXPLAINED * cusum && rest <= REST * strongest {
            return Some(named);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cusum: f64, evidence: &[f64], expected: Option<&[usize]>) {
        let evidence = evidence.iter().copied().enumerate().collect();
        assert_eq!(components_at_fault(cusum, evidence).as_deref(), expected);
    }

    #[test]
    fn one_component_that_carries_the_evidence_is_named() {
        check(12.0, &[0.3, -0.5, 12.0, 0.1], Some(&[2]));
    }

    #[test]
    fn two_components_that_share_the_evidence_are_both_named() {
        check(16.0, &[8.0, 0.2, 7.5, -0.4], Some(&[0, 2]));
    }

    #[test]
    fn evidence_spread_over_all_components_is_the_versions() {
        check(12.0, &[1.2; 10], None);
        check(60.0, &[10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0], None);
        check(12.0, &[], None);
    }
}
