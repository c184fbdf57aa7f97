//! The standard health service of gRPC.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serin_rollout::plan::GrpcProbe;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::Prober;
use crate::prober::{Trouble, host_and_port};

/// An answer is a few bytes.
const MESSAGE_MAX: usize = 4_096;

/// A stream, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Gives the one connection that was made by the address policy, and none after that.
struct Once(Option<Box<dyn Stream>>);

impl Service<Uri> for Once {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let stream = self.0.take().map(TokioIo::new);
        std::future::ready(stream.ok_or_else(|| io::Error::other("it closed the connection")))
    }
}

pub(crate) async fn check(prober: &Prober, probe: &GrpcProbe, within: Duration) -> Result<(), Trouble> {
    let (host, port) = host_and_port(&probe.address)?;
    let stream = prober.http.policy().connect(host, port, within).await?;
    let stream: Box<dyn Stream> = if probe.tls {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| Trouble::NotAsked(format!("{host} is no name of a server")))?;
        let connector = TlsConnector::from(Arc::clone(&prober.grpc_tls));
        let secured = connector.connect(name, stream).await;
        Box::new(secured.map_err(|error| Trouble::Failed(format!("no TLS: {error}")))?)
    } else {
        Box::new(stream)
    };
    // The stream is secured already, so the scheme is only a name here.
    let endpoint = Endpoint::from_shared(format!("http://{}", probe.address));
    let endpoint = endpoint.map_err(|error| Trouble::NotAsked(error.to_string()))?;
    let channel = endpoint.connect_with_connector(Once(Some(stream))).await;
    let channel = channel.map_err(|error| Trouble::Failed(words(&error)))?;
    let mut client = HealthClient::new(channel).max_decoding_message_size(MESSAGE_MAX);
    let request = HealthCheckRequest { service: probe.service.clone() };
    let answer = client.check(request).await;
    match answer.map(|answer| answer.into_inner().status()) {
        Ok(ServingStatus::Serving) => Ok(()),
        Ok(status) => Err(Trouble::Failed(format!("it says {}", status.as_str_name()))),
        Err(status) => Err(Trouble::Failed(format!("it answered {:?}: {}", status.code(), status.message()))),
    }
}

/// The last cause says most.
fn words(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
