//! The chance of each arm for one request.
//!
//! Of a request with an identity one arm is certain. Of others the filter draws a place on the ring of every rule
//! with a share that matches, then on the ring of the weights. This walks through those draws in order by giving the
//! filter's code the lowest place (which every rule with a share takes) after a number of highest ones (which none
//! takes), so the rules are asked by that code alone.

use std::collections::BTreeMap;

use serin_filter_core::arms::{Decision, KeyOrigin, Place, Why, decide};
use serin_filter_core::router::Router;
use serin_proto::assignment::{Anonymous, ArmIndex, Assignment, Service, Weight, bounds};

use super::request::Asked;

/// Arms and their chances in parts per million, the baseline first; those without a chance are left out. Empty if no
/// service claims the request.
pub(super) fn chances(assignment: &Assignment, request: &Asked) -> Vec<(ArmIndex, u32)> {
    // An issued session id is as random as a draw, but one id serves all rings: without it, each draw stands alone.
    let mut assignment = assignment.clone();
    for service in &mut assignment.services {
        if matches!(service.identity.anonymous, Anonymous::IssueCookie(_)) {
            service.identity.anonymous = Anonymous::Random;
        }
    }
    let router = Router::new(&assignment);
    let mut chances = BTreeMap::new();
    let (mut left, mut passed) = (1.0, 0_usize);
    for _ in 0..=bounds::RULES {
        let mut draws = 0;
        let mut draw = || {
            draws += 1;
            if draws <= passed { u64::MAX } else { 0 }
        };
        let Some(decision) = decide(&router, request, &mut draw) else { break };
        let Some(service) = assignment.services.get(decision.at.service) else { break };
        let Some(share) = rule_share(service, &decision) else {
            finish(service, &decision, left, &mut chances);
            break;
        };
        *chances.entry(decision.arm).or_insert(0.0) += left * share;
        left *= 1.0 - share;
        passed = draws;
    }
    chances.into_iter().map(|(arm, chance)| (arm, ppm(chance))).filter(|(_, ppm)| *ppm != 0).collect()
}

/// The chance of the rule that took the request by a draw.
fn rule_share(service: &Service, decision: &Decision<'_>) -> Option<f64> {
    match decision.why {
        Why::Rule { rule, place: Some(Place { key: KeyOrigin::Drawn, .. }) } => {
            service.rules.get(rule).map(|rule| part(rule.share))
        }
        Why::Rule { .. } | Why::Pinned | Why::Train | Why::NoWeight | Why::Ring(_) | Why::Anonymous => None,
    }
}

fn finish(service: &Service, decision: &Decision<'_>, left: f64, chances: &mut BTreeMap<ArmIndex, f64>) {
    let mut add = |arm, chance: f64| *chances.entry(arm).or_insert(0.0) += chance;
    if let Why::Ring(Place { key: KeyOrigin::Drawn, .. }) = decision.why {
        let split: f64 = service.split.iter().map(|share| part(share.weight)).sum();
        service.split.iter().for_each(|share| add(share.arm, left * part(share.weight)));
        add(ArmIndex::BASELINE, left * (1.0 - split));
    } else {
        add(decision.arm, left);
    }
}

fn part(weight: Weight) -> f64 {
    f64::from(weight.ppm()) / f64::from(Weight::FULL.ppm())
}

fn ppm(chance: f64) -> u32 {
    // The cast saturates, and a chance is between 0 and 1.
    (chance * f64::from(Weight::FULL.ppm())).round() as u32
}
