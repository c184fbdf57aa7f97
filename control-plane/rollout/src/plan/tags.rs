//! The tags that the plan gives its components, and which of them it leaves open.
//!
//! A tag that the plan leaves open has a default, unless the rollout takes it from elsewhere when it is created
//! ([`Taken`](super::Taken)). What the plan gives is never overridden.

use super::check::Findings;
use super::error::PlanRule;
use super::{bounds, raw};

/// Which tags the plan gives of one component.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Said {
    /// Whether it gives the granularity.
    pub granularity: bool,
    /// Whether it gives the business weight.
    pub business_weight: bool,
    /// Whether it gives what the component needs, be it nothing.
    pub depends_on: bool,
    /// Whether it gives who answers for the component.
    pub owner: bool,
}

/// By component, in the order of the plan.
pub(super) fn check(components: &[raw::Component], findings: &mut Findings) -> Vec<Said> {
    let said = components.iter().enumerate().map(|(index, component)| {
        if let Some(owner) = &component.owner {
            let field = format!("components[{index}].owner");
            checked_owner(owner).unwrap_or_else(|rule| findings.add(&field, rule));
        }
        Said {
            granularity: component.granularity.is_some(),
            business_weight: component.business_weight.is_some(),
            depends_on: component.depends_on.is_some(),
            owner: component.owner.is_some(),
        }
    });
    said.collect()
}

/// Whether it can be the owner of a component.
pub(super) fn checked_owner(owner: &str) -> Result<(), PlanRule> {
    if owner.is_empty() {
        Err(PlanRule::Empty)
    } else if owner.len() > bounds::OWNER_BYTES {
        Err(PlanRule::TooLong { limit: bounds::OWNER_BYTES })
    } else if owner.contains(char::is_control) {
        let found = owner.chars().take(64).collect();
        Err(PlanRule::Form { found, expected: "text without control characters" })
    } else {
        Ok(())
    }
}
