//! The score of a canary: the share of passing metrics in each group, weighted.

use std::collections::BTreeMap;

use super::classifier::Label;

/// A classified metric on its way to the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The groups it counts in.
    pub groups: Vec<String>,
    /// What it is.
    pub label: Label,
    /// Whether it is critical.
    pub critical: bool,
}

/// Percent of metrics without data from which on the score is 0.
const MOST_WITHOUT_DATA: f64 = 50.0;

/// The score, 0 to 100, to two decimals. `weights` are percentages; groups that have none share what is left.
/// A critical metric that does not pass, or too many without data, make it 0; a group without any data counts as
/// 100, as it does in the original.
pub fn score(metrics: &[Classified], weights: &[(String, f64)]) -> f64 {
    if metrics.iter().any(|metric| metric.critical && metric.label != Label::Pass) {
        return 0.0;
    }
    let without_data = metrics.iter().filter(|metric| metric.label == Label::NoData).count();
    if metrics.is_empty() || 100.0 * without_data as f64 / metrics.len() as f64 >= MOST_WITHOUT_DATA {
        return 0.0;
    }
    let mut groups: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for metric in metrics {
        for group in &metric.groups {
            let (passed, counted) = groups.entry(group).or_default();
            *passed += u32::from(metric.label == Label::Pass);
            *counted += u32::from(counts(metric.label));
        }
    }
    let weight_of = |group: &str| weights.iter().find(|(name, _)| name == group).map(|(_, weight)| *weight);
    let unweighted = groups.keys().filter(|group| weight_of(group).is_none()).count();
    let rest = (100.0 - weights.iter().map(|(_, weight)| weight).sum::<f64>()) / unweighted.max(1) as f64;
    let sum: f64 = groups
        .iter()
        .map(|(group, &(passed, counted))| {
            let score = if counted == 0 { 100.0 } else { 100.0 * f64::from(passed) / f64::from(counted) };
            score * weight_of(group).unwrap_or(rest) / 100.0
        })
        .sum();
    (sum * 100.0).round() / 100.0
}

fn counts(label: Label) -> bool {
    match label {
        Label::Pass | Label::High | Label::Low | Label::NoDataFails => true,
        Label::NoData | Label::Error => false,
    }
}
