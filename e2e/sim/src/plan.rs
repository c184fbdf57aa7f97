//! The plan of a scenario, as the YAML text that an operator would write.

use std::fmt::Write as _;

use crate::components::Component;
use crate::scenario::{DURATION_S, Scenario};

/// The plan for `components` of `scenario`: its weights and warm-up, and the product's defaults in everything else.
pub fn yaml(scenario: &Scenario, components: &[Component]) -> String {
    let mut text = String::from("service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n");
    for component in components {
        let _ = writeln!(text, "- name: {}", component.name);
        let _ = writeln!(text, "  business_weight: {}", component.routes.len());
        let _ = writeln!(text, "  matches:");
        for route in &component.routes {
            let _ = writeln!(text, "  - path: {{exact: /route-{}}}", route + 1);
        }
    }
    let _ = writeln!(text, "warm_up: {}s", scenario.warm_up_s);
    let _ = writeln!(text, "steps:");
    let ends = scenario.weights.iter().skip(1).map(|(from, _)| *from).chain([DURATION_S]);
    for ((from, ppm), end) in scenario.weights.iter().zip(ends) {
        let _ = writeln!(text, "- {{weight: {}%, bake: {}s}}", f64::from(*ppm) / 1e4, end - from);
    }
    text
}

#[cfg(test)]
mod tests {
    use serin_rollout::Plan;

    use super::*;
    use crate::components::components;
    use crate::scenario;

    #[test]
    fn every_plan_is_accepted_and_says_what_the_scenario_says() {
        for scenario in scenario::all() {
            let components = components(scenario);
            let plan = Plan::parse(&yaml(scenario, &components)).unwrap();
            assert_eq!(plan.first_weight().ppm(), scenario.first_ppm(), "{}", scenario.id);
            let below_full = scenario.weights.iter().filter(|(_, ppm)| *ppm < 1_000_000);
            assert_eq!(plan.steps().len(), below_full.count());
            assert_eq!(plan.warm_up().as_secs(), scenario.warm_up_s);
            assert_eq!(plan.components().count(), components.len());
            assert!(plan.splits_by_weight_alone());
        }
    }
}
