//! The two forms in which the protocol asks and answers, and the one way to serve a stream of either.

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Status, Streaming};

use super::session::{Push, Session};

/// How requests are read and answers written.
pub(super) trait Form {
    type Request: Send + 'static;
    type Answer: Send + 'static;

    /// Takes over what a request says.
    fn take(session: &mut Session, request: Self::Request) -> Result<(), Status>;

    /// `None`: there is nothing to say.
    fn answer(push: Push) -> Option<Self::Answer>;
}

/// Serves one stream until either side ends it.
pub(super) async fn serve<F: Form>(
    mut session: Session,
    mut requests: Streaming<F::Request>,
    answers: mpsc::Sender<Result<F::Answer, Status>>,
) {
    loop {
        let taken = tokio::select! {
            request = requests.next() => match request {
                Some(Ok(request)) => F::take(&mut session, request),
                Some(Err(_)) | None => return,
            },
            newer = session.changed() => if newer { Ok(()) } else { return },
        };
        let answer = match taken {
            Ok(()) => session.push().and_then(F::answer).map(Ok),
            Err(status) => Some(Err(status)),
        };
        let Some(answer) = answer else { continue };
        let refused = answer.is_err();
        if !session.deliver(&answers, answer).await || refused {
            return;
        }
    }
}
