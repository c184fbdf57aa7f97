//! The state-of-the-world form: every answer holds all resources that the stream asked for.

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Status, Streaming};

use super::TYPE_URL;
use super::session::{Push, Session};

/// Serves one stream until either side ends it.
pub(super) async fn serve(
    mut session: Session,
    mut requests: Streaming<DiscoveryRequest>,
    answers: mpsc::Sender<Result<DiscoveryResponse, Status>>,
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
            Ok(()) => session.push().and_then(answer).map(Ok),
            Err(status) => Some(Err(status)),
        };
        let Some(answer) = answer else { continue };
        let refused = answer.is_err();
        if !session.deliver(&answers, answer).await || refused {
            return;
        }
    }
}

fn take(session: &mut Session, request: DiscoveryRequest) -> Result<(), Status> {
    session.begin(&request.type_url, request.node.as_ref())?;
    session.react(&request.response_nonce, request.error_detail.as_ref());
    session.ask(request.resource_names)
}

fn answer(push: Push) -> Option<DiscoveryResponse> {
    let first = push.all.first()?;
    Some(DiscoveryResponse {
        version_info: first.version.clone(),
        resources: push.all.iter().map(|resource| resource.any.clone()).collect(),
        type_url: TYPE_URL.to_owned(),
        nonce: push.nonce,
        ..DiscoveryResponse::default()
    })
}
