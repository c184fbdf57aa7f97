//! The incremental form: an answer holds what changed.

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource,
};
use tonic::Status;

use super::TYPE_URL;
use super::form::Form;
use super::session::{Push, Session};

/// Only what changed.
pub(super) struct Delta;

impl Form for Delta {
    type Request = DeltaDiscoveryRequest;
    type Answer = DeltaDiscoveryResponse;

    fn take(session: &mut Session, request: Self::Request) -> Result<(), Status> {
        session.begin(&request.type_url, request.node.as_ref())?;
        session.react(&request.response_nonce, request.error_detail.as_ref());
        session.ask_no_more(&request.resource_names_unsubscribe);
        session.ask_also(request.resource_names_subscribe)?;
        session.has(request.initial_resource_versions);
        Ok(())
    }

    fn answer(push: Push) -> Option<Self::Answer> {
        let resources = push.changed.into_iter().map(|(name, resource)| Resource {
            name,
            version: resource.version.clone(),
            resource: Some(resource.any.clone()),
            ..Resource::default()
        });
        Some(DeltaDiscoveryResponse {
            system_version_info: push.generation.to_string(),
            resources: resources.collect(),
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce,
            removed_resources: push.unknown,
            ..DeltaDiscoveryResponse::default()
        })
    }
}
