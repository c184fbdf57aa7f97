//! A connection to PostgreSQL, and a query in a read-only transaction.

use std::time::Duration;

use futures_util::StreamExt;
use serin_rollout::plan::PostgresProbe;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{Client, Config};

use crate::Prober;
use crate::bounded::Bounded;
use crate::prober::Trouble;

/// So much of what the database says is read.
const READ_MAX: usize = 1024 * 1024;

/// Ends a connection together with whoever asked by it.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn check(prober: &Prober, probe: &PostgresProbe, within: Duration) -> Result<(), Trouble> {
    let named = prober.targets.databases.get(&probe.database);
    let target = named.ok_or_else(|| {
        Trouble::NotAsked(format!("the server's configuration names no database {}", probe.database))
    })?;
    let mut config = Config::new();
    config.user(&target.user).dbname(&target.dbname).application_name("serin").connect_timeout(within);
    if let Some(password) = &target.password {
        config.password(password);
    }
    let stream = prober.http.policy().connect(&target.host, target.port, within).await?;
    let stream = Bounded::new(stream, READ_MAX);
    let (client, _connection) = if target.tls {
        config.ssl_mode(tokio_postgres::config::SslMode::Require);
        let mut tls = prober.database_tls.clone();
        let tls = MakeTlsConnect::<Bounded<tokio::net::TcpStream>>::make_tls_connect(&mut tls, &target.host);
        let tls = tls.map_err(|error| Trouble::NotAsked(error.to_string()))?;
        let (client, connection) = config.connect_raw(stream, tls).await.map_err(failed)?;
        (client, Connection(tokio::spawn(async move { _ = connection.await })))
    } else {
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
        (client, Connection(tokio::spawn(async move { _ = connection.await })))
    };
    ask(&client, &probe.query).await
}

async fn ask(client: &Client, query: &str) -> Result<(), Trouble> {
    client.simple_query("BEGIN READ ONLY").await.map_err(failed)?;
    let none: [&str; 0] = [];
    let rows = client.query_raw(query, none).await.map_err(failed)?;
    let mut rows = std::pin::pin!(rows);
    match rows.next().await {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(failed(error)),
        None => Err(Trouble::Failed("its query gives no row".to_owned())),
    }
}

/// The database's own words, without the query.
fn failed(error: tokio_postgres::Error) -> Trouble {
    let words = error.as_db_error().map(|error| format!("{}: {}", error.code().code(), error.message()));
    Trouble::Failed(words.unwrap_or_else(|| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }))
}
