//! The tags that the plan gives its components, and which of them it leaves open.
//!
//! A tag that the plan leaves open has a default, and is in force by that: whether it was written decides nothing here. It
//! is kept because a route's metadata may say something else, and people have to see which of the two holds.

use serde::Serialize;

use super::check::Findings;
use super::error::PlanRule;
use super::{bounds, raw};

/// What the plan says about one component.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Said {
    /// Whether it gives the granularity.
    #[serde(skip)]
    pub granularity: bool,
    /// Whether it gives the business weight.
    #[serde(skip)]
    pub business_weight: bool,
    /// Who answers for the component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// By component, in the order of the plan.
pub(super) fn check(components: &[raw::Component], findings: &mut Findings) -> Vec<Said> {
    let said = components.iter().enumerate().map(|(index, component)| {
        if let Some(owner) = &component.owner {
            check_owner(&format!("components[{index}].owner"), owner, findings);
        }
        Said {
            granularity: component.granularity.is_some(),
            business_weight: component.business_weight.is_some(),
            owner: component.owner.clone(),
        }
    });
    said.collect()
}

fn check_owner(field: &str, owner: &str, findings: &mut Findings) {
    if owner.is_empty() {
        findings.add(field, PlanRule::Empty);
    } else if owner.len() > bounds::OWNER_BYTES {
        findings.add(field, PlanRule::TooLong { limit: bounds::OWNER_BYTES });
    } else if owner.contains(char::is_control) {
        let found = owner.chars().take(64).collect();
        findings.add(field, PlanRule::Form { found, expected: "text without control characters" });
    }
}
