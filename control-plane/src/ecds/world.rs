//! The state-of-the-world form: every answer holds all resources that the stream asked for.

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use tonic::Status;

use super::TYPE_URL;
use super::form::Form;
use super::session::{Push, Session};

/// Everything, every time.
pub(super) struct World;

impl Form for World {
    type Request = DiscoveryRequest;
    type Answer = DiscoveryResponse;

    fn take(session: &mut Session, request: Self::Request) -> Result<(), Status> {
        session.begin(&request.type_url, request.node.as_ref())?;
        session.react(&request.response_nonce, request.error_detail.as_ref());
        session.ask(request.resource_names)
    }

    fn answer(push: Push) -> Option<Self::Answer> {
        let first = push.all.first()?;
        Some(DiscoveryResponse {
            version_info: first.version.clone(),
            resources: push.all.iter().map(|resource| resource.any.clone()).collect(),
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce,
            ..DiscoveryResponse::default()
        })
    }
}
