//! Components by their tags.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{
    Block, CallStanding, ComponentRoute, Granularity, Known, KnownComponent, Moment, ObservedCalls,
    OmittedTag, TagOrigin, TagSource, TakenTag,
};

impl From<proto::ListComponentsResponse> for Known {
    fn from(known: proto::ListComponentsResponse) -> Self {
        Self {
            components: known.components.into_iter().map(KnownComponent::from).collect(),
            untold_routes: known.untold_routes,
            routes_not_kept: known.routes_not_kept,
            calls_not_kept: known.calls_not_kept,
        }
    }
}

impl From<proto::KnownComponent> for KnownComponent {
    fn from(component: proto::KnownComponent) -> Self {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            granularity: Granularity::from(component.granularity()),
            service: component.service,
            name: component.name,
            rollout_id: given(component.rollout_id),
            granularity_origin: component.granularity_origin.unwrap_or_default().into(),
            business_weight: component.business_weight,
            business_weight_origin: component.business_weight_origin.unwrap_or_default().into(),
            depends_on: component.depends_on,
            depends_on_origin: component.depends_on_origin.unwrap_or_default().into(),
            owner: given(component.owner),
            owner_origin: component.owner_origin.unwrap_or_default().into(),
            blocks: component.blocks.into_iter().map(Block::from).collect(),
            routes: component.routes.into_iter().map(ComponentRoute::from).collect(),
            contradictions: component.contradictions,
            calls: component.calls.into_iter().map(ObservedCalls::from).collect(),
        }
    }
}

impl From<proto::TagOrigin> for TagOrigin {
    fn from(origin: proto::TagOrigin) -> Self {
        let source = match origin.source() {
            proto::TagSource::Unspecified => TagSource::Unknown,
            proto::TagSource::Plan => TagSource::Plan,
            proto::TagSource::RouteMetadata => TagSource::RouteMetadata,
            proto::TagSource::ObservedCalls => TagSource::ObservedCalls,
            proto::TagSource::Default => TagSource::Default,
        };
        Self { source, routes: origin.routes }
    }
}

impl From<proto::ObservedCalls> for ObservedCalls {
    fn from(calls: proto::ObservedCalls) -> Self {
        let standing = match calls.standing() {
            proto::CallStanding::Unspecified => CallStanding::Unknown,
            proto::CallStanding::Declared => CallStanding::Declared,
            proto::CallStanding::Taken => CallStanding::Taken,
            proto::CallStanding::Undeclared => CallStanding::Undeclared,
        };
        Self {
            needed: calls.needed,
            calls: calls.calls,
            baseline: calls.baseline,
            canary: calls.canary,
            canary_only: calls.canary_only,
            last_seen: moment!(calls.last_seen),
            standing,
        }
    }
}

impl From<proto::TakenTag> for TakenTag {
    fn from(taken: proto::TakenTag) -> Self {
        let proto::TakenTag { component, tag, value, origin, text } = taken;
        Self { component, tag, value, origin: origin.unwrap_or_default().into(), text }
    }
}

impl From<proto::OmittedTag> for OmittedTag {
    fn from(omitted: proto::OmittedTag) -> Self {
        let proto::OmittedTag { component, text } = omitted;
        Self { component, text }
    }
}

impl From<proto::ComponentRoute> for ComponentRoute {
    fn from(route: proto::ComponentRoute) -> Self {
        Self {
            route: route.route,
            matched: route.matched,
            nodes: route.nodes,
            node_names: route.node_names,
            malformed: route.malformed,
            told_at: moment!(route.told_at),
        }
    }
}
