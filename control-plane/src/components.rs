//! What the fleet knows about the components of its services, and where it knows it from.
//!
//! A service owner tags a component in the plan or in the metadata of Envoy's routes. The plan of the service's newest rollout
//! decides: what it says is in force. What it leaves open was taken from the routes when the rollout was created
//! ([`taking`]), else its default is in force. What routes say is shown beside it, and is all there is of a component that no
//! plan has. Where they do not agree, all of them are shown ([`merge()`]). Beside it stands which components were seen to call
//! which.
//!
//! A running rollout acts by its plan and what it took, whatever routes say meanwhile.

mod merge;
mod observed;
mod offer;

use serde::Serialize;
use serin_rollout::{Granularity, UnixMillis};

pub use merge::merge;
pub use observed::{ObservedCalls, Standing};
pub use offer::taking;

use crate::calls::Calls;
use crate::fleet::Fleet;
use crate::snapshot::{Block, Directory, ROLLOUTS_MAX};

/// Everything that is known.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Known {
    /// By service and name.
    pub components: Vec<Component>,
    /// Sampled requests whose route the filters could not tell.
    pub untold_routes: u64,
    /// Statements of routes that were not kept.
    pub routes_not_kept: u64,
    /// Observed calls between two components that were not kept.
    pub calls_not_kept: u64,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Component {
    /// Service that it is part of.
    pub service: String,
    /// Name; `unmatched` for what routes say that belong to no component and name none.
    pub name: String,
    /// Rollout whose plan has it. `None`: only routes name it.
    pub rollout: Option<String>,
    /// What a rollback of it undoes.
    pub granularity: Tag<Granularity>,
    /// Its share of the error budget.
    pub business_weight: Tag<f64>,
    /// What it needs.
    pub depends_on: Tag<Vec<String>>,
    /// Who answers for it.
    pub owner: Tag<Option<String>>,
    /// Blocks of its code, by the plan.
    pub blocks: Vec<Block>,
    /// Routes that speak of it.
    pub routes: Vec<Route>,
    /// What it was seen to call.
    pub calls: Vec<ObservedCalls>,
    /// What it returns with, by its rollout.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returns_with: Vec<String>,
    /// What switches its feature off when it returns, by its rollout.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switched_off_with: Vec<String>,
    /// What does not agree or could not be taken, and what holds.
    pub contradictions: Vec<String>,
}

/// A tag and where it is from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tag<T> {
    /// What is said.
    pub value: T,
    /// Where.
    pub source: Source,
}

/// Where a tag is from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The plan.
    Plan,
    /// The metadata of routes.
    RouteMetadata {
        /// Their names, sorted; a route without one is empty.
        routes: Vec<String>,
    },
    /// Calls that traces showed.
    ObservedCalls,
    /// Nobody said it.
    Default,
}

/// What one route says, alike on some Envoys.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Route {
    /// Its name. Empty: it has none.
    pub route: String,
    /// Component that its requests belong to.
    pub matched: String,
    /// Envoys that say it.
    pub nodes: u32,
    /// Their node ids, as many as are kept.
    pub named: Vec<String>,
    /// What of its metadata could not be taken.
    pub malformed: Vec<String>,
    /// When one of them last said it.
    pub told_at: UnixMillis,
}

impl Known {
    /// As of `now`.
    #[must_use]
    pub fn of(directory: &Directory, fleet: &Fleet, calls: &Calls, now: UnixMillis) -> Self {
        let (told, untold_routes, routes_not_kept) = {
            let nodes = fleet.nodes();
            (nodes.told(), nodes.iter().map(|(_, node)| node.untold_routes).sum(), nodes.routes_not_kept())
        };
        let rollouts = directory.list(None, ROLLOUTS_MAX);
        let mut components = merge(&rollouts, &told);
        observed::add(&mut components, &rollouts, &calls.observed(now));
        Self { components, untold_routes, routes_not_kept, calls_not_kept: calls.not_kept() }
    }
}
