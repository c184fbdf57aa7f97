//! Tags that a rollout takes from elsewhere when it is created, where its plan is silent.
//!
//! They become part of the rollout: the journal holds them, and whoever puts plan and state together applies them again. So a
//! running rollout never changes because a route did. What the plan gives is not overridden, and what breaks a rule of a plan
//! is not taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_proto::assignment::Granularity;

use super::dependencies::{Added, OnRollback, is_foreign};
use super::error::PlanRule;
use super::tags::checked_owner;
use super::{Plan, bounds};

/// A tag that was taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Taken {
    /// Component of the plan.
    pub component: String,
    /// What.
    #[serde(flatten)]
    pub tag: TakenTag,
    /// Where from.
    #[serde(flatten)]
    pub from: TakenFrom,
}

/// What was taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "tag", rename_all = "snake_case")]
pub enum TakenTag {
    /// What a rollback of the component undoes.
    Granularity {
        /// That.
        granularity: Granularity,
    },
    /// Its share of the error budget.
    BusinessWeight {
        /// In thousandths, 1 to 1,000,000.
        thousandths: u32,
    },
    /// One component that it needs.
    DependsOn {
        /// Of the plan, or `SERVICE/COMPONENT`.
        needed: String,
        /// What becomes of the component when that one is undone.
        on_rollback: OnRollback,
    },
    /// Who answers for it.
    Owner {
        /// Who.
        owner: String,
    },
}

/// Where a tag was taken from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum TakenFrom {
    /// The metadata of routes.
    Routes {
        /// Their names, sorted; a route without one is empty.
        routes: Vec<String>,
    },
    /// Calls that were observed in traces.
    ObservedCalls {
        /// How many.
        calls: u64,
        /// True when only the canary before made them.
        canary_only: bool,
    },
}

/// What a rollout makes of calls that were observed before it was created.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanObservedCalls")]
pub enum ObservedCalls {
    /// Nothing: they are shown.
    Ignore,
    /// The caller stays when what it calls is undone; a fault of both is likely the other's.
    #[default]
    Stay,
    /// The caller moves along, unless that would lead back: then it stays.
    Move,
}

/// What was on offer for a component and not taken, in words: routes did not agree, or it breaks a rule of the plan.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Omitted {
    /// Component of the plan.
    pub component: String,
    /// What, and why not.
    pub words: String,
}

/// A tag that is not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct NotTaken {
    /// What was on offer.
    pub offered: Taken,
    /// Why.
    pub rule: TakeRule,
}

/// Why a tag is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TakeRule {
    /// The plan gives it.
    #[error("the plan gives it")]
    Given,
    /// It was taken already.
    #[error("it is there already")]
    Repeated,
    /// Of a component without blocks.
    #[error("a component of granularity fine needs blocks, which only the plan can name")]
    NoBlocks,
    /// A rollout takes no more.
    #[error("a rollout takes at most {} tags", bounds::TAKEN)]
    TooMany,
    /// A rule of the plan.
    #[error(transparent)]
    Plan(#[from] PlanRule),
}

impl Plan {
    /// What it makes of observed calls.
    #[must_use]
    pub const fn observed_calls(&self) -> ObservedCalls {
        self.observed_calls
    }

    /// What was taken, in the order in which it was.
    #[must_use]
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// The plan with what was taken where it is silent. Taking the same again changes nothing.
    #[must_use]
    pub fn with_taken(&self, taken: &[Taken]) -> Self {
        self.taking(taken).0
    }

    /// The plan with what of the offer can be taken, in its order, and what cannot.
    #[must_use]
    pub fn taking(&self, offered: &[Taken]) -> (Self, Vec<NotTaken>) {
        let (mut plan, mut not_taken) = (self.clone(), Vec::new());
        for one in offered {
            if let Err(rule) = plan.take(one) {
                not_taken.push(NotTaken { offered: one.clone(), rule });
            }
        }
        (plan, not_taken)
    }

    fn take(&mut self, offered: &Taken) -> Result<(), TakeRule> {
        let unknown = || PlanRule::UnknownComponent { name: short(&offered.component) };
        let index = self.template.components.iter().position(|one| one.name == offered.component);
        let index = index.ok_or_else(unknown)?;
        let said = self.said.get(index).copied().unwrap_or_default();
        let is_same =
            |other: &Taken| other.component == offered.component && other.tag.name() == offered.tag.name();
        let is_repeated = || self.taken.iter().any(is_same);
        if self.taken.len() >= bounds::TAKEN {
            return Err(TakeRule::TooMany);
        }
        match &offered.tag {
            TakenTag::Granularity { .. } if said.granularity => return Err(TakeRule::Given),
            TakenTag::BusinessWeight { .. } if said.business_weight => return Err(TakeRule::Given),
            TakenTag::Owner { .. } if said.owner => return Err(TakeRule::Given),
            TakenTag::DependsOn { needed, on_rollback } => match offered.from {
                TakenFrom::Routes { .. } if said.depends_on => return Err(TakeRule::Given),
                TakenFrom::Routes { .. } => self.take_edge(offered, needed, *on_rollback)?,
                TakenFrom::ObservedCalls { .. } => return self.take_calls(offered, needed, *on_rollback),
            },
            _ if is_repeated() => return Err(TakeRule::Repeated),
            TakenTag::Granularity { granularity } => self.take_granularity(index, *granularity)?,
            TakenTag::BusinessWeight { thousandths } => self.take_weight(index, *thousandths)?,
            TakenTag::Owner { owner } => self.take_owner(index, owner)?,
        }
        self.taken.push(offered.clone());
        Ok(())
    }

    fn take_granularity(&mut self, index: usize, granularity: Granularity) -> Result<(), TakeRule> {
        // A plan that names blocks gives the granularity.
        if granularity == Granularity::Fine {
            return Err(TakeRule::NoBlocks);
        }
        if let Some(component) = self.template.components.get_mut(index) {
            component.granularity = granularity;
        }
        Ok(())
    }

    fn take_weight(&mut self, index: usize, thousandths: u32) -> Result<(), TakeRule> {
        if !(1..=1_000_000).contains(&thousandths) {
            let (min, max) = ("0.001".to_owned(), "1000".to_owned());
            return Err(PlanRule::Range { min, max }.into());
        }
        if let Some(weight) = self.business_weights.get_mut(index) {
            *weight = f64::from(thousandths) / 1_000.0;
        }
        Ok(())
    }

    fn take_owner(&mut self, index: usize, owner: &str) -> Result<(), TakeRule> {
        checked_owner(owner)?;
        if let Some(place) = self.owners.get_mut(index) {
            *place = Some(owner.to_owned());
        }
        Ok(())
    }

    /// Observed calls stand beside what is declared, and never lead back but by `stay`.
    fn take_calls(&mut self, offered: &Taken, needed: &str, mode: OnRollback) -> Result<(), TakeRule> {
        let mut taken = offered.clone();
        match self.take_edge(offered, needed, mode) {
            Err(TakeRule::Plan(PlanRule::Cycle { .. })) if mode != OnRollback::Stay => {
                self.take_edge(offered, needed, OnRollback::Stay)?;
                taken.tag = TakenTag::DependsOn { needed: needed.to_owned(), on_rollback: OnRollback::Stay };
            }
            other => other?,
        }
        self.taken.push(taken);
        Ok(())
    }

    fn take_edge(&mut self, offered: &Taken, needed: &str, on_rollback: OnRollback) -> Result<(), TakeRule> {
        if self.component(needed).is_none() && !is_foreign(needed) {
            return Err(PlanRule::UnknownComponent { name: short(needed) }.into());
        }
        let has_feature = self.component(&offered.component).is_some_and(|one| one.feature.is_some());
        if on_rollback == OnRollback::Disable && !has_feature {
            return Err(PlanRule::NoFeature.into());
        }
        let added = self.dependencies.add(&offered.component, needed, on_rollback);
        added.map_err(|added| match added {
            Added::Repeated => TakeRule::Repeated,
            Added::Cycle(cycle) => PlanRule::Cycle { cycle }.into(),
        })?;
        self.needed_services = self.dependencies.services();
        Ok(())
    }
}

impl NotTaken {
    /// In words. `None`: nothing is lost by it.
    #[must_use]
    pub fn omitted(&self) -> Option<Omitted> {
        if matches!(self.rule, TakeRule::Given | TakeRule::Repeated) {
            return None;
        }
        let Taken { component, tag, from } = &self.offered;
        let words = format!("{}: {} {from} is not taken: {}", tag.name(), tag.value(), self.rule);
        Some(Omitted { component: component.clone(), words })
    }
}

impl TakenTag {
    /// As in plans.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Granularity { .. } => "granularity",
            Self::BusinessWeight { .. } => "business_weight",
            Self::DependsOn { .. } => "depends_on",
            Self::Owner { .. } => "owner",
        }
    }

    /// Its value, as in plans.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Granularity { granularity } => word(*granularity).to_owned(),
            Self::BusinessWeight { thousandths } => (f64::from(*thousandths) / 1_000.0).to_string(),
            Self::DependsOn { needed, on_rollback: OnRollback::Move } => needed.clone(),
            Self::DependsOn { needed, on_rollback } => format!("{needed} ({})", on_rollback.name()),
            Self::Owner { owner } => owner.clone(),
        }
    }
}

/// `cart: granularity coarse by route cart`.
impl std::fmt::Display for Taken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { component, tag, from } = self;
        write!(formatter, "{component}: {} {} {from}", tag.name(), tag.value())
    }
}

impl std::fmt::Display for TakenFrom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Routes { routes } => {
                let name = |route: &String| if route.is_empty() { "(unnamed)" } else { route }.to_owned();
                let routes: Vec<String> = routes.iter().map(name).collect();
                write!(formatter, "by route {}", crate::text::list(&routes))
            }
            Self::ObservedCalls { calls, canary_only } => {
                let whose = if *canary_only { ", all of the canary" } else { "" };
                let plural = if *calls == 1 { "" } else { "s" };
                write!(formatter, "by {calls} observed call{plural}{whose}")
            }
        }
    }
}

const fn word(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Coarse => "coarse",
        Granularity::Medium => "medium",
        Granularity::Fine => "fine",
    }
}

fn short(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests;
