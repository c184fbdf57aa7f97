//! The incremental form: an answer holds what changed.

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Status, Streaming};

use super::TYPE_URL;
use super::session::{Push, Session};

/// Serves one stream until either side ends it.
pub(super) async fn serve(
    mut session: Session,
    mut requests: Streaming<DeltaDiscoveryRequest>,
    answers: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
) {
    loop {
        let taken = tokio::select! {
            request = requests.next() => match request {
                Some(Ok(request)) => take(&mut session, request),
                Some(Err(_)) | None => return,
            },
            newer = session.changed() => if newer { Ok(()) } else { return },
        };
        let answer = match taken {
            Ok(()) => session.push().map(answer).map(Ok),
            Err(status) => Some(Err(status)),
        };
        let Some(answer) = answer else { continue };
        let refused = answer.is_err();
        if !session.deliver(&answers, answer).await || refused {
            return;
        }
    }
}

fn take(session: &mut Session, request: DeltaDiscoveryRequest) -> Result<(), Status> {
    session.begin(&request.type_url, request.node.as_ref())?;
    session.react(&request.response_nonce, request.error_detail.as_ref());
    session.ask_no_more(&request.resource_names_unsubscribe);
    session.ask_also(request.resource_names_subscribe)?;
    session.has(request.initial_resource_versions);
    Ok(())
}

fn answer(push: Push) -> DeltaDiscoveryResponse {
    let resources = push.changed.into_iter().map(|(name, resource)| Resource {
        name,
        version: resource.version.clone(),
        resource: Some(resource.any.clone()),
        ..Resource::default()
    });
    DeltaDiscoveryResponse {
        system_version_info: push.generation.to_string(),
        resources: resources.collect(),
        type_url: TYPE_URL.to_owned(),
        nonce: push.nonce,
        removed_resources: push.unknown,
        ..DeltaDiscoveryResponse::default()
    }
}
