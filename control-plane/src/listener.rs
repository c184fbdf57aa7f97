//! Sockets, and the limits that every connection lives under.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::config::Listener;

/// Bytes of one incoming message.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Streams of one connection.
const STREAMS_MAX: u32 = 256;
/// Bytes of the headers of one request.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Reset streams that a connection may leave behind before it is closed.
const RESETS_MAX: usize = 20;
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Silence after which a connection is asked whether it lives, and the time to answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// Time for the body of a request over HTTP to arrive. Less than [`REQUEST`], whose end is told as gRPC tells it.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Time for the beginning of an answer.
const REQUEST: Duration = Duration::from_secs(15);

/// A bound listener that serves nothing yet.
#[derive(Debug)]
pub struct Bound {
    /// Where it really listens.
    pub address: SocketAddr,
    listener: TcpListener,
    server: Server,
}

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The socket.
    #[error("listeners.{listener}: cannot listen on {address}: {source}")]
    Socket {
        /// Name of the listener.
        listener: &'static str,
        /// Its address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The certificates.
    #[error("listeners.{listener}.tls: {source}")]
    Tls {
        /// Name of the listener.
        listener: &'static str,
        /// What is wrong with them.
        source: tonic::transport::Error,
    },
}

impl Bound {
    /// Opens a listener.
    ///
    /// # Errors
    /// When the address is taken or the certificates are unusable.
    pub async fn open(name: &'static str, listener: &Listener) -> Result<Self, BindError> {
        let server = server(listener).map_err(|source| BindError::Tls { listener: name, source })?;
        let address = listener.address;
        let failed = |source| BindError::Socket { listener: name, address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { address, listener, server })
    }

    /// The server with its limits, and where its connections come from.
    pub fn into_parts(self) -> (Server, TcpIncoming) {
        (self.server, TcpIncoming::from(self.listener).with_nodelay(Some(true)))
    }
}

fn server(listener: &Listener) -> Result<Server, tonic::transport::Error> {
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
        .http2_keepalive_interval(Some(KEEPALIVE.0))
        .http2_keepalive_timeout(Some(KEEPALIVE.1))
        .timeout(REQUEST);
    let Some(tls) = &listener.tls else { return Ok(server) };
    let identity = Identity::from_pem(&tls.cert, &tls.key);
    let config = ServerTlsConfig::new().identity(identity).timeout(HANDSHAKE);
    let config = match &tls.client_ca {
        Some(authority) => config.client_ca_root(Certificate::from_pem(authority)),
        None => config,
    };
    server.tls_config(config)
}
