//! Components by their tags.

use serin_proto::admin::v1 as api;
use serin_rollout::plan::{Omitted, Taken, TakenFrom};

use super::{block, granularity, timestamp};
use crate::components::{Component, Known, ObservedCalls, Route, Source, Standing};

/// Those of one service, or all.
pub(crate) fn components(known: &Known, service: Option<&str>) -> api::ListComponentsResponse {
    let wanted = known.components.iter().filter(|one| service.is_none_or(|name| one.service == name));
    api::ListComponentsResponse {
        components: wanted.map(component).collect(),
        untold_routes: known.untold_routes,
        routes_not_kept: known.routes_not_kept,
        calls_not_kept: known.calls_not_kept,
    }
}

fn component(component: &Component) -> api::KnownComponent {
    api::KnownComponent {
        service: component.service.clone(),
        name: component.name.clone(),
        rollout_id: component.rollout.clone().unwrap_or_default(),
        granularity: granularity(component.granularity.value).into(),
        granularity_origin: Some(origin(&component.granularity.source)),
        business_weight: component.business_weight.value,
        business_weight_origin: Some(origin(&component.business_weight.source)),
        depends_on: component.depends_on.value.clone(),
        depends_on_origin: Some(origin(&component.depends_on.source)),
        owner: component.owner.value.clone().unwrap_or_default(),
        owner_origin: Some(origin(&component.owner.source)),
        blocks: component.blocks.iter().map(block::block).collect(),
        routes: component.routes.iter().map(route).collect(),
        contradictions: component.contradictions.clone(),
        calls: component.calls.iter().map(observed_calls).collect(),
        returns_with: component.returns_with.clone(),
        switched_off_with: component.switched_off_with.clone(),
    }
}

fn observed_calls(calls: &ObservedCalls) -> api::ObservedCalls {
    let standing = match calls.standing {
        Standing::Declared => api::CallStanding::Declared,
        Standing::Taken => api::CallStanding::Taken,
        Standing::Undeclared => api::CallStanding::Undeclared,
    };
    api::ObservedCalls {
        needed: calls.needed.clone(),
        calls: calls.calls,
        baseline: calls.baseline,
        canary: calls.canary,
        canary_only: calls.canary_only,
        last_seen: Some(timestamp(calls.last_seen)),
        standing: standing.into(),
    }
}

fn origin(source: &Source) -> api::TagOrigin {
    let (source, routes) = match source {
        Source::Plan => (api::TagSource::Plan, Vec::new()),
        Source::RouteMetadata { routes } => (api::TagSource::RouteMetadata, routes.clone()),
        Source::ObservedCalls => (api::TagSource::ObservedCalls, Vec::new()),
        Source::Default => (api::TagSource::Default, Vec::new()),
    };
    api::TagOrigin { source: source.into(), routes }
}

/// A tag that a rollout took.
pub(super) fn taken(taken: &Taken) -> api::TakenTag {
    let source = match &taken.from {
        TakenFrom::Routes { routes } => Source::RouteMetadata { routes: routes.clone() },
        TakenFrom::ObservedCalls { .. } => Source::ObservedCalls,
    };
    api::TakenTag {
        component: taken.component.clone(),
        tag: taken.tag.name().to_owned(),
        value: taken.tag.value(),
        origin: Some(origin(&source)),
        text: taken.to_string(),
    }
}

/// What a rollout did not take.
pub(super) fn omitted(omitted: &Omitted) -> api::OmittedTag {
    let Omitted { component, words } = omitted;
    api::OmittedTag { component: component.clone(), text: words.clone() }
}

fn route(route: &Route) -> api::ComponentRoute {
    api::ComponentRoute {
        route: route.route.clone(),
        matched: route.matched.clone(),
        nodes: route.nodes,
        node_names: route.named.clone(),
        malformed: route.malformed.clone(),
        told_at: Some(timestamp(route.told_at)),
    }
}
