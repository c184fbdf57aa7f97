//! A connection, its limits, and its turn.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Limits, RunError, database};

/// Time for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Between two looks whether it is our turn.
const LOOK: Duration = Duration::from_millis(200);
/// Key of the advisory lock: "serinmig" as a number.
const KEY: i64 = 0x7365_7269_6e6d_6967;

/// Where a database is. Its addresses were resolved and permitted by the caller.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to connect, tried in order.
    pub addresses: Vec<SocketAddr>,
    /// Name that the certificate must bear.
    pub host: String,
    /// Role.
    pub user: String,
    /// Its password. `None`: it needs none.
    pub password: Option<Secret>,
    /// Name of the database.
    pub database: String,
    /// `None`: without TLS.
    pub tls: Option<Arc<ClientConfig>>,
}

/// A password, which is never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// A connection whose settings are ours.
pub(super) struct Session {
    client: Client,
    driver: JoinHandle<()>,
}

impl Session {
    pub(super) async fn open(server: &Server, limits: Limits) -> Result<Self, RunError> {
        let connected = timeout(CONNECT, connect(server)).await;
        let (client, driver) = connected
            .unwrap_or_else(|_| Err(format!("not within {}s", CONNECT.as_secs())))
            .map_err(RunError::Connect)?;
        let session = Self { client, driver };
        let settings = format!(
            "SET lock_timeout = {}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
             SET client_connection_check_interval = 2000; SET standard_conforming_strings = on; \
             SET client_min_messages = error; SET application_name = 'serin'",
            limits.lock.as_millis().max(1),
            limits.statement.as_millis().max(1),
            limits.whole.as_millis().max(1),
        );
        session.client.batch_execute(&settings).await.map_err(database)?;
        Ok(session)
    }

    /// Waits until no other runner works on the database.
    pub(super) async fn take_turn(&self, patience: Duration) -> Result<(), RunError> {
        let began = Instant::now();
        loop {
            let row = self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&KEY]).await;
            if row.map_err(database)?.try_get(0).map_err(database)? {
                return Ok(());
            }
            if began.elapsed() >= patience {
                return Err(RunError::Turn(patience));
            }
            sleep(LOOK).await;
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn connect(server: &Server) -> Result<(Client, JoinHandle<()>), String> {
    let mut config = Config::new();
    config.user(&server.user).dbname(&server.database);
    if let Some(Secret(password)) = &server.password {
        config.password(password);
    }
    let stream = reach(&server.addresses).await?;
    let wrong = |error: tokio_postgres::Error| super::words(&error);
    match &server.tls {
        None => {
            config.ssl_mode(tokio_postgres::config::SslMode::Disable);
            let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(wrong)?;
            Ok((client, tokio::spawn(drive(connection))))
        }
        Some(tls) => {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
            ServerName::try_from(server.host.clone()).map_err(|error| error.to_string())?;
            let mut maker = MakeRustlsConnect::new(ClientConfig::clone(tls));
            let connector =
                <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<TcpStream>>::make_tls_connect(
                    &mut maker,
                    &server.host,
                );
            let connector = connector.map_err(|error| error.to_string())?;
            let (client, connection) = config.connect_raw(stream, connector).await.map_err(wrong)?;
            Ok((client, tokio::spawn(drive(connection))))
        }
    }
}

/// What ends a connection is told to whoever waits for an answer.
async fn drive<T>(connection: impl Future<Output = T>) {
    connection.await;
}

async fn reach(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut last = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
