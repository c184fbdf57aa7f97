//! Which components an event names.

use std::collections::BTreeSet;

use serin_rollout::{Cause, Fact, HoldReason};

/// Components that are named of an event.
const COMPONENTS_MAX: usize = 50;

/// Sorted; empty: the whole version.
pub(super) fn components(fact: &Fact) -> Vec<String> {
    let mut named = BTreeSet::new();
    if let Fact::ComponentsRolledBack { components, disabled, .. } = fact {
        named.extend(components.iter().cloned());
        named.extend(disabled.names());
    }
    if let Fact::BlocksRestored { component, .. } = fact {
        named.insert(component.clone());
    }
    if let Fact::Held { reason, .. } | Fact::HoldLifted { reason } = fact
        && let HoldReason::Regressed { components }
        | HoldReason::Vetoed { components, .. }
        | HoldReason::Predicted { components, .. } = reason
    {
        named.extend(components.iter().cloned());
    }
    if let Fact::RolledBack { cause, .. } = fact {
        named.extend(at_fault(cause));
    }
    named.into_iter().take(COMPONENTS_MAX).collect()
}

fn at_fault(cause: &Cause) -> Vec<String> {
    if let Cause::ComponentsRegressed { components }
    | Cause::TooManyComponents { components, .. }
    | Cause::Predicted { components, .. } = cause
    {
        return components.clone();
    }
    if let Cause::CoarseComponent { component } | Cause::BlocksAtFault { component, .. } = cause {
        return vec![component.clone()];
    }
    if let Cause::CoarseDependent { component, regressed } = cause {
        return regressed.iter().chain([component]).cloned().collect();
    }
    Vec::new()
}
